/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resample.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

/* Which inputs make an output, along one axis. */
typedef struct {
    int    taps;   /* of every output; unused ones weigh 0 */
    int   *index;  /* [outputs, taps] inside the input */
    float *weight; /* [outputs, taps], sums of 1 */
} Axis;

static int place(int i, int n, bool wrap)
{
    if (wrap) {
        i %= n;
        return i < 0 ? i + n : i;
    }
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static double lanczos(double x)
{
    x = fabs(x);
    if (x < 1e-9)
        return 1;
    return x < 3 ? 3 * sin(PI * x) * sin(PI * x / 3) / (PI * PI * x * x) : 0;
}

static double tent(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* The share of input pixel i in the interval from … to. */
static double overlap(double from, double to, int i)
{
    double low = from > i ? from : i, high = to < i + 1 ? to : i + 1;
    return high > low ? high - low : 0;
}

static void axis_finish(Axis *axis)
{
    free(axis->index);
    free(axis->weight);
}

/* scale < 1: the mean over the interval that an output covers, which cannot ring.  Else a kernel
 * around its centre.  Weights are divided by their sum, so that a flat area stays flat to
 * rounding. */
static bool axis_init(Axis *axis, int outputs, int inputs, double scale, double origin,
                      ResampleFilter filter, bool wrap)
{
    bool   down = scale < 1;
    double reach = filter == RESAMPLE_PICTURE ? 3 : 1; /* half width of the kernel going up */
    axis->taps = down ? (int)ceil(1 / scale) + 1 : 2 * (int)reach;
    axis->index = malloc((size_t)outputs * (size_t)axis->taps * sizeof *axis->index);
    axis->weight = malloc((size_t)outputs * (size_t)axis->taps * sizeof *axis->weight);
    if (!axis->index || !axis->weight)
        return false;
    for (int o = 0; o < outputs; o++) {
        double from = origin + o / scale, to = origin + (o + 1) / scale;
        double centre = origin + (o + .5) / scale - .5, sum = 0;
        int    first = down ? (int)floor(from) : (int)floor(centre) + 1 - (int)reach;
        /* Going up there are at most 6; going down they are worked out twice. */
        double weights[2 * 3];
        for (int pass = 0; pass < 2; pass++) {
            for (int k = 0; k < axis->taps; k++) {
                double w = down                         ? overlap(from, to, first + k)
                           : pass                       ? weights[k]
                           : filter == RESAMPLE_PICTURE ? lanczos(centre - first - k)
                                                        : tent(centre - first - k);
                if (pass == 0) {
                    sum += w;
                    if (!down)
                        weights[k] = w;
                    continue;
                }
                size_t at = (size_t)o * (size_t)axis->taps + (size_t)k;
                axis->index[at] = place(first + k, inputs, wrap);
                axis->weight[at] = (float)(w / sum);
            }
        }
    }
    return true;
}

typedef struct {
    float       *out;
    const float *in;
    int          out_w, out_h, in_w, in_h, channels;
    Axis         across, down;
    float       *rows; /* [workers, in_w, channels] */
    int          x0, y0;
    bool         wrap_x, wrap_y;
} Work;

static void copy_row(void *data, int y, int worker)
{
    const Work  *work = data;
    size_t       c = (size_t)work->channels;
    float       *out = work->out + (size_t)y * (size_t)work->out_w * c;
    const float *in =
        work->in + (size_t)place(work->y0 + y, work->in_h, work->wrap_y) * (size_t)work->in_w * c;
    (void)worker;
    for (int x = 0; x < work->out_w;) {
        int from = place(work->x0 + x, work->in_w, work->wrap_x), run = 1;
        /* As many as lie side by side in the input; beyond its edge one pixel at a time, always the
         * same. */
        if (from == work->x0 + x || work->wrap_x)
            run = work->in_w - from < work->out_w - x ? work->in_w - from : work->out_w - x;
        memcpy(out + (size_t)x * c, in + (size_t)from * c, (size_t)run * c * sizeof *out);
        x += run;
    }
}

static void blend_row(void *data, int y, int worker)
{
    const Work *work = data;
    int         c = work->channels;
    size_t      row_floats = (size_t)work->in_w * (size_t)c;
    float      *row = work->rows + (size_t)worker * row_floats;
    float      *out = work->out + (size_t)y * (size_t)work->out_w * (size_t)c;

    /* Columns first, whole rows at a time into one of the input's width; then across it. */
    memset(row, 0, row_floats * sizeof *row);
    for (int k = 0; k < work->down.taps; k++) {
        size_t       at = (size_t)y * (size_t)work->down.taps + (size_t)k;
        float        weight = work->down.weight[at];
        const float *in = work->in + (size_t)work->down.index[at] * row_floats;
        if (weight != 0)
            for (size_t i = 0; i < row_floats; i++)
                row[i] += weight * in[i];
    }
    int taps = work->across.taps;
    for (int x = 0; x < work->out_w; x++) {
        const int   *index = work->across.index + (size_t)x * (size_t)taps;
        const float *weight = work->across.weight + (size_t)x * (size_t)taps;
        float        sum[4] = { 0 };
        for (int k = 0; k < taps; k++) {
            const float *in = row + (size_t)index[k] * (size_t)c;
            for (int i = 0; i < c; i++)
                sum[i] += weight[k] * in[i];
        }
        for (int i = 0; i < c; i++)
            out[(size_t)x * (size_t)c + (size_t)i] = sum[i];
    }
}

bool resample(Threads *threads, float *out, int out_w, int out_h, const float *in, int in_w,
              int in_h, int channels, const Resample *how, EngineError *error)
{
    assert(out_w > 0 && out_h > 0 && in_w > 0 && in_h > 0 && channels > 0 && channels <= 4);
    Work work = { .out = out,
                  .in = in,
                  .out_w = out_w,
                  .out_h = out_h,
                  .in_w = in_w,
                  .in_h = in_h,
                  .channels = channels,
                  .wrap_x = how->wrap_x,
                  .wrap_y = how->wrap_y };
    /* No filter: what a pass shows at its own size must come back to the bit. */
    if (how->scale == 1 && how->x0 == floor(how->x0) && how->y0 == floor(how->y0)) {
        work.x0 = (int)how->x0;
        work.y0 = (int)how->y0;
        parallel_for(threads, out_h, copy_row, &work);
        return true;
    }
    bool ok = false;
    work.rows = malloc((size_t)threads_count(threads) * (size_t)in_w * (size_t)channels *
                       sizeof *work.rows);
    if (!work.rows ||
        !axis_init(&work.across, out_w, in_w, how->scale, how->x0, how->filter, how->wrap_x) ||
        !axis_init(&work.down, out_h, in_h, how->scale, how->y0, how->filter, how->wrap_y)) {
        fail(error, ENGINE_OUT_OF_MEMORY,
             "There is not enough memory to scale a picture to %d x %d pixels.", out_w, out_h);
        goto done;
    }
    parallel_for(threads, out_h, blend_row, &work);
    ok = true;
done:
    axis_finish(&work.across);
    axis_finish(&work.down);
    free(work.rows);
    return ok;
}
