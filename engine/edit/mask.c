/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mask.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TILE = 32 }; /* of the transposition: two tiles of floats fit the first-level cache */

static int at_most(int value, int most)
{
    return value > most ? most : value;
}

/* A tenth and 32 are Krita AI Diffusion's.  The cap is ours: uncapped, a square of 1024 pixels
 * fades over 144, far from what was selected. */
MaskWidths mask_widths(double diagonal, double strength, int feather_cap)
{
    int tenth = (int)floor(.10 * strength * diagonal), least = (int)lround(32 * strength);
    int edge = at_most((int)lround(.025 * diagonal), MASK_EDGE_MOST);
    return (MaskWidths){ .grow = 0,
                         .feather = at_most(tenth > least ? tenth : least, feather_cap),
                         .edge = edge < MASK_EDGE_LEAST ? MASK_EDGE_LEAST : edge };
}

/* 4 and half the feather: denoise stays 1 up to 4 pixels outside of what is chosen.  At least half
 * the edge: where the result is laid the model must have been allowed to paint. */
int mask_spread(const MaskWidths *widths)
{
    int soft = 4 + widths->feather / 2, half = (widths->edge + 1) / 2;
    return soft > half ? soft : half;
}

int mask_denoise_reach(const MaskWidths *widths)
{
    return widths->grow + mask_spread(widths) + widths->feather / 2 + 1;
}

int mask_compose_reach(const MaskWidths *widths, EditEdge edge)
{
    return edge == EDIT_BLEND ? widths->grow + (widths->edge + 1) / 2 : 0;
}

/* ---- filters of one row, applied along both axes ------------------------------------------ */

typedef struct RowFilter RowFilter;
struct RowFilter {
    /* row [n] in place; scratch as many floats as scratch_floats(). */
    void (*function)(float *row, int n, const RowFilter *filter, float *scratch);
    int radius; /* reach on either side */
};

/* Enough for every row function: four rows with their reach on both sides. */
static size_t scratch_floats(int n, const RowFilter *filter)
{
    return 4 * ((size_t)n + 2 * (size_t)filter->radius + 2);
}

typedef struct {
    const RowFilter *filter;
    float           *data, *turned, *scratch;
    size_t           w, h, scratch_floats;
} Rows;

static void filter_row(void *data, int y, int worker)
{
    const Rows *rows = data;
    rows->filter->function(rows->data + (size_t)y * rows->w, (int)rows->w, rows->filter,
                           rows->scratch + (size_t)worker * rows->scratch_floats);
}

static void transpose_band(void *data, int band, int worker)
{
    const Rows *rows = data;
    size_t      y0 = (size_t)band * TILE, y1 = y0 + TILE < rows->h ? y0 + TILE : rows->h;
    (void)worker;
    for (size_t x0 = 0; x0 < rows->w; x0 += TILE) {
        size_t x1 = x0 + TILE < rows->w ? x0 + TILE : rows->w;
        for (size_t x = x0; x < x1; x++)
            for (size_t y = y0; y < y1; y++)
                rows->turned[x * rows->h + y] = rows->data[y * rows->w + x];
    }
}

/* All rows, then all columns, as rows of a turned copy: a walk down a column would miss the cache
 * at every step. */
static bool filter_both_ways(Threads *threads, float *mask, int w, int h, const RowFilter *filter)
{
    size_t scratch_each = scratch_floats(w > h ? w : h, filter);
    float *turned = malloc((size_t)w * (size_t)h * sizeof *turned);
    float *scratch = malloc((size_t)threads_count(threads) * scratch_each * sizeof *scratch);
    bool   ok = turned && scratch;
    if (ok) {
        Rows rows = { filter, mask, turned, scratch, (size_t)w, (size_t)h, scratch_each };
        Rows columns = { filter, turned, mask, scratch, (size_t)h, (size_t)w, scratch_each };
        parallel_for(threads, h, filter_row, &rows);
        parallel_for(threads, (h + TILE - 1) / TILE, transpose_band, &rows);
        parallel_for(threads, w, filter_row, &columns);
        parallel_for(threads, (w + TILE - 1) / TILE, transpose_band, &columns);
    }
    free(turned);
    free(scratch);
    return ok;
}

/* row [n] with `reach` repeated edge values on both sides. */
static void pad_row(float *padded, const float *row, int n, int reach)
{
    for (int i = 0; i < reach; i++) {
        padded[i] = row[0];
        padded[reach + n + i] = row[n - 1];
    }
    memcpy(padded + reach, row, (size_t)n * sizeof *row);
}

/* Sums of a mask's weights are off by rounding; what must be exactly 0 or 1 is made so. */
static float snap(double value)
{
    return value < 1e-6 ? 0 : value > 1 - 1e-6 ? 1 : (float)value;
}

/* fmaxf() minds NaN, of which there is none, and is a call. */
static float larger(float a, float b)
{
    return a > b ? a : b;
}

/* In blocks of a window's length, the running maximum from the left and from the right: the maximum
 * of any window is that of two of them. */
static void dilate_row(float *row, int n, const RowFilter *filter, float *scratch)
{
    int    r = filter->radius, window = 2 * r + 1, length = n + 2 * r;
    float *padded = scratch, *left = padded + length, *right = left + length;
    pad_row(padded, row, n, r);
    for (int from = 0; from < length; from += window) {
        int to = from + window < length ? from + window : length;
        left[from] = padded[from];
        for (int i = from + 1; i < to; i++)
            left[i] = larger(left[i - 1], padded[i]);
        right[to - 1] = padded[to - 1];
        for (int i = to - 2; i >= from; i--)
            right[i] = larger(right[i + 1], padded[i]);
    }
    for (int i = 0; i < n; i++)
        row[i] = larger(right[i], left[i + 2 * r]);
}

/* A triangle of support 2 radius + 1 is two boxes of radius + 1. */
static void triangle_row(float *row, int n, const RowFilter *filter, float *scratch)
{
    int    r = filter->radius;
    float *padded = scratch, *boxed = padded + n + 2 * r;
    double sum = 0, part = 1. / (r + 1);
    pad_row(padded, row, n, r);
    /* Running sums in double: in float what was added and taken off again leaves a remainder that
     * grows along the row, and 0 far from the mask is not 0. */
    for (int i = 0; i < r; i++)
        sum += padded[i];
    for (int i = 0; i < n + r; i++) {
        sum += padded[i + r];
        boxed[i] = (float)(sum * part);
        sum -= padded[i];
    }
    sum = 0;
    for (int i = 0; i < r; i++)
        sum += boxed[i];
    for (int i = 0; i < n; i++) {
        sum += boxed[i + r];
        row[i] = snap(sum * part);
        sum -= boxed[i];
    }
}

/* The lower envelope of the parabolas f[i] + (x - i)^2.  parabola [n]: the places whose parabolas
 * it is made of; border [n + 1]: where each begins. */
static void distance_row(float *row, int n, const RowFilter *filter, float *scratch)
{
    float *height = scratch, *border = height + n, *parabola = border + n + 1;
    int    last = 0;
    (void)filter;
    memcpy(height, row, (size_t)n * sizeof *row);
    parabola[0] = 0;
    border[0] = -FLT_MAX;
    for (int q = 1; q < n; q++) {
        double meet;
        for (;;) {
            int v = (int)parabola[last];
            meet = ((double)height[q] - (double)height[v] + (double)q * q - (double)v * v) /
                   (2. * (q - v));
            if (meet > (double)border[last])
                break;
            last--;
        }
        parabola[++last] = (float)q; /* exact: a row is shorter than 2^24 */
        border[last] = (float)meet;
    }
    for (int x = 0, k = 0; x < n; x++) {
        while (k < last && border[k + 1] < (float)x)
            k++;
        double away = (double)x - (double)parabola[k];
        row[x] = (float)(away * away + (double)height[(int)parabola[k]]);
    }
}

bool mask_dilate(Threads *threads, float *mask, int w, int h, int radius)
{
    RowFilter filter = { .function = dilate_row, .radius = radius };
    return radius <= 0 || filter_both_ways(threads, mask, w, h, &filter);
}

bool mask_blur_triangle(Threads *threads, float *mask, int w, int h, int support)
{
    assert(support % 2 == 1);
    RowFilter filter = { .function = triangle_row, .radius = support / 2 };
    return support <= 1 || filter_both_ways(threads, mask, w, h, &filter);
}

bool mask_distance_squared(Threads *threads, float *mask, int w, int h)
{
    RowFilter filter = { .function = distance_row };
    for (size_t i = 0, n = (size_t)w * (size_t)h; i < n; i++)
        /* 1e12 is more than any square of a distance on a canvas, 2 * 524288^2 at most; infinity
         * would make parabolas meet at NaN. */
        mask[i] = mask[i] > 0 ? 0 : 10 * MASK_FAR;
    return filter_both_ways(threads, mask, w, h, &filter);
}

/* ---- cleaning ----------------------------------------------------------------------------- */

/* Marks the 4-connected places == 0 around `start` in seen and lists them in stack, which ends up
 * holding all of them.  Tells whether they touch the border. */
static size_t flood(const float *mask, unsigned char *seen, int *stack, int w, int h, int start,
                    bool *border)
{
    size_t listed = 1;
    stack[0] = start;
    seen[start] = 1;
    *border = false;
    for (size_t next = 0; next < listed; next++) {
        int at = stack[next], x = at % w, y = at / w;
        int beside[4] = { x > 0 ? at - 1 : -1, x < w - 1 ? at + 1 : -1, y > 0 ? at - w : -1,
                          y < h - 1 ? at + w : -1 };
        for (int i = 0; i < 4; i++) {
            if (beside[i] < 0) {
                *border = true;
            } else if (!seen[beside[i]] && mask[beside[i]] == 0) {
                seen[beside[i]] = 1;
                stack[listed++] = beside[i];
            }
        }
    }
    return listed;
}

bool mask_clean(float *mask, int w, int h)
{
    size_t count = (size_t)w * (size_t)h, masked = 0;
    bool   border = false;
    /* A soft brush leaves a wide veil that nobody sees and every dilation would take for
     * selected. */
    for (size_t i = 0; i < count; i++) {
        if (mask[i] < .1F)
            mask[i] = 0;
        masked += mask[i] > 0;
    }
    /* Places are ints.  A plan reads at most 2^27 pixels at once. */
    assert(count < (size_t)1 << 31);
    unsigned char *seen = calloc(count, 1);
    int           *stack = malloc((count - masked + 1) * sizeof *stack);
    if (!seen || !stack) {
        free(seen);
        free(stack);
        return false;
    }
    for (int start = 0; (size_t)start < count; start++) {
        if (mask[start] != 0 || seen[start])
            continue;
        size_t listed = flood(mask, seen, stack, w, h, start, &border);
        /* Half a percent: specks that a hand leaves out when it fills an area.  A larger hole is
         * meant. */
        if (!border && (double)listed <= .005 * (double)masked)
            for (size_t i = 0; i < listed; i++)
                mask[stack[i]] = 1;
    }
    free(seen);
    free(stack);
    return true;
}

EditRect mask_bounds(const float *mask, int w, int h, float threshold)
{
    int x0 = w, x1 = -1, y0 = h, y1 = -1;
    for (int y = 0; y < h; y++) {
        const float *row = mask + (size_t)y * (size_t)w;
        int          first = 0, last = w - 1;
        while (first < w && !(row[first] > threshold))
            first++;
        if (first == w)
            continue;
        while (!(row[last] > threshold))
            last--;
        x0 = first < x0 ? first : x0;
        x1 = last > x1 ? last : x1;
        y0 = y < y0 ? y : y0;
        y1 = y;
    }
    return x1 < 0 ? (EditRect){ 0 } : (EditRect){ x0, y0, x1 - x0 + 1, y1 - y0 + 1 };
}

/* ---- the masks of a selection and of an extension ------------------------------------------ */

static float smoothstep(float x)
{
    x = x < 0 ? 0 : x > 1 ? 1 : x;
    return x * x * (3 - 2 * x);
}

static int odd(int width)
{
    return width | 1;
}

/* Distance in pixels to the edge of mask's half, more than 0 inside; far off where there is none. */
static bool signed_distance(Threads *threads, float *away, const float *mask, int w, int h)
{
    size_t count = (size_t)w * (size_t)h;
    float *outside = malloc(count * sizeof *outside);
    bool   ok = outside != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        away[i] = mask[i] < .5F;
        outside[i] = mask[i] >= .5F;
    }
    ok = ok && mask_distance_squared(threads, away, w, h) &&
         mask_distance_squared(threads, outside, w, h);
    /* Between two pixels: half a pixel nearer than the centre of the first one beyond. */
    for (size_t i = 0; ok && i < count; i++)
        away[i] = away[i] > 0 ? sqrtf(away[i]) - .5F : .5F - sqrtf(outside[i]);
    free(outside);
    return ok;
}

/* compose = a ramp across the edge of chosen, or all of it inside; as wide as `edge` or as what is
 * chosen is thick there. */
static bool feather_edge(Threads *threads, float *compose, const float *chosen, int w, int h,
                         int edge, bool inside)
{
    size_t count = (size_t)w * (size_t)h;
    float *away = malloc(count * sizeof *away), *thick = compose;
    bool   ok = away && signed_distance(threads, away, chosen, w, h);
    /* The farthest from the edge that one gets within `edge` pixels: half of how thick it is here.
     * With a fixed edge the middle of a scratch 4 pixels wide would be covered by little more than
     * half, and the scratch would show through. */
    for (size_t i = 0; ok && i < count; i++)
        thick[i] = away[i] > 0 ? away[i] : 0;
    ok = ok && mask_dilate(threads, thick, w, h, edge);
    for (size_t i = 0; ok && i < count; i++) {
        float least = inside ? .25F : .5F; /* a pixel's own thickness */
        float half = fmaxf(least, fminf(.5F * (float)edge, 2 * least * thick[i]));
        float ramp = inside ? .5F * away[i] / half : .5F + .5F * away[i] / half;
        ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
        bool drawn = inside || chosen[i] >= .5F;
        compose[i] = drawn ? fminf(ramp, chosen[i]) : fmaxf(ramp, chosen[i]);
    }
    free(away);
    return ok;
}

bool mask_make(Threads *threads, float *denoise, float *compose, float *fill,
               const float *selection, int w, int h, EditEdge edge, const MaskWidths *widths)
{
    size_t count = (size_t)w * (size_t)h;
    if (edge == EDIT_AS_DRAWN) {
        for (size_t i = 0; i < count; i++) {
            denoise[i] = selection[i] > .99F ? 1 : selection[i];
            /* From a quarter on all is laid: what is selected faintly is changed in few of the
             * steps, and laid at its own weight it would be weakened a second time. */
            compose[i] = smoothstep(selection[i] / .25F);
            fill[i] = selection[i] > 0 ? 1 : 0;
        }
        return true;
    }
    bool inside = edge == EDIT_KEEP_INSIDE;
    memcpy(fill, selection, count * sizeof *fill);
    if (!mask_clean(fill, w, h) || !mask_dilate(threads, fill, w, h, widths->grow) ||
        !feather_edge(threads, compose, inside ? selection : fill, w, h, widths->edge, inside))
        return false;
    memcpy(denoise, fill, count * sizeof *denoise);
    if (!mask_dilate(threads, denoise, w, h, mask_spread(widths)) ||
        !mask_blur_triangle(threads, denoise, w, h, odd(widths->feather)) ||
        !mask_dilate(threads, fill, w, h, 4))
        return false;
    /* All but full is full: the sampler paints such a place from its first step on (keep_known()
     * has the same .99), and the blur's rounding must not tell two of them apart. */
    for (size_t i = 0; i < count; i++)
        denoise[i] = denoise[i] > .99F ? 1 : denoise[i];
    return true;
}

bool mask_make_ramp(Threads *threads, float *denoise, float *compose, const float *unknown, int w,
                    int h, int grow, int ramp, int blend)
{
    size_t count = (size_t)w * (size_t)h;
    memcpy(denoise, unknown, count * sizeof *denoise);
    if (!mask_distance_squared(threads, denoise, w, h))
        return false;
    if (blend > grow + ramp)
        blend = grow + ramp;
    for (size_t i = 0; i < count; i++) {
        /* From the border between two pixels, half a pixel nearer than the last unknown centre. */
        float away = denoise[i] > 0 ? sqrtf(denoise[i]) - .5F : 0;
        /* The square is ComfyUI's ImagePadForOutpaint: the last third of the ramp is all but kept,
         * so that structure goes on across the border. */
        float left = ramp > 0 ? 1 - (away - (float)grow) / (float)ramp : 0;
        float value = away <= (float)grow ? 1 : left > 0 ? left * left : 0;
        denoise[i] = value > .99F ? 1 : value;
        compose[i] = away == 0   ? 1
                     : blend > 0 ? smoothstep(((float)(grow + ramp) - away) / (float)blend)
                                 : 0;
    }
    return true;
}
