/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prefill.h"

#include "mask.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Krita AI Diffusion's 65 and 9, in work pixels; the first goes with the model's size.  32 levels:
 * an int halves no more often. */
enum { FALLOFF = 9, BLUR = 65, BLUR_NATIVE = 512, DIFFUSION_STEPS = 2, MAX_LEVELS = 32 };

/* ---- the pyramid --------------------------------------------------------------------------- */

typedef struct {
    float *rgb;    /* [h, w, 3] what is known, where weight > 0 */
    float *weight; /* [h, w] */
    float *full;   /* [h, w, 3] filled */
    int    w, h;
} Level;

typedef struct {
    Level *fine, *coarse;
    float *from, *to;
} LevelWork;

/* Mean of 2 x 2 pixels by weight; one that is known makes the whole known. */
static void pull_row(void *data, int y, int worker)
{
    const Level *fine = ((LevelWork *)data)->fine, *coarse = ((LevelWork *)data)->coarse;
    (void)worker;
    for (int x = 0; x < coarse->w; x++) {
        float sum[4] = { 0 };
        for (int i = 0; i < 4; i++) {
            int fx = 2 * x + (i & 1), fy = 2 * y + (i >> 1);
            if (fx >= fine->w || fy >= fine->h)
                continue;
            size_t at = (size_t)fy * (size_t)fine->w + (size_t)fx;
            float  weight = fine->weight[at];
            for (size_t c = 0; c < 3; c++)
                sum[c] += weight * fine->rgb[3 * at + c];
            sum[3] += weight;
        }
        size_t at = (size_t)y * (size_t)coarse->w + (size_t)x;
        for (size_t c = 0; c < 3; c++)
            coarse->rgb[3 * at + c] = sum[3] > 0 ? sum[c] / sum[3] : .5F;
        coarse->weight[at] = sum[3] < 1 ? sum[3] : 1;
    }
}

static int at_most(int value, int high)
{
    return value > high ? high : value;
}

/* The coarse level, linearly, where nothing is known. */
static void push_row(void *data, int y, int worker)
{
    const Level *fine = ((LevelWork *)data)->fine, *coarse = ((LevelWork *)data)->coarse;
    size_t       cw = (size_t)coarse->w;
    (void)worker;
    /* The fine pixel's centre is a quarter of a coarse pixel off the coarse one's. */
    int near_y = at_most(y / 2, coarse->h - 1);
    int far_y = y % 2 ? at_most(near_y + 1, coarse->h - 1) : near_y > 0 ? near_y - 1 : 0;
    for (int x = 0; x < fine->w; x++) {
        size_t at = (size_t)y * (size_t)fine->w + (size_t)x;
        float  weight = fine->weight[at];
        if (weight >= 1) {
            memcpy(fine->full + 3 * at, fine->rgb + 3 * at, 3 * sizeof(float));
            continue;
        }
        size_t       near_x = (size_t)at_most(x / 2, coarse->w - 1);
        size_t       far_x = x % 2        ? (size_t)at_most((int)near_x + 1, coarse->w - 1)
                             : near_x > 0 ? near_x - 1
                                          : 0;
        const float *row = coarse->full + 3 * (size_t)near_y * cw;
        const float *far_row = coarse->full + 3 * (size_t)far_y * cw;
        /* Linear at a quarter: 3/4 and 1/4 along each axis, their products here. */
        for (size_t c = 0; c < 3; c++) {
            float value = .5625F * row[3 * near_x + c] + .1875F * row[3 * far_x + c] +
                          .1875F * far_row[3 * near_x + c] + .0625F * far_row[3 * far_x + c];
            fine->full[3 * at + c] = weight * fine->rgb[3 * at + c] + (1 - weight) * value;
        }
    }
}

/* Unknown pixels to the mean of their neighbours. */
static void diffuse_row(void *data, int y, int worker)
{
    const LevelWork *work = data;
    const Level     *level = work->fine;
    size_t           w = (size_t)level->w;
    const float     *row = work->from + 3 * (size_t)y * w;
    const float     *above = y > 0 ? row - 3 * w : row;
    const float     *below = y + 1 < level->h ? row + 3 * w : row;
    (void)worker;
    for (size_t x = 0; x < w; x++) {
        size_t left = x > 0 ? x - 1 : 0, right = x + 1 < w ? x + 1 : x, at = (size_t)y * w + x;
        float  weight = level->weight[at];
        for (size_t c = 0; c < 3; c++) {
            float mean = .25F * (above[3 * x + c] + below[3 * x + c] + row[3 * left + c] +
                                 row[3 * right + c]);
            work->to[3 * at + c] = weight >= 1
                                       ? row[3 * x + c]
                                       : weight * level->rgb[3 * at + c] + (1 - weight) * mean;
        }
    }
}

bool prefill_continue(Threads *threads, float *rgb, const float *weight, int w, int h)
{
    Level  levels[MAX_LEVELS] = { { rgb, (float *)weight, NULL, w, h } };
    int    count = 1;
    bool   ok = false;
    float *other = malloc(3 * (size_t)w * (size_t)h * sizeof *other);
    levels[0].full = malloc(3 * (size_t)w * (size_t)h * sizeof *other);
    if (!other || !levels[0].full)
        goto done;
    while (levels[count - 1].w > 1 || levels[count - 1].h > 1) {
        Level *fine = &levels[count - 1], *coarse = &levels[count];
        /* Odd sides are rounded up: the last coarse pixel then has two fine ones, or one. */
        coarse->w = (fine->w + 1) / 2;
        coarse->h = (fine->h + 1) / 2;
        size_t pixels = (size_t)coarse->w * (size_t)coarse->h;
        coarse->rgb = malloc(3 * pixels * sizeof(float));
        coarse->weight = malloc(pixels * sizeof(float));
        coarse->full = malloc(3 * pixels * sizeof(float));
        count++;
        if (!coarse->rgb || !coarse->weight || !coarse->full)
            goto done;
        LevelWork work = { .fine = fine, .coarse = coarse };
        parallel_for(threads, coarse->h, pull_row, &work);
    }
    /* One pixel: the mean of all that is known, or grey. */
    Level *top = &levels[count - 1];
    for (size_t c = 0; c < 3; c++)
        top->full[c] = top->weight[0] > 0 ? top->rgb[c] : .5F;
    for (int i = count - 2; i >= 0; i--) {
        LevelWork work = { .fine = &levels[i], .coarse = &levels[i + 1] };
        parallel_for(threads, levels[i].h, push_row, &work);
        work.from = levels[i].full;
        work.to = other;
        /* An even number of steps ends in `full`, where the next level looks.  They soften the
         * pyramid's squares. */
        for (int step = 0; step < DIFFUSION_STEPS; step++) {
            parallel_for(threads, levels[i].h, diffuse_row, &work);
            float *swap = work.from;
            work.from = work.to;
            work.to = swap;
        }
    }
    memcpy(rgb, levels[0].full, 3 * (size_t)w * (size_t)h * sizeof *rgb);
    ok = true;
done:
    free(other);
    free(levels[0].full);
    for (int i = 1; i < count; i++) {
        free(levels[i].rgb);
        free(levels[i].weight);
        free(levels[i].full);
    }
    return ok;
}

/* ---- fillings ------------------------------------------------------------------------------ */

static int odd_at_least(int value)
{
    return value < 1 ? 1 : value | 1;
}

/* blurred [h, w, 3] = rgb blurred, where what is known counts fifty times as much. */
static bool blur_known(Threads *threads, float *blurred, const float *rgb, const float *hole, int w,
                       int h, int radius)
{
    const float invented = .02F;
    size_t      count = (size_t)w * (size_t)h;
    float      *weight = malloc(count * sizeof *weight), *plane = malloc(count * sizeof *plane);
    bool        ok = weight && plane;
    for (size_t i = 0; ok && i < count; i++)
        weight[i] = hole[i] > 0 ? invented : 1;
    ok = ok && mask_blur_triangle(threads, weight, w, h, 2 * radius + 1);
    for (size_t c = 0; ok && c < 3; c++) {
        for (size_t i = 0; i < count; i++)
            plane[i] = (hole[i] > 0 ? invented : 1) * rgb[3 * i + c];
        ok = mask_blur_triangle(threads, plane, w, h, 2 * radius + 1);
        for (size_t i = 0; ok && i < count; i++)
            blurred[3 * i + c] = plane[i] / weight[i];
    }
    free(weight);
    free(plane);
    return ok;
}

bool prefill_hole(Threads *threads, float *rgb, const float *hole, int w, int h, EditIntent intent,
                  int native)
{
    if (intent == EDIT_REFINE)
        return true;
    size_t count = (size_t)w * (size_t)h;
    float *share = malloc(count * sizeof *share), *filling = NULL;
    bool   ok = share != NULL;
    for (size_t i = 0; ok && i < count; i++)
        share[i] = hole[i] > 0 ? 0 : 1;
    ok = ok && prefill_continue(threads, rgb, share, w, h);
    if (ok && (intent == EDIT_FILL || intent == EDIT_ADD || intent == EDIT_BACKGROUND)) {
        for (size_t i = 0; i < count; i++)
            share[i] = hole[i] > 0 ? 1 : 0;
        int radius = BLUR * native / BLUR_NATIVE;
        filling = intent == EDIT_FILL ? malloc(3 * count * sizeof *filling) : NULL;
        ok = mask_blur_triangle(threads, share, w, h, odd_at_least(2 * FALLOFF)) &&
             (intent != EDIT_FILL ||
              (filling && blur_known(threads, filling, rgb, hole, w, h, radius)));
        for (size_t i = 0; ok && i < count; i++) {
            /* The blurred hole is .5 on its edge: 0 there, 1 from FALLOFF pixels on inside. */
            float inside = hole[i] > 0 && share[i] > .5F ? 2 * share[i] - 1 : 0;
            if (inside > 0)
                for (size_t c = 0; c < 3; c++)
                    rgb[3 * i + c] +=
                        inside * ((filling ? filling[3 * i + c] : .5F) - rgb[3 * i + c]);
        }
    }
    free(share);
    free(filling);
    return ok;
}
