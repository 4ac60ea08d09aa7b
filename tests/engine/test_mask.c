/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edit/mask.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float *random_mask(int w, int h, unsigned seed)
{
    float *mask = malloc((size_t)w * (size_t)h * sizeof *mask);
    srand(seed);
    for (int i = 0; i < w * h; i++)
        mask[i] = rand() % 4 ? 0 : (float)(rand() % 256) / 255;
    return mask;
}

static int clamp(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static const int sizes[][2] = { { 1, 1 }, { 1, 37 }, { 41, 1 }, { 13, 7 }, { 65, 33 } };
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void dilation_is_the_window_s_most(void)
{
    Threads *threads = threads_create(2);
    for (int s = 0; s < SIZES; s++) {
        int w = sizes[s][0], h = sizes[s][1];
        for (int radius = 0; radius < 50; radius += radius < 5 ? 1 : 15) {
            float *mask = random_mask(w, h, 7), *grown = random_mask(w, h, 7);
            float *most = random_mask(w, h, 7);
            CHECK(mask_dilate(threads, grown, w, h, radius));
            for (int y = 0; y < h; y++) {
                for (int x = 0; x < w; x++) {
                    float high = 0;
                    for (int v = y - radius; v <= y + radius; v++)
                        for (int u = x - radius; u <= x + radius; u++)
                            high = fmaxf(high, mask[clamp(v, h) * w + clamp(u, w)]);
                    most[y * w + x] = high;
                }
            }
            CHECK_NEAR(grown, most, (size_t)(w * h), 0);
            free(mask);
            free(grown);
            free(most);
        }
    }
    threads_destroy(threads);
}

/* The same blur in double, from its taps. */
static void blur_plainly(float *out, const float *in, int w, int h, const double *taps, int support)
{
    int r = support / 2;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            double sum = 0;
            for (int v = -r; v <= r; v++)
                for (int u = -r; u <= r; u++)
                    sum += taps[v + r] * taps[u + r] *
                           (double)in[clamp(y + v, h) * w + clamp(x + u, w)];
            out[y * w + x] = (float)sum;
        }
    }
}

static void blurs_match_their_taps(void)
{
    Threads *threads = threads_create(2);
    for (int s = 0; s < SIZES; s++) {
        int w = sizes[s][0], h = sizes[s][1];
        for (int support = 1; support <= 51; support += support < 7 ? 2 : 22) {
            double triangle[51], triangle_sum = 0;
            for (int i = 0; i < support; i++) {
                int d = abs(i - support / 2);
                triangle_sum += triangle[i] = support / 2 + 1 - d;
            }
            for (int i = 0; i < support; i++)
                triangle[i] /= triangle_sum;
            float *mask = random_mask(w, h, 3), *want = random_mask(w, h, 3);
            blur_plainly(want, mask, w, h, triangle, support);
            CHECK(mask_blur_triangle(threads, mask, w, h, support));
            CHECK_NEAR(mask, want, (size_t)(w * h), 3e-6);
            free(mask);
            free(want);
        }
    }
    threads_destroy(threads);
}

static void distance_is_euclid_s(void)
{
    Threads *threads = threads_create(2);
    int      w = 61, h = 47;
    float   *mask = calloc((size_t)(w * h), sizeof *mask),
          *want = calloc((size_t)(w * h), sizeof *want);
    srand(5);
    for (int i = 0; i < 12; i++)
        mask[rand() % (w * h)] = .2F;
    for (int i = 0; i < w * h; i++) {
        int best = 1 << 30;
        for (int k = 0; k < w * h; k++) {
            int dx = i % w - k % w, dy = i / w - k / w;
            if (mask[k] > 0 && dx * dx + dy * dy < best)
                best = dx * dx + dy * dy;
        }
        want[i] = (float)best;
    }
    CHECK(mask_distance_squared(threads, mask, w, h));
    CHECK_NEAR(mask, want, (size_t)(w * h), 1e-6);
    memset(mask, 0, (size_t)(w * h) * sizeof *mask);
    CHECK(mask_distance_squared(threads, mask, w, h));
    for (int i = 0; i < w * h; i++)
        CHECK(mask[i] > MASK_FAR);
    free(mask);
    free(want);
    threads_destroy(threads);
}

/* Selection's diagonal and strength -> widths, and pixels outside the edge where denoise leaves 1,
 * crosses .5 and reaches 0. */
static const struct {
    double diagonal, strength;
    int    cap;
    int    feather, edge;
    int    denoise[3];
} table[] = {
    { 150, 1.0, MASK_NO_CAP, 32, 16, { 4, 20, 36 } },
    { 360, 1.0, MASK_NO_CAP, 36, 16, { 4, 22, 40 } },
    { 724, 1.0, MASK_NO_CAP, 72, 18, { 4, 40, 76 } },
    { 1448, 1.0, MASK_NO_CAP, 144, 36, { 4, 76, 148 } },
    { 724, 0.6, MASK_NO_CAP, 43, 18, { 4, 25, 46 } },
    { 724, 0.3, MASK_NO_CAP, 21, 18, { 4, 14, 24 } },
    { 4000, 0.1, MASK_NO_CAP, 40, 64, { 12, 32, 52 } }, /* nothing is laid that was not changed */
    /* The fourth again, as it is used: capped. */
    { 1448, 1.0, MASK_FEATHER_CAP, 96, 36, { 4, 52, 100 } },
};

static void widths_follow_the_table(void)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        MaskWidths widths = mask_widths(table[i].diagonal, table[i].strength, table[i].cap);
        CHECK_INT(widths.feather, table[i].feather);
        CHECK_INT(widths.edge, table[i].edge);
        CHECK_INT(mask_spread(&widths), table[i].denoise[1]);
        CHECK_INT(mask_denoise_reach(&widths), table[i].denoise[2] + 1);
    }
}

/* Pixels outside an edge before column `edge`, going left, for which mask stays above `level`; less
 * than 0: pixels inside for which it does not. */
static int width_above(const float *row, int edge, float level)
{
    int width = 0;
    while (width < edge && row[edge - 1 - width] > level)
        width++;
    while (width <= 0 && row[edge - width] <= level)
        width--;
    return width;
}

static void masks_are_as_wide_as_the_table_says(void)
{
    enum { OUTSIDE = 200, SIDE = OUTSIDE + 120 };
    Threads *threads = threads_create(2);
    size_t   count = SIDE * SIDE;
    float *selection = calloc(count, sizeof *selection), *denoise = calloc(count, sizeof *denoise);
    float *compose = calloc(count, sizeof *compose), *fill = calloc(count, sizeof *fill);
    for (int y = 0; y < SIDE; y++)
        for (int x = OUTSIDE; x < SIDE; x++)
            selection[y * SIDE + x] = 1;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        MaskWidths widths = mask_widths(table[i].diagonal, table[i].strength, table[i].cap);
        CHECK(
            mask_make(threads, denoise, compose, fill, selection, SIDE, SIDE, EDIT_BLEND, &widths));
        const float *row = denoise + SIDE / 2 * SIDE, *laid = compose + SIDE / 2 * SIDE;
        int          got[3] = { width_above(row, OUTSIDE, .9999F), width_above(row, OUTSIDE, .5F),
                                width_above(row, OUTSIDE, 0) };
        /* The ramp of a triangle begins as 1 - 2 (x / feather)^2, of which .99 and more is 1. */
        int rounded = (int)(sqrt(.01 / 2) * table[i].feather);
        if (!CHECK(abs(got[0] - table[i].denoise[0] - rounded) <= 1 &&
                   abs(got[1] - table[i].denoise[1]) <= 1 &&
                   abs(got[2] - table[i].denoise[2]) <= 1))
            printf("  row %zu: %d %d %d\n", i, got[0], got[1], got[2]);
        int half = table[i].edge / 2;
        CHECK(abs(width_above(laid, OUTSIDE, .9999F) + half) <= 1);
        CHECK(abs(width_above(laid, OUTSIDE, .5F)) <= 1);
        CHECK(abs(width_above(laid, OUTSIDE, 0) - half) <= 1);
        CHECK_INT(width_above(fill + SIDE / 2 * SIDE, OUTSIDE, 0), 4);
    }
    free(selection);
    free(denoise);
    free(compose);
    free(fill);
    threads_destroy(threads);
}

typedef struct {
    int    w, h;
    float *selection, *denoise, *compose, *fill;
} Masks;

static Masks masks_new(int w, int h)
{
    size_t count = (size_t)w * (size_t)h;
    float *all = calloc(4 * count, sizeof *all);
    return (Masks){ w, h, all, all + count, all + 2 * count, all + 3 * count };
}

static void masks_make(Masks *masks, EditEdge edge, const MaskWidths *widths)
{
    Threads *threads = threads_create(2);
    CHECK(mask_make(threads, masks->denoise, masks->compose, masks->fill, masks->selection,
                    masks->w, masks->h, edge, widths));
    threads_destroy(threads);
}

static int above(const float *mask, int count, float level)
{
    int found = 0;
    for (int i = 0; i < count; i++)
        found += mask[i] > level;
    return found;
}

/* A circle of 415 pixels had 69 % more area above half opacity, 53 % fully opaque, and 64 pixels of
 * reach. */
static void blend_has_half_of_its_edge_on_each_side(void)
{
    enum { SIDE = 600, COUNT = SIDE * SIDE };
    Masks  masks = masks_new(SIDE, SIDE);
    double far = 0;
    for (int i = 0; i < COUNT; i++)
        masks.selection[i] = hypot(i % SIDE - 299.5, i / SIDE - 299.5) < 207.5;
    MaskWidths widths = mask_widths(hypot(415, 415), 1, MASK_FEATHER_CAP);
    masks_make(&masks, EDIT_BLEND, &widths);
    int selected = above(masks.selection, COUNT, 0);
    CHECK(abs(above(masks.compose, COUNT, .5F) - selected) * 100 <= selected);
    CHECK(above(masks.compose, COUNT, .9999F) < selected);
    for (int i = 0; i < COUNT; i++)
        if (masks.compose[i] > 0)
            far = fmax(far, hypot(i % SIDE - 299.5, i / SIDE - 299.5) - 207.5);
    CHECK(far <= widths.edge / 2 + 1);
    free(masks.selection);
}

/* One pixel selected changed 4,044; a scratch that is thinner than the edge must not stay. */
static void what_is_thin_is_covered_and_no_more(void)
{
    enum { SIDE = 300, COUNT = SIDE * SIDE };
    Masks      masks = masks_new(SIDE, SIDE);
    MaskWidths widths = mask_widths(1.4, 1, MASK_FEATHER_CAP);
    for (int inside = 0; inside < 2; inside++) {
        memset(masks.selection, 0, COUNT * sizeof(float));
        masks.selection[150 * SIDE + 150] = 1;
        masks_make(&masks, inside ? EDIT_KEEP_INSIDE : EDIT_BLEND, &widths);
        CHECK(masks.compose[150 * SIDE + 150] == 1);
        CHECK_INT(above(masks.compose, COUNT, 0), 1);
        for (int y = 20; y < 280; y++)
            for (int x = 150; x < 153; x++)
                masks.selection[y * SIDE + x] = 1;
        widths = mask_widths(260, 1, MASK_FEATHER_CAP);
        masks_make(&masks, inside ? EDIT_KEEP_INSIDE : EDIT_BLEND, &widths);
        CHECK(masks.compose[150 * SIDE + 151] == 1);
        CHECK(above(masks.compose, COUNT, 0) <= 5 * 264);
    }
    free(masks.selection);
}

static void a_soft_selection_stays_as_soft(void)
{
    enum { W = 400, H = 40 };
    Masks      masks = masks_new(W, H);
    MaskWidths widths = mask_widths(400, 1, MASK_FEATHER_CAP);
    for (int i = 0; i < W * H; i++)
        masks.selection[i] = fminf(1, fmaxf(0, (float)(i % W - 100) / 100));
    masks_make(&masks, EDIT_BLEND, &widths);
    CHECK_NEAR(masks.compose + 20 * W + 115, masks.selection + 20 * W + 115, 30, 1e-6);
    CHECK_NEAR(masks.compose + 20 * W + 155, masks.selection + 20 * W + 155, 60, 1e-6);
    free(masks.selection);
}

static void widths_that_are_set_are_taken(void)
{
    enum { W = 400, H = 40 };
    Masks masks = masks_new(W, H);
    for (int i = 0; i < W * H; i++)
        masks.selection[i] = i % W >= 200;
    masks_make(&masks, EDIT_BLEND, &(MaskWidths){ .grow = 30, .feather = 60, .edge = 40 });
    const float *row = masks.compose + 20 * W;
    CHECK_INT(width_above(row, 200, .5F), 30);
    CHECK_INT(width_above(row, 200, 0), 50);
    CHECK(abs(width_above(masks.denoise + 20 * W, 200, 0) - 30 - 34 - 30) <= 1);
    masks_make(&masks, EDIT_BLEND, &(MaskWidths){ 0 });
    CHECK_INT(width_above(row, 200, 0), 0);
    CHECK_INT(width_above(row, 200, .9999F), 0);
    masks_make(&masks, EDIT_KEEP_INSIDE, &(MaskWidths){ .grow = 30, .feather = 60, .edge = 40 });
    CHECK_INT(width_above(row, 200, 0), 0);
    CHECK(abs(width_above(row, 200, .9999F) + 40) <= 1);
    free(masks.selection);
}

static float *square_selection(int side, int from, int to)
{
    float *mask = calloc((size_t)(side * side), sizeof *mask);
    for (int y = from; y < to; y++)
        for (int x = from; x < to; x++)
            mask[y * side + x] = 1;
    return mask;
}

static void keep_inside_changes_nothing_outside(void)
{
    enum { SIDE = 300, COUNT = SIDE * SIDE };
    Threads   *threads = threads_create(2);
    MaskWidths widths = mask_widths(141, 1, MASK_FEATHER_CAP);
    float *selection = square_selection(SIDE, 100, 200), *denoise = calloc(COUNT, sizeof(float));
    float *compose = calloc(COUNT, sizeof(float)), *fill = calloc(COUNT, sizeof(float));
    selection[150 * SIDE + 100] = .4F;
    CHECK(mask_make(threads, denoise, compose, fill, selection, SIDE, SIDE, EDIT_KEEP_INSIDE,
                    &widths));
    bool kept = true;
    for (int i = 0; i < COUNT; i++)
        kept &= compose[i] <= selection[i];
    CHECK(kept);
    CHECK(compose[150 * SIDE + 150] == 1);
    CHECK(compose[150 * SIDE + 101 + widths.edge] == 1);
    CHECK(compose[150 * SIDE + 101] < .2F);
    CHECK(denoise[150 * SIDE + 98] == 1);
    free(selection);
    free(denoise);
    free(compose);
    free(fill);
    threads_destroy(threads);
}

static void as_drawn_takes_the_selection_itself(void)
{
    float      selection[5] = { 0, .1F, .25F, .6F, 1 }, denoise[5], compose[5], fill[5];
    Threads   *threads = threads_create(1);
    MaskWidths widths = mask_widths(100, 1, MASK_FEATHER_CAP);
    CHECK(mask_make(threads, denoise, compose, fill, selection, 5, 1, EDIT_AS_DRAWN, &widths));
    CHECK_NEAR(denoise, selection, 5, 0);
    CHECK(compose[0] == 0 && compose[1] > .3F && compose[1] < .4F && compose[2] == 1);
    threads_destroy(threads);
}

static void small_holes_are_filled_and_large_ones_kept(void)
{
    enum { SIDE = 100 };
    float *mask = square_selection(SIDE, 10, 90);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++)
            mask[(20 + y) * SIDE + 20 + x] = .05F; /* 16 of 6400: .25 % */
    for (int y = 0; y < 7; y++)
        for (int x = 0; x < 7; x++)
            mask[(50 + y) * SIDE + 50 + x] = 0; /* 49: .77 % */
    mask[5] = .09F;
    CHECK(mask_clean(mask, SIDE, SIDE));
    CHECK(mask[22 * SIDE + 22] == 1);
    CHECK(mask[52 * SIDE + 52] == 0);
    CHECK(mask[5] == 0);
    EditRect bounds = mask_bounds(mask, SIDE, SIDE, 0);
    CHECK_INT(bounds.x, 10);
    CHECK_INT(bounds.height, 80);
    free(mask);
}

static void the_ramp_leaves_known_pixels_beyond_it_alone(void)
{
    enum { W = 200, H = 3 };
    Threads *threads = threads_create(1);
    float    unknown[W * H] = { 0 }, denoise[W * H], compose[W * H];
    for (int y = 0; y < H; y++)
        for (int x = 120; x < W; x++)
            unknown[y * W + x] = 1;
    CHECK(mask_make_ramp(threads, denoise, compose, unknown, W, H, 8, 40, 30));
    CHECK(denoise[150] == 1 && compose[150] == 1 && compose[120] == 1);
    CHECK(denoise[112] == 1 && denoise[111] < 1);
    CHECK(denoise[72] > 0 && denoise[71] == 0 && compose[71] == 0);
    CHECK(compose[103] == 1 && compose[90] < 1 && compose[90] > 0);
    float quadratic = (float)pow((40 - 19.5) / 40, 2);
    CHECK_NEAR(denoise + 92, &quadratic, 1, 1e-5);
    threads_destroy(threads);
}

static void bits_do_not_depend_on_threads(void)
{
    int        w = 333, h = 257;
    MaskWidths widths = mask_widths(300, 1, MASK_FEATHER_CAP);
    float     *selection = random_mask(w, h, 11);
    size_t     count = (size_t)(w * h);
    float     *masks = calloc(6 * count, sizeof *masks);
    for (int n = 0; n < 2; n++) {
        Threads *threads = threads_create(n ? 3 : 1);
        float   *at = masks + (size_t)n * 3 * count;
        CHECK(mask_make(threads, at, at + count, at + 2 * count, selection, w, h, EDIT_BLEND,
                        &widths));
        threads_destroy(threads);
    }
    CHECK(memcmp(masks, masks + 3 * count, 3 * count * sizeof *masks) == 0);
    free(selection);
    free(masks);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(dilation_is_the_window_s_most);
    RUN(blurs_match_their_taps);
    RUN(distance_is_euclid_s);
    RUN(widths_follow_the_table);
    RUN(masks_are_as_wide_as_the_table_says);
    RUN(blend_has_half_of_its_edge_on_each_side);
    RUN(what_is_thin_is_covered_and_no_more);
    RUN(a_soft_selection_stays_as_soft);
    RUN(widths_that_are_set_are_taken);
    RUN(keep_inside_changes_nothing_outside);
    RUN(as_drawn_takes_the_selection_itself);
    RUN(small_holes_are_filled_and_large_ones_kept);
    RUN(the_ramp_leaves_known_pixels_beyond_it_alone);
    RUN(bits_do_not_depend_on_threads);
    return test_end();
}
