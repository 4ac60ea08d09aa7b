/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edit/prefill.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { W = 192, H = 160, COUNT = W * H };

static void paint(float *rgb)
{
    for (int i = 0; i < COUNT; i++) {
        double x = i % W, y = i / W;
        rgb[3 * i] = (float)(.2 + .6 * x / W);
        rgb[3 * i + 1] = (float)(.5 + .3 * sin(x / 30) * cos(y / 40));
        rgb[3 * i + 2] = (float)(.8 - .5 * y / H);
    }
}

static void set_hole(float *hole, int x0, int y0, int x1, int y1)
{
    for (int i = 0; i < COUNT; i++)
        hole[i] = i % W >= x0 && i % W < x1 && i / W >= y0 && i / W < y1;
}

static bool filled(float *rgb, const float *hole, EditIntent intent)
{
    Threads *threads = threads_create(2);
    bool     ok = prefill_hole(threads, rgb, hole, W, H, intent, 512);
    threads_destroy(threads);
    return ok;
}

/* What the pyramid stands for: box blurs of falling size, known pixels put back after each. */
static void blur_repeatedly(float *rgb, const float *known, const float *hole)
{
    static const int steps[][2] = { { 512, 2 }, { 256, 2 }, { 128, 4 }, { 64, 4 },
                                    { 33, 8 },  { 15, 8 },  { 5, 16 },  { 3, 16 } };
    double          *sums = malloc((W + 1) * (H + 1) * sizeof *sums);
    for (int s = 0; s < 8; s++) {
        for (int n = 0; n < steps[s][1]; n++) {
            for (int c = 0; c < 3; c++) {
                memset(sums, 0, (W + 1) * sizeof *sums);
                for (int y = 0; y < H; y++) {
                    double row = 0;
                    sums[(y + 1) * (W + 1)] = 0;
                    for (int x = 0; x < W; x++) {
                        row += (double)rgb[3 * (y * W + x) + c];
                        sums[(y + 1) * (W + 1) + x + 1] = sums[y * (W + 1) + x + 1] + row;
                    }
                }
                for (int i = 0; i < COUNT; i++) {
                    int    k = steps[s][0] / 2, x = i % W, y = i / W;
                    int    x0 = x < k ? 0 : x - k, x1 = x + k >= W ? W : x + k + 1;
                    int    y0 = y < k ? 0 : y - k, y1 = y + k >= H ? H : y + k + 1;
                    double sum = sums[y1 * (W + 1) + x1] - sums[y0 * (W + 1) + x1] -
                                 sums[y1 * (W + 1) + x0] + sums[y0 * (W + 1) + x0];
                    rgb[3 * i + c] =
                        hole[i] > 0 ? (float)(sum / ((x1 - x0) * (y1 - y0))) : known[3 * i + c];
                }
            }
        }
    }
    free(sums);
}

static void the_pyramid_gives_what_many_blurs_give(void)
{
    float *known = malloc(3 * COUNT * sizeof *known), *rgb = malloc(3 * COUNT * sizeof *rgb);
    float *slow = malloc(3 * COUNT * sizeof *slow), *hole = malloc(COUNT * sizeof *hole);
    static const int holes[2][4] = { { 60, 40, 130, 110 }, { 130, 0, W, H } };
    for (int k = 0; k < 2; k++) {
        paint(known);
        set_hole(hole, holes[k][0], holes[k][1], holes[k][2], holes[k][3]);
        memcpy(rgb, known, 3 * COUNT * sizeof *rgb);
        for (int i = 0; i < COUNT; i++)
            for (int c = 0; c < 3; c++)
                slow[3 * i + c] = hole[i] > 0 ? 0 : known[3 * i + c];
        blur_repeatedly(slow, known, hole);
        CHECK(filled(rgb, hole, EDIT_REMOVE));
        double worst = 0;
        for (int i = 0; i < 3 * COUNT; i++)
            worst = fmax(worst, fabs((double)rgb[i] - (double)slow[i]));
        printf("     worst difference to 60 blurs: %.3f\n", worst);
        CHECK(worst < .12); /* of a range of .6: both are guesses, and smooth ones */
    }
    free(known);
    free(rgb);
    free(slow);
    free(hole);
}

static void known_pixels_stay_and_stale_ones_go(void)
{
    float *known = malloc(3 * COUNT * sizeof *known), *rgb = malloc(3 * COUNT * sizeof *rgb);
    float *hole = malloc(COUNT * sizeof *hole);
    for (int intent = EDIT_FILL; intent <= EDIT_EXPAND; intent++) {
        if (intent == EDIT_REFINE)
            continue;
        paint(known);
        set_hole(hole, 60, 40, 130, 110);
        memcpy(rgb, known, 3 * COUNT * sizeof *rgb);
        for (int i = 0; i < COUNT; i++)
            if (hole[i] > 0)
                rgb[3 * i] = 1e6F; /* nothing of it may show */
        CHECK(filled(rgb, hole, (EditIntent)intent));
        bool kept = true, clean = true;
        for (int i = 0; i < COUNT; i++) {
            kept &= hole[i] > 0 || memcmp(rgb + 3 * i, known + 3 * i, 3 * sizeof *rgb) == 0;
            clean &= rgb[3 * i] >= 0 && rgb[3 * i] <= 1;
        }
        CHECK(kept && clean);
    }
    free(known);
    free(rgb);
    free(hole);
}

static void no_edge_is_drawn_around_the_hole(void)
{
    float *rgb = malloc(3 * COUNT * sizeof *rgb), *hole = malloc(COUNT * sizeof *hole);
    static const EditIntent intents[] = { EDIT_FILL, EDIT_ADD, EDIT_REMOVE, EDIT_EXPAND };
    for (int k = 0; k < 4; k++) {
        paint(rgb);
        set_hole(hole, 60, 40, 130, 110);
        CHECK(filled(rgb, hole, intents[k]));
        double step = 0;
        for (int y = 41; y < 109; y++)
            for (int c = 0; c < 3; c++)
                step = fmax(step, fabs((double)rgb[3 * (y * W + 59) + c] -
                                       (double)rgb[3 * (y * W + 60) + c]));
        CHECK(step < .03);
    }
    free(rgb);
    free(hole);
}

static void adding_starts_from_grey_and_refining_from_the_picture(void)
{
    float *known = malloc(3 * COUNT * sizeof *known), *rgb = malloc(3 * COUNT * sizeof *rgb);
    float *hole = malloc(COUNT * sizeof *hole);
    float  grey[3] = { .5F, .5F, .5F };
    paint(known);
    memcpy(rgb, known, 3 * COUNT * sizeof *rgb);
    set_hole(hole, 60, 40, 130, 110);
    CHECK(filled(rgb, hole, EDIT_REFINE));
    CHECK(memcmp(rgb, known, 3 * COUNT * sizeof *rgb) == 0);
    CHECK(filled(rgb, hole, EDIT_ADD));
    CHECK_NEAR(rgb + 3 * (75 * W + 95), grey, 3, 1e-6);
    CHECK_NEAR(rgb + 3 * (75 * W + 71), grey, 3, 1e-6);
    free(known);
    free(rgb);
    free(hole);
}

static void nothing_known_is_grey_and_one_pixel_fills_all(void)
{
    Threads *threads = threads_create(2);
    float    rgb[3 * 35] = { 0 }, weight[35] = { 0 };
    CHECK(prefill_continue(threads, rgb, weight, 7, 5));
    for (int i = 0; i < 3 * 35; i++)
        CHECK(rgb[i] == .5F);
    weight[17] = 1;
    rgb[51] = .1F;
    rgb[52] = .2F;
    rgb[53] = .3F;
    CHECK(prefill_continue(threads, rgb, weight, 7, 5));
    for (int i = 0; i < 35; i++)
        CHECK_NEAR(rgb + 3 * i, rgb + 51, 3, 1e-6);
    threads_destroy(threads);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(the_pyramid_gives_what_many_blurs_give);
    RUN(known_pixels_stay_and_stale_ones_go);
    RUN(no_edge_is_drawn_around_the_hole);
    RUN(adding_starts_from_grey_and_refining_from_the_picture);
    RUN(nothing_known_is_grey_and_one_pixel_fills_all);
    return test_end();
}
