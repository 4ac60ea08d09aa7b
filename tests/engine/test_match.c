/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edit/match.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { W = 256, H = 200, COUNT = W * H };

/* CIE Lab of an sRGB pixel in double, and back: the definition. */
static void to_lab(double lab[3], const float rgb[3])
{
    double light[3], f[3];
    for (int c = 0; c < 3; c++) {
        double v = (double)rgb[c];
        light[c] = v <= .04045 ? v / 12.92 : pow((v + .055) / 1.055, 2.4);
    }
    double xyz[3] = {
        (.4124564 * light[0] + .3575761 * light[1] + .1804375 * light[2]) / .95047,
        .2126729 * light[0] + .7151522 * light[1] + .0721750 * light[2],
        (.0193339 * light[0] + .1191920 * light[1] + .9503041 * light[2]) / 1.08883,
    };
    for (int c = 0; c < 3; c++)
        f[c] = xyz[c] > 216. / 24389 ? cbrt(xyz[c]) : (24389. / 27 * xyz[c] + 16) / 116;
    lab[0] = 116 * f[1] - 16;
    lab[1] = 500 * (f[0] - f[1]);
    lab[2] = 200 * (f[1] - f[2]);
}

static double back(double f)
{
    return f > 6. / 29 ? f * f * f : (116 * f - 16) * 27 / 24389;
}

static void from_lab(float rgb[3], const double lab[3])
{
    double y = (lab[0] + 16) / 116;
    double x = .95047 * back(y + lab[1] / 500), z = 1.08883 * back(y - lab[2] / 200);
    y = back(y);
    double light[3] = { 3.2404542 * x - 1.5371385 * y - .4985314 * z,
                        -.9692660 * x + 1.8760108 * y + .0415560 * z,
                        .0556434 * x - .2040259 * y + 1.0572252 * z };
    for (int c = 0; c < 3; c++)
        rgb[c] = (float)(light[c] <= .0031308 ? 12.92 * light[c]
                                              : 1.055 * pow(light[c], 1 / 2.4) - .055);
}

static void paint(float *rgb)
{
    srand(4);
    for (int i = 0; i < COUNT; i++) {
        double x = i % W, y = i / W;
        rgb[3 * i] = (float)(.45 + .2 * sin(x / 17) + .02 * (rand() % 3));
        rgb[3 * i + 1] = (float)(.5 + .15 * cos((x + y) / 23) + .02 * (rand() % 3));
        rgb[3 * i + 2] = (float)(.5 - .2 * sin(y / 19) + .02 * (rand() % 3));
    }
}

static void shift(float *rgb, double light, double a, double b)
{
    for (int i = 0; i < COUNT; i++) {
        double lab[3];
        to_lab(lab, rgb + 3 * i);
        lab[0] += light;
        lab[1] += a;
        lab[2] += b;
        from_lab(rgb + 3 * i, lab);
    }
}

/* Largest mean difference of a Lab channel over all pixels. */
static double left_over(const float *picture, const float *reference)
{
    double sum[3] = { 0 }, worst = 0;
    for (int i = 0; i < COUNT; i++) {
        double lab[2][3];
        to_lab(lab[0], picture + 3 * i);
        to_lab(lab[1], reference + 3 * i);
        for (int c = 0; c < 3; c++)
            sum[c] += lab[0][c] - lab[1][c];
    }
    for (int c = 0; c < 3; c++)
        worst = fmax(worst, fabs(sum[c]) / COUNT);
    return worst;
}

static void a_shift_is_taken_back(void)
{
    static const int percents[] = { 20, 50, 80 };
    Threads         *threads = threads_create(2);
    float           *reference = malloc(3 * COUNT * sizeof *reference),
          *picture = malloc(3 * COUNT * sizeof *picture);
    float *known = malloc(COUNT * sizeof *known);
    for (int k = 0; k < 3; k++) {
        paint(reference);
        memcpy(picture, reference, 3 * COUNT * sizeof *picture);
        shift(picture, -4, 4, 4);
        for (int i = 0; i < COUNT; i++)
            known[i] = (i % W) * 100 < W * percents[k];
        CHECK(left_over(picture, reference) > 3.9);
        CHECK(match_colours(threads, picture, reference, known, W, H));
        double colours = left_over(picture, reference);
        CHECK(match_ring(threads, picture, reference, known, W, H, 512));
        double ring = left_over(picture, reference);
        printf("     %d %% known: left %.4f, with the ring %.4f\n", percents[k], colours, ring);
        CHECK(colours <= .2 && ring <= .2);
    }
    free(reference);
    free(picture);
    free(known);
    threads_destroy(threads);
}

static void only_known_pixels_count(void)
{
    Threads *threads = threads_create(2);
    float   *reference = malloc(3 * COUNT * sizeof *reference),
          *picture = malloc(3 * COUNT * sizeof *picture);
    float *known = malloc(COUNT * sizeof *known), *want = malloc(3 * COUNT * sizeof *want);
    paint(reference);
    memcpy(picture, reference, 3 * COUNT * sizeof *picture);
    for (int i = 0; i < COUNT; i++) {
        known[i] = i % W < W / 2;
        for (int c = 0; c < 3; c++)
            if (known[i] == 0)
                picture[3 * i + c] = c ? .9F : .1F; /* another thing altogether */
    }
    memcpy(want, picture, 3 * COUNT * sizeof *want);
    CHECK(match_colours(threads, picture, reference, known, W, H));
    CHECK(match_ring(threads, picture, reference, known, W, H, 512));
    CHECK_NEAR(picture, want, 3 * COUNT, 0);
    free(reference);
    free(picture);
    free(known);
    free(want);
    threads_destroy(threads);
}

static bool in_range(const float *picture)
{
    bool ok = true;
    for (int i = 0; i < 3 * COUNT; i++)
        ok &= picture[i] >= -.2F && picture[i] <= 1.2F;
    return ok;
}

static void flat_and_tiny_known_areas_give_numbers(void)
{
    Threads *threads = threads_create(2);
    float   *reference = malloc(3 * COUNT * sizeof *reference),
          *picture = malloc(3 * COUNT * sizeof *picture);
    float *known = malloc(COUNT * sizeof *known);
    for (int variant = 0; variant < 8; variant++) {
        int count = variant & 1 ? 1100 : variant & 2 ? 1 : 0;
        for (int i = 0; i < COUNT; i++) {
            known[i] = i < count;
            for (int c = 0; c < 3; c++) {
                reference[3 * i + c] = variant & 4 ? 0 : .5F;
                picture[3 * i + c] = variant & 4 ? 1 : .52F;
            }
        }
        CHECK(match_colours(threads, picture, reference, known, W, H));
        CHECK(match_ring(threads, picture, reference, known, W, H, 512));
        CHECK(in_range(picture));
        if (count < MATCH_MIN_KNOWN) /* too few to tell: left alone */
            CHECK(picture[3 * 100] == (variant & 4 ? 1 : .52F));
    }
    free(reference);
    free(picture);
    free(known);
    threads_destroy(threads);
}

static void contrast_changes_by_a_quarter_at_most(void)
{
    Threads *threads = threads_create(2);
    float   *reference = malloc(3 * COUNT * sizeof *reference),
          *picture = malloc(3 * COUNT * sizeof *picture);
    float *known = malloc(COUNT * sizeof *known);
    for (int i = 0; i < COUNT; i++) {
        known[i] = 1;
        for (int c = 0; c < 3; c++) {
            reference[3 * i + c] = i % 2 ? .2F : .8F;
            picture[3 * i + c] = i % 2 ? .48F : .52F;
        }
    }
    CHECK(match_colours(threads, picture, reference, known, W, H));
    double lab[2][3];
    to_lab(lab[0], picture);
    to_lab(lab[1], picture + 3);
    double was[2][3];
    to_lab(was[0], (float[]){ .52F, .52F, .52F });
    to_lab(was[1], (float[]){ .48F, .48F, .48F });
    double ratio = (lab[0][0] - lab[1][0]) / (was[0][0] - was[1][0]);
    CHECK(fabs(ratio - 1.25) < .01);
    free(reference);
    free(picture);
    free(known);
    threads_destroy(threads);
}

/* The ring correction follows what changes slowly along the known area, and keeps detail. */
static void the_ring_takes_off_a_gradient_and_no_detail(void)
{
    Threads *threads = threads_create(2);
    float   *reference = malloc(3 * COUNT * sizeof *reference),
          *picture = malloc(3 * COUNT * sizeof *picture);
    float *known = malloc(COUNT * sizeof *known);
    paint(reference);
    for (int i = 0; i < COUNT; i++) {
        int x = i % W, y = i / W;
        known[i] = x < 60 || x >= 196 || y < 40 || y >= 160;
        for (int c = 0; c < 3; c++)
            picture[3 * i + c] = reference[3 * i + c] + (float)(.08 * x / W - .04);
    }
    CHECK(match_ring(threads, picture, reference, known, W, H, 512));
    double worst = 0;
    for (int y = 45; y < 155; y++)
        for (int x = 64; x < 192; x++)
            worst = fmax(
                worst, fabs((double)picture[3 * (y * W + x)] - (double)reference[3 * (y * W + x)]));
    printf("     of a gradient of .08 over the picture, %.4f are left inside\n", worst);
    CHECK(worst < .01);
    free(reference);
    free(picture);
    free(known);
    threads_destroy(threads);
}

static void a_seam_has_a_higher_score(void)
{
    float *rgba = calloc(4 * COUNT, sizeof *rgba), *mask = calloc(COUNT, sizeof *mask);
    float *rgb = malloc(3 * COUNT * sizeof *rgb);
    paint(rgb);
    for (int i = 0; i < COUNT; i++) {
        mask[i] = i % W > 80 && i % W < 170 && i / W > 60 && i / W < 140;
        memcpy(rgba + 4 * i, rgb + 3 * i, 3 * sizeof *rgba);
    }
    float even = match_seam_score(rgba, mask, W, H);
    for (int i = 0; i < COUNT; i++)
        rgba[4 * i] += mask[i] * .2F;
    float step = match_seam_score(rgba, mask, W, H);
    CHECK(even > .5F && even < 1.6F);
    CHECK(step > 1.3F * even);
    memset(mask, 0, COUNT * sizeof *mask);
    CHECK(match_seam_score(rgba, mask, W, H) == 0);
    free(rgba);
    free(rgb);
    free(mask);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(a_shift_is_taken_back);
    RUN(only_known_pixels_count);
    RUN(flat_and_tiny_known_areas_give_numbers);
    RUN(contrast_changes_by_a_quarter_at_most);
    RUN(the_ring_takes_off_a_gradient_and_no_detail);
    RUN(a_seam_has_a_higher_score);
    return test_end();
}
