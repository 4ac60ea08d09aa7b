/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edit/resample.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float *waves(int w, int h, int channels, double length)
{
    float *pixels = malloc((size_t)(w * h * channels) * sizeof *pixels);
    for (int i = 0; i < w * h * channels; i++) {
        int c = i % channels, x = i / channels % w, y = i / channels / w;
        pixels[i] = (float)(.5 + .4 * sin((x + .5) / length + c) * cos((y + .5) / length));
    }
    return pixels;
}

static bool scaled(float *out, int out_w, int out_h, const float *in, int in_w, int in_h,
                   int channels, Resample how)
{
    EngineError error = { 0 };
    Threads    *threads = threads_create(2);
    bool        ok = resample(threads, out, out_w, out_h, in, in_w, in_h, channels, &how, &error);
    threads_destroy(threads);
    return ok;
}

static void scale_1_copies_bits(void)
{
    int    w = 37, h = 23;
    float *in = waves(w, h, 4, 3), *out = calloc((size_t)(w * h * 4), sizeof *out);
    CHECK(scaled(out, w, h, in, w, h, 4, (Resample){ .scale = 1 }));
    CHECK(memcmp(in, out, (size_t)(w * h * 4) * sizeof *in) == 0);
    free(in);
    free(out);
}

static void a_part_beyond_the_border_repeats_the_edge_or_wraps(void)
{
    float in[4] = { 1, 2, 3, 4 }, out[8]; /* 2 x 2 */
    CHECK(scaled(out, 4, 2, in, 2, 2, 1, (Resample){ .scale = 1, .x0 = -1 }));
    const float edge[] = { 1, 1, 2, 2, 3, 3, 4, 4 };
    CHECK_NEAR(out, edge, 8, 0);
    CHECK(scaled(out, 4, 2, in, 2, 2, 1,
                 (Resample){ .scale = 1, .x0 = -1, .y0 = 1, .wrap_x = true, .wrap_y = true }));
    const float wrapped[] = { 4, 3, 4, 3, 2, 1, 2, 1 };
    CHECK_NEAR(out, wrapped, 8, 0);
}

static void halving_is_the_mean_of_four(void)
{
    int    w = 64, h = 48;
    float *in = waves(w, h, 3, 2), *out = calloc((size_t)(w * h * 3 / 4), sizeof *out);
    CHECK(scaled(out, w / 2, h / 2, in, w, h, 3, (Resample){ .scale = .5 }));
    for (int i = 0; i < w * h * 3 / 4; i++) {
        int   c = i % 3, x = i / 3 % (w / 2), y = i / 3 / (w / 2), at = (2 * y * w + 2 * x) * 3 + c;
        float mean = (in[at] + in[at + 3] + in[at + 3 * w] + in[at + 3 * w + 3]) / 4;
        if (!CHECK_NEAR(out + i, &mean, 1, 1e-6))
            break;
    }
    free(in);
    free(out);
}

/* A shift of a tenth of a pixel would show as .4 / length / 10. */
static void up_and_down_again_does_not_move(void)
{
    const double scales[] = { 1.37, 2, 4.18, .77, .5, .417 };
    for (int s = 0; s < 6; s++) {
        int    w = 120, h = 90, border = 12;
        int    work_w = (int)ceil(w * scales[s]), work_h = (int)ceil(h * scales[s]);
        float *in = waves(w, h, 3, 9), *work = calloc((size_t)(work_w * work_h * 3), sizeof *work);
        float *back = calloc((size_t)(w * h * 3), sizeof *back);
        CHECK(scaled(work, work_w, work_h, in, w, h, 3, (Resample){ .scale = scales[s] }));
        CHECK(scaled(back, w, h, work, work_w, work_h, 3, (Resample){ .scale = 1 / scales[s] }));
        double worst = 0;
        for (int y = border; y < h - border; y++)
            for (int i = 3 * border; i < 3 * (w - border); i++)
                worst = fmax(worst, fabs((double)back[y * w * 3 + i] - (double)in[y * w * 3 + i]));
        /* Area averages of these waves lose up to 2 % of them; a shift is odd where a loss is even.
         */
        if (!CHECK(worst < (scales[s] < .5 ? .016 : .008)))
            printf("  scale %g: %g\n", scales[s], worst);
        free(in);
        free(work);
        free(back);
    }
}

static void any_part_is_the_part_of_the_whole(void)
{
    int    w = 80, h = 60;
    double scale = 1.6;
    float *in = waves(w, h, 3, 2), *all = calloc(128 * 96 * 3, sizeof *all);
    float *part = calloc(30 * 20 * 3, sizeof *part);
    CHECK(scaled(all, 128, 96, in, w, h, 3, (Resample){ .scale = scale }));
    CHECK(scaled(part, 30, 20, in, w, h, 3, (Resample){ .scale = scale, .x0 = 25, .y0 = 10 }));
    for (int y = 0; y < 20; y++)
        CHECK_NEAR(part + y * 90, all + ((y + 16) * 128 + 40) * 3, 90, 1e-6);
    free(in);
    free(all);
    free(part);
}

static void masks_stay_between_0_and_1(void)
{
    enum { W = 31, H = 29 };
    const double scales[] = { 3.3, .3, 1.01, .99 };
    float        in[W * H], out[103 * 96];
    srand(9);
    for (int i = 0; i < W * H; i++)
        in[i] = (float)(rand() % 2);
    for (int s = 0; s < 4; s++) {
        int  w = (int)ceil(W * scales[s]), h = (int)ceil(H * scales[s]);
        bool inside = true;
        CHECK(scaled(out, w, h, in, W, H, 1,
                     (Resample){ .scale = scales[s], .filter = RESAMPLE_MASK }));
        for (int i = 0; i < w * h; i++)
            inside &= out[i] >= 0 && out[i] <= 1 + 1e-6F;
        CHECK(inside);
    }
}

static void tiled_pictures_stay_tiled(void)
{
    int    w = 32, h = 24, n = 3;
    float *in = waves(w, h, 1, 1), *rolled = calloc((size_t)(w * h), sizeof *rolled);
    float *out = calloc((size_t)(w * h * n * n), sizeof *out),
          *other = calloc((size_t)(w * h * n * n), sizeof *other);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            rolled[y * w + x] = in[(y + h / 2) % h * w + (x + w / 2) % w];
    Resample how = { .scale = n, .wrap_x = true, .wrap_y = true };
    CHECK(scaled(out, w * n, h * n, in, w, h, 1, how));
    CHECK(scaled(other, w * n, h * n, rolled, w, h, 1, how));
    for (int y = 0; y < h * n; y++)
        for (int x = 0; x < w * n; x++)
            if (!CHECK_NEAR(&other[y * w * n + x],
                            &out[(y + h * n / 2) % (h * n) * w * n + (x + w * n / 2) % (w * n)], 1,
                            1e-6))
                goto done;
done:
    free(in);
    free(rolled);
    free(out);
    free(other);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(scale_1_copies_bits);
    RUN(a_part_beyond_the_border_repeats_the_edge_or_wraps);
    RUN(halving_is_the_mean_of_four);
    RUN(up_and_down_again_does_not_move);
    RUN(any_part_is_the_part_of_the_whole);
    RUN(masks_stay_between_0_and_1);
    RUN(tiled_pictures_stay_tiled);
    return test_end();
}
