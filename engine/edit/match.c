/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "match.h"

#include "mask.h"
#include "prefill.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of the curve: read between entries it is off by less than 1e-7.  Of the low pass: pixels a cell,
 * of which 8 are one latent. */
enum { CURVE = 4096, CELL = 8 };

/* ---- sRGB and Lab -------------------------------------------------------------------------- */

typedef struct {
    float linear[CURVE + 2]; /* sRGB value i / CURVE as light */
} Curve;

static void curve_init(Curve *curve)
{
    for (int i = 0; i < CURVE + 2; i++) {
        double v = (double)i / CURVE;
        curve->linear[i] = (float)(v <= .04045 ? v / 12.92 : pow((v + .055) / 1.055, 2.4));
    }
}

static float to_linear(const Curve *curve, float value)
{
    value = !(value > 0) ? 0 : value > 1 ? 1 : value;
    float at = value * CURVE;
    int   i = (int)at;
    return curve->linear[i] + (at - (float)i) * (curve->linear[i + 1] - curve->linear[i]);
}

/* x in .001 … 2, to a few units in the last place: a guess from the exponent and two steps of
 * Halley.  A third of the time of cbrtf(), which is most of a match. */
static float cube_root(float x)
{
    uint32_t bits;
    float    y;
    memcpy(&bits, &x, sizeof bits);
    bits = bits / 3 + 0x2a514067;
    memcpy(&y, &bits, sizeof y);
    for (int i = 0; i < 2; i++) {
        float cube = y * y * y;
        y *= (cube + 2 * x) / (2 * cube + x);
    }
    return y;
}

/* x^(1/2.4) is the cube root times its own fourth root: 1/3 + 1/12. */
static float from_linear(float light)
{
    if (!(light > 0))
        return 0;
    if (light >= 1)
        return 1;
    if (light <= .0031308F)
        return 12.92F * light;
    float root = cube_root(light);
    return 1.055F * root * sqrtf(sqrtf(root)) - .055F;
}

/* CIE 1976: the cube root above (6 / 29)^3, below that the line t (29 / 6)^2 / 3 + 4 / 29 that
 * meets it. */
static float lab_forward(float t)
{
    return t > .008856452F ? cube_root(t) : t * 7.787037F + .13793103F;
}

static float lab_backward(float t)
{
    return t > .20689655F ? t * t * t : (t - .13793103F) * .12841855F;
}

/* sRGB light to XYZ (IEC 61966-2-1), each row over its white of D65: .95047, 1, 1.08883.  So grey
 * is (y, y, y), and a and b of it are 0 but for rounding. */
static void to_lab(const Curve *curve, float lab[3], const float rgb[3])
{
    float r = to_linear(curve, rgb[0]), g = to_linear(curve, rgb[1]), b = to_linear(curve, rgb[2]);
    float x = lab_forward(.43394994F * r + .37621251F * g + .18983755F * b);
    float y = lab_forward(.21267285F * r + .71515252F * g + .07217499F * b);
    float z = lab_forward(.01775655F * r + .10946796F * g + .87277549F * b);
    lab[0] = 116 * y - 16;
    lab[1] = 500 * (x - y);
    lab[2] = 200 * (y - z);
}

static void from_lab(float rgb[3], const float lab[3])
{
    float y = (lab[0] + 16) / 116;
    float x = lab_backward(y + lab[1] / 500), z = lab_backward(y - lab[2] / 200);
    y = lab_backward(y);
    rgb[0] = from_linear(3.07980347F * x - 1.53731789F * y - .54284736F * z);
    rgb[1] = from_linear(-.92125493F * x + 1.87601081F * y + .04524412F * z);
    rgb[2] = from_linear(.05288739F * x - .20402590F * y + 1.15113852F * z);
}

/* ---- statistics ---------------------------------------------------------------------------- */

typedef struct {
    double count, sum[2][3], square[2][3]; /* 0: picture, 1: reference */
} Sums;

typedef struct {
    const Curve *curve;
    float       *picture;
    const float *reference, *known;
    size_t       w;
    Sums        *rows;
    double       from[3], to[3], ratio[3];
} Match;

static void sum_row(void *data, int y, int worker)
{
    const Match *match = data;
    Sums        *sums = &match->rows[y];
    (void)worker;
    for (size_t i = (size_t)y * match->w, end = i + match->w; i < end; i++) {
        if (!(match->known[i] > 0))
            continue;
        float lab[2][3];
        to_lab(match->curve, lab[0], match->picture + 3 * i);
        to_lab(match->curve, lab[1], match->reference + 3 * i);
        sums->count++;
        for (int p = 0; p < 2; p++) {
            for (int c = 0; c < 3; c++) {
                sums->sum[p][c] += (double)lab[p][c];
                sums->square[p][c] += (double)lab[p][c] * (double)lab[p][c];
            }
        }
    }
}

static void move_row(void *data, int y, int worker)
{
    const Match *match = data;
    (void)worker;
    for (size_t i = (size_t)y * match->w, end = i + match->w; i < end; i++) {
        float lab[3];
        to_lab(match->curve, lab, match->picture + 3 * i);
        for (int c = 0; c < 3; c++)
            lab[c] = (float)(((double)lab[c] - match->from[c]) * match->ratio[c] + match->to[c]);
        from_lab(match->picture + 3 * i, lab);
    }
}

static double deviation(double square, double sum, double count)
{
    double variance = square / count - sum / count * (sum / count);
    return variance > 0 ? sqrt(variance) : 0;
}

bool match_colours(Threads *threads, float *picture, const float *reference, const float *known,
                   int w, int h)
{
    Curve *curve = malloc(sizeof *curve);
    Match  match = { .curve = curve,
                     .picture = picture,
                     .reference = reference,
                     .known = known,
                     .w = (size_t)w,
                     .rows = calloc((size_t)h, sizeof(Sums)) };
    bool   ok = curve && match.rows, differs = false;
    if (!ok)
        goto done;
    curve_init(curve);
    parallel_for(threads, h, sum_row, &match);
    Sums all = { 0 };
    /* One sum for each row, added up in their order: the same bits for any number of threads. */
    for (int y = 0; y < h; y++) {
        all.count += match.rows[y].count;
        for (int p = 0; p < 2; p++) {
            for (int c = 0; c < 3; c++) {
                all.sum[p][c] += match.rows[y].sum[p][c];
                all.square[p][c] += match.rows[y].square[p][c];
            }
        }
    }
    if (all.count < MATCH_MIN_KNOWN)
        goto done;
    for (int c = 0; c < 3; c++) {
        /* The ratio is held to .8 … 1.25: a larger one comes of few or flat known pixels, and would
         * stretch the grain of all of the picture. */
        double now = deviation(all.square[0][c], all.sum[0][c], all.count);
        double want = deviation(all.square[1][c], all.sum[1][c], all.count);
        match.from[c] = all.sum[0][c] / all.count;
        match.to[c] = all.sum[1][c] / all.count;
        /* Two flat areas have no deviations to compare. */
        match.ratio[c] =
            now < 1e-3 && want < 1e-3 ? 1 : fmin(1.25, fmax(.8, want / fmax(now, 1e-6)));
        differs |= fabs(match.from[c] - match.to[c]) > 1e-3 || fabs(match.ratio[c] - 1) > 1e-4;
    }
    if (differs)
        parallel_for(threads, h, move_row, &match);
done:
    free(curve);
    free(match.rows);
    return ok;
}

/* ---- what still differs along the ring ------------------------------------------------------ */

typedef struct {
    float       *picture;
    const float *reference, *known;
    int          w, h, cells_w, cells_h, support; /* of the low pass, in cells */
    float        share;                           /* of the difference that is taken off … */
    const float *near;                            /* [h, w] … times this; NULL: 1 */
    float       *cells;                           /* [cells_h, cells_w, 3] */
    float       *weights;                         /* [cells_h, cells_w] */
} Ring;

static void gather_row(void *data, int cy, int worker)
{
    const Ring *ring = data;
    int         y_end = (cy + 1) * CELL < ring->h ? (cy + 1) * CELL : ring->h;
    (void)worker;
    for (int cx = 0; cx < ring->cells_w; cx++) {
        int    x_end = (cx + 1) * CELL < ring->w ? (cx + 1) * CELL : ring->w;
        double sum[3] = { 0 }, weight = 0;
        for (int y = cy * CELL; y < y_end; y++) {
            for (int x = cx * CELL; x < x_end; x++) {
                size_t i = (size_t)y * (size_t)ring->w + (size_t)x;
                /* Weights: what changed in a quarter of the steps tells half as much. */
                if (!(ring->known[i] > 0))
                    continue;
                for (size_t c = 0; c < 3; c++)
                    sum[c] += (double)(ring->known[i] *
                                       (ring->reference[3 * i + c] - ring->picture[3 * i + c]));
                weight += (double)ring->known[i];
            }
        }
        size_t at = (size_t)cy * (size_t)ring->cells_w + (size_t)cx;
        for (size_t c = 0; c < 3; c++)
            ring->cells[3 * at + c] = weight > 0 ? (float)(sum[c] / weight) : 0;
        ring->weights[at] = (float)(weight / (CELL * CELL));
    }
}

static void add_row(void *data, int y, int worker)
{
    const Ring *ring = data;
    float       at_y = ((float)y + .5F) / CELL - .5F;
    at_y = at_y < 0 ? 0 : at_y;
    int   y0 = (int)at_y, y1 = y0 + 1 < ring->cells_h ? y0 + 1 : ring->cells_h - 1;
    float v = at_y - (float)y0;
    (void)worker;
    for (int x = 0; x < ring->w; x++) {
        float at_x = ((float)x + .5F) / CELL - .5F;
        at_x = at_x < 0 ? 0 : at_x;
        int          x0 = (int)at_x, x1 = x0 + 1 < ring->cells_w ? x0 + 1 : ring->cells_w - 1;
        float        u = at_x - (float)x0;
        const float *upper = ring->cells + 3 * (size_t)y0 * (size_t)ring->cells_w;
        const float *lower = ring->cells + 3 * (size_t)y1 * (size_t)ring->cells_w;
        size_t       at = (size_t)y * (size_t)ring->w + (size_t)x;
        float       *pixel = ring->picture + 3 * at;
        /* Linear between the centres of four cells: no border of a cell is seen. */
        float        share = ring->share * (ring->near ? ring->near[at] : 1);
        for (int c = 0; c < 3; c++)
            pixel[c] += share * ((1 - v) * ((1 - u) * upper[3 * x0 + c] + u * upper[3 * x1 + c]) +
                                 v * ((1 - u) * lower[3 * x0 + c] + u * lower[3 * x1 + c]));
    }
}

/* Low-pass by weight: blurred (difference * weight) / blurred weight. */
static bool smooth_cells(Threads *threads, Ring *ring)
{
    size_t count = (size_t)ring->cells_w * (size_t)ring->cells_h;
    float *plane = malloc(count * sizeof *plane), *weights = malloc(count * sizeof *weights);
    bool   ok = plane && weights;
    if (ok) {
        memcpy(weights, ring->weights, count * sizeof *weights);
        ok = mask_blur_triangle(threads, weights, ring->cells_w, ring->cells_h, ring->support);
    }
    for (size_t c = 0; ok && c < 3; c++) {
        /* The blur keeps what is within 1e-6 of 0 and 1 there: around .5 nothing is near. */
        for (size_t i = 0; i < count; i++)
            plane[i] = .5F + .25F * ring->cells[3 * i + c] * ring->weights[i];
        ok = mask_blur_triangle(threads, plane, ring->cells_w, ring->cells_h, ring->support);
        for (size_t i = 0; ok && i < count; i++)
            ring->cells[3 * i + c] = weights[i] > 1e-3F ? 4 * (plane[i] - .5F) / weights[i] : 0;
    }
    for (size_t i = 0; ok && i < count; i++)
        /* Where an eighth around a cell is known it is as good as known; less is mixed with what
         * surrounds it, in prefill_continue(). */
        ring->weights[i] = weights[i] > 1e-3F ? fminf(1, 8 * weights[i]) : 0;
    free(plane);
    free(weights);
    return ok;
}

/* A triangle of nine cells has a deviation of two, 16 pixels. */
static int low_pass_support(int native)
{
    int cells = 2 * ((4 * native + 256) / 512) + 1;
    return cells < 3 ? 3 : cells > 17 ? 17 : cells;
}

static bool low(Threads *threads, float *picture, const float *reference, const float *known,
                const float *near, int w, int h, int native, float share)
{
    Ring   ring = { .picture = picture,
                    .reference = reference,
                    .known = known,
                    .w = w,
                    .h = h,
                    .cells_w = (w + CELL - 1) / CELL,
                    .cells_h = (h + CELL - 1) / CELL,
                    .support = low_pass_support(native),
                    .share = share,
                    .near = near };
    size_t count = (size_t)ring.cells_w * (size_t)ring.cells_h;
    float  most = 0, total = 0;
    ring.cells = malloc(3 * count * sizeof(float));
    ring.weights = malloc(count * sizeof(float));
    bool ok = ring.cells && ring.weights;
    if (!ok)
        goto done;
    parallel_for(threads, ring.cells_h, gather_row, &ring);
    for (size_t i = 0; i < count; i++) {
        total += ring.weights[i];
        for (size_t c = 0; c < 3; c++)
            most = fmaxf(most, fabsf(ring.cells[3 * i + c]));
    }
    /* A fortieth of a step of 8 bits: nobody sees it, and an untouched picture stays so to the
     * bit. */
    if (most < 1e-4F || total * CELL * CELL < MATCH_MIN_KNOWN)
        goto done;
    ok = smooth_cells(threads, &ring) &&
         prefill_continue(threads, ring.cells, ring.weights, ring.cells_w, ring.cells_h);
    if (ok)
        parallel_for(threads, h, add_row, &ring);
done:
    free(ring.cells);
    free(ring.weights);
    return ok;
}

bool match_ring(Threads *threads, float *picture, const float *reference, const float *known, int w,
                int h, int native)
{
    return match_low(threads, picture, reference, known, w, h, native, 1);
}

bool match_low(Threads *threads, float *picture, const float *reference, const float *known, int w,
               int h, int native, float share)
{
    return low(threads, picture, reference, known, NULL, w, h, native, share);
}

bool match_edge(Threads *threads, float *picture, const float *reference, const float *known,
                const float *near, int w, int h, int native)
{
    return low(threads, picture, reference, known, near, w, h, native, 1);
}

float match_kept(float strength)
{
    float kept = (.7F - strength) / .4F;
    return kept < 0 ? 0 : kept > 1 ? 1 : kept;
}

/* ---- the seam ------------------------------------------------------------------------------- */

/* Absolute differences of three channels, 0 … 3. */
static double step(const float *rgba, size_t from, size_t to)
{
    double sum = 0;
    for (size_t c = 0; c < 3; c++)
        sum += fabs((double)rgba[4 * to + c] - (double)rgba[4 * from + c]);
    return sum;
}

/* Steps `reach` pixels wide across the border, over those along it at both of their ends. */
static double seam_ratio(const float *rgba, const float *mask, int w, int h, int reach)
{
    double across = 0, along = 0;
    int    before = (reach - 1) / 2, after = reach - before;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            size_t at = (size_t)y * (size_t)w + (size_t)x;
            for (int axis = 0; axis < 2; axis++) {
                int    i = axis ? y : x, n = axis ? h : w, j = axis ? x : y, m = axis ? w : h;
                size_t stride = axis ? (size_t)w : 1, other = axis ? 1 : (size_t)w;
                if (i + 1 >= n || (mask[at] > .5F) == (mask[at + stride] > .5F) || i < before ||
                    i + after >= n || j < before || j + after >= m)
                    continue;
                size_t from = at - (size_t)before * stride, to = at + (size_t)after * stride;
                across += step(rgba, from, to);
                for (int end = 0; end < 2; end++) {
                    size_t centre = end ? to : from;
                    along += .5 * step(rgba, centre - (size_t)before * other,
                                       centre + (size_t)after * other);
                }
            }
        }
    }
    /* At most 1000, where all is flat along the border and a step is across it. */
    return across > 0 ? across / fmax(along, 1e-3 * across) : 0;
}

float match_seam_score(const float *rgba, const float *mask, int w, int h)
{
    double most = 0;
    /* A hard edge shows from one pixel to the next, a tint over several: the worst counts. */
    for (int reach = 1; reach <= 8; reach *= 2)
        most = fmax(most, seam_ratio(rgba, mask, w, h, reach));
    return (float)most;
}
