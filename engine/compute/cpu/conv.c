/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolution as a matrix product, a slab of pixels and a block of channels at a time:
 *
 *   a channel's rows around the slab --scale, shift, activation, padding--> band
 *   band --one shifted copy per weight of the kernel--> columns [channels * k * k, pixels]
 *   tile [out, pixels] += weights [out, channels * k * k] columns;  then tile -> y
 *
 * All of it lies in one thread's scratch and fits its second cache.  Where a few pixels meet many
 * output channels (the inner levels of a U-Net) the columns would be made over and over by tiles of
 * the same pixels: there they are made once for all, some megabytes at a time. */
#include "conv.h"

#include "gemm.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    PIXELS = 512, /* most in a slab */
    OUT = 320,    /* most channels in a tile */
    DEPTH = 576,  /* most rows of columns at once: 64 channels of 3x3 */
    BAND = 3 * (PIXELS + 2) + 2 * (PIXELS + 1) + PIXELS * 4, /* stride 2, the most awkward shape */
    TILES = 16,           /* fewer than this: cut smaller, for the sake of many threads */
    SHARED = 2 << 20,     /* elements of columns that are made for all tiles at once */
    SHARED_PIXELS = 4096, /* of y, at most, for that */
};

/* One tile: which part of y, and one thread's memory. */
typedef struct {
    int    item, items, row, rows, column, columns, out_first, out;
    int    pixels; /* items * rows * columns */
    float *tile, *unfolded, *weights, *band, *line;
} Slab;

/* Elements that one thread has, in the order of slab_of(): tile 640 KB, columns 1152 KB, weights
 * 720 KB, then the band and a row of x, which are small. */
static size_t scratch_count(int w)
{
    return (size_t)OUT * PIXELS + (size_t)DEPTH * PIXELS + (size_t)OUT * DEPTH + BAND + (size_t)w;
}

static int pieces(int count, int size)
{
    return (count + size - 1) / size;
}

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

static int slab_count(const ConvTask *task)
{
    return task->groups * task->slabs_down * task->slabs_across;
}

/* Pixels of one tile, and of all slabs (the last ones may have less). */
static size_t tile_pixels(const ConvTask *task)
{
    return (size_t)task->items * (size_t)task->rows * (size_t)task->columns;
}

static size_t all_pixels(const ConvTask *task)
{
    return (size_t)slab_count(task) * tile_pixels(task);
}

/* Row `row` of a plane of x: [w]. */
static const float *source_row(const ConvTask *task, int item, int channel, int row)
{
    size_t plane = (size_t)item * (size_t)task->x.c + (size_t)channel;
    return task->x_data + (plane * (size_t)task->x.h + (size_t)row) * (size_t)task->x.w;
}

/* Position in 0 … size-1, or -1 for padding. */
static int inside(int position, int size, bool wrap)
{
    if (position >= 0 && position < size)
        return position;
    return wrap ? (position % size + size) % size : -1;
}

/* torch.nn.functional.interpolate, mode nearest: in float, as there. */
static int nearest(int position, int from, int to)
{
    if (from == to)
        return position;
    int source = (int)floorf((float)position * ((float)from / (float)to));
    return at_most(source, from - 1);
}

/* out [count] = the activated, upsampled, padded row of x at columns left … left + count - 1. */
static void fill_line(const ConvTask *task, float *out, float *line, const float *row, int left,
                      int count, float scale, float shift)
{
    const ConvSettings *settings = task->settings;
    /* What stands before the convolution is applied here, to each number when it is read, and to an
     * upsampled picture before it is doubled: the normalised or doubled picture is never in
     * memory. */
    bool plain = !task->scale && !task->shift && settings->before == ACTIVATION_NONE;
    int  first = left < 0 ? 0 : left,
        last = left + count < task->full_w ? left + count : task->full_w;
    if (task->full_w == task->x.w && first < last) {
        if (plain)
            memcpy(out + first - left, row + first, (size_t)(last - first) * sizeof *out);
        else
            task->cpu->kernels->activate(out + first - left, row + first,
                                             (size_t)(last - first), scale, shift,
                                             settings->before);
    } else if (first < last) {
        int from = nearest(first, task->x.w, task->full_w);
        int to = nearest(last - 1, task->x.w, task->full_w) + 1;
        if (plain)
            memcpy(line, row + from, (size_t)(to - from) * sizeof *out);
        else
            task->cpu->kernels->activate(line, row + from, (size_t)(to - from), scale, shift,
                                             settings->before);
        for (int i = first; i < last; i++)
            out[i - left] = line[nearest(i, task->x.w, task->full_w) - from];
    }
    /* The padding, left and right. It is 0 behind the activation and not in front of it: of a group
     * norm with a shift, silu(0 * scale + shift) is not 0, and pictures would get a frame. */
    for (int i = left; i < left + count; i++) {
        if (i == first && first < last)
            i = last;
        if (i >= left + count)
            break;
        int at = inside(i, task->full_w, settings->wrap_x);
        out[i - left] = 0;
        if (at >= 0)
            task->cpu->kernels->activate(out + i - left,
                                             row + nearest(at, task->x.w, task->full_w), 1, scale,
                                             shift, settings->before);
    }
}

/* A row that repeats the one above, as upsampling makes them, is copied and not activated again. */
void conv_fill_band(const ConvTask *task, float *band, float *line, int item, int channel, int row,
                    int column, int height, int width)
{
    const ConvSettings *settings = task->settings;
    size_t              which = (size_t)item * (size_t)task->x.c + (size_t)channel;
    float               scale = task->scale ? task->scale[which] : 1;
    float               shift = task->shift ? task->shift[which] : 0;
    int                 stride = settings->stride, last = -1;
    for (int i = 0; i < height; i++) {
        float *out = band + (size_t)i * (size_t)width;
        int    at = inside(row * stride - task->pad_top + i, task->full_h, settings->wrap_y);
        if (at < 0) {
            memset(out, 0, (size_t)width * sizeof *out);
            last = -1;
            continue;
        }
        int source = nearest(at, task->x.h, task->full_h);
        if (source == last)
            memcpy(out, out - width, (size_t)width * sizeof *out);
        else
            fill_line(task, out, line, source_row(task, item, channel, source),
                      column * stride - task->pad_left, width, scale, shift);
        last = source;
    }
}

/* slab->unfolded [channels * k * k, pixels]. */
static void unfold(const ConvTask *task, const Slab *slab, int channel, int channels)
{
    int stride = task->settings->stride;
    int height = (slab->rows - 1) * stride + task->k,
        width = (slab->columns - 1) * stride + task->k;
    int area = slab->rows * slab->columns;
    assert(height * width <= BAND);
    for (int item = 0; item < slab->items; item++)
        for (int i = 0; i < channels; i++) {
            conv_fill_band(task, slab->band, slab->line, slab->item + item, channel + i, slab->row,
                           slab->column, height, width);
            task->cpu->kernels->unfold(
                slab->unfolded + (size_t)(i * task->k * task->k) * (size_t)slab->pixels +
                    (size_t)(item * area),
                (size_t)slab->pixels, slab->band, width, slab->rows, slab->columns, task->k,
                stride);
        }
}

/* y's part of the tile, with what is added to it. */
static void put_tile(const ConvTask *task, const Slab *slab)
{
    const Kernels *kernels = task->cpu->kernels;
    int            area = slab->rows * slab->columns, all_out = task->layer->weight.shape[0];
    float          bias[OUT];
    if (task->layer->bias.data)
        weight_convert(kernels, bias, &task->layer->bias, (size_t)slab->out_first,
                       (size_t)slab->out);
    /* A tile of one item is one piece of y: whole rows of it, or a part of a single one. */
    for (int item = 0; item < slab->items; item++)
        for (int i = 0; i < slab->out; i++) {
            size_t which =
                (size_t)(slab->item + item) * (size_t)all_out + (size_t)(slab->out_first + i);
            float *to = task->y_data +
                        (which * (size_t)task->y.h + (size_t)slab->row) * (size_t)task->y.w +
                        (size_t)slab->column;
            const float *from =
                slab->tile + (size_t)i * (size_t)slab->pixels + (size_t)(item * area);
            float more = task->layer->bias.data ? bias[i] : 0;
            if (task->channel_add)
                more += task->channel_add[which];
            kernels->put(to, from, (size_t)area, more, task->settings->accumulate);
        }
}

/* Which part of y a task has. The channels of y change fastest: tasks that run at the same time
 * read the same pixels of x, which are in the shared cache then. */
static Slab slab_of(const ConvTask *task, int index, int worker)
{
    Slab slab = { .items = 1 };
    int  out_tile = index % task->out_tiles;
    index /= task->out_tiles;
    slab.column = index % task->slabs_across * task->columns;
    index /= task->slabs_across;
    slab.row = index % task->slabs_down * task->rows;
    slab.item = index / task->slabs_down * task->items;
    slab.items = at_most(task->x.n - slab.item, task->items);
    slab.rows = at_most(task->y.h - slab.row, task->rows);
    slab.columns = at_most(task->y.w - slab.column, task->columns);
    slab.out_first = out_tile * task->out;
    slab.out = at_most(task->layer->weight.shape[0] - slab.out_first, task->out);
    slab.pixels = slab.items * slab.rows * slab.columns;
    slab.tile = task->scratch + (size_t)worker * scratch_count(task->x.w);
    slab.unfolded = slab.tile + (size_t)OUT * PIXELS;
    slab.weights = slab.unfolded + (size_t)DEPTH * PIXELS;
    slab.band = slab.weights + (size_t)OUT * DEPTH;
    slab.line = slab.band + BAND;
    return slab;
}

/* Adds channels [channel, channel + channels), whose columns are at `right`, to the tile. */
static void add_channels(const ConvTask *task, const Slab *slab, int channel, int channels,
                         const float *right, int right_stride)
{
    const Weight *weight = &task->layer->weight;
    const float  *left = slab->weights;
    int           area = task->k * task->k, depth = channels * area, left_stride = depth;
    size_t        row = (size_t)task->x.c * (size_t)area;
    size_t        first = (size_t)slab->out_first * row + (size_t)(channel * area);
    if (task->in_place_weight) {
        left = (const float *)weight->data + first;
        left_stride = (int)row;
    } else {
        for (int i = 0; i < slab->out; i++)
            weight_convert(task->cpu->kernels, slab->weights + (size_t)i * (size_t)depth,
                           weight, first + (size_t)i * row, (size_t)depth);
    }
    gemm(task->cpu, slab->tile, slab->pixels, left, left_stride, right, right_stride,
         false, slab->out, slab->pixels, depth, 1, channel > 0);
}

/* One tile from its input to y, by one thread. Channels are added in blocks of the same size in the
 * same order whoever does it, so the sums have the same bits. */
static void conv_tile(void *data, int index, int worker)
{
    const ConvTask *task = data;
    Slab            slab = slab_of(task, index, worker);
    int             channels = DEPTH / (task->k * task->k);
    for (int channel = 0; channel < task->x.c; channel += channels) {
        if (!compute_goes_on(task->compute, worker))
            return;
        int now = at_most(task->x.c - channel, channels);
        if (task->direct) {
            const float *right = source_row(task, slab.item, channel, slab.row) + slab.column;
            add_channels(task, &slab, channel, now, right, task->x.h * task->x.w);
        } else {
            unfold(task, &slab, channel, now);
            add_channels(task, &slab, channel, now, slab.unfolded, slab.pixels);
        }
    }
    put_tile(task, &slab);
}

/* ---- shared columns ---- */

/* Where a slab's columns of the present channels begin. */
static float *shared_columns(const ConvTask *task, int slab_index)
{
    return task->shared + (size_t)slab_index * tile_pixels(task) *
                              (size_t)(task->channel_count * task->k * task->k);
}

enum { UNFOLDED_AT_ONCE = 16 }; /* channels that a task makes columns of */

/* Columns of some channels of one slab, to where all tiles read them. Tasks write parts that lie
 * apart, and nobody reads before parallel_for() has returned. */
static void unfold_shared(void *data, int index, int worker)
{
    const ConvTask *task = data;
    int             across = pieces(task->channel_count, UNFOLDED_AT_ONCE);
    int             channel = index % across * UNFOLDED_AT_ONCE;
    Slab            slab = slab_of(task, index / across * task->out_tiles, worker);
    if (!compute_goes_on(task->compute, worker))
        return;
    slab.unfolded = shared_columns(task, index / across) +
                    (size_t)(channel * task->k * task->k) * (size_t)slab.pixels;
    unfold(task, &slab, task->channel_first + channel,
           at_most(task->channel_count - channel, UNFOLDED_AT_ONCE));
}

/* The tile's sums stay in task->sums from one group of channels to the next, and go to y with the
 * last one. */
static void shared_tile(void *data, int index, int worker)
{
    const ConvTask *task = data;
    Slab            slab = slab_of(task, index, worker);
    const float    *columns = shared_columns(task, index / task->out_tiles);
    int             area = task->k * task->k, channels = DEPTH / area;
    slab.tile = task->sums + (size_t)index * (size_t)task->out * tile_pixels(task);
    for (int channel = 0; channel < task->channel_count; channel += channels) {
        if (!compute_goes_on(task->compute, worker))
            return;
        add_channels(task, &slab, task->channel_first + channel,
                     at_most(task->channel_count - channel, channels),
                     columns + (size_t)(channel * area) * (size_t)slab.pixels, slab.pixels);
    }
    if (task->channel_first + task->channel_count == task->x.c)
        put_tile(task, &slab);
}

/* Channels whose columns fit, a multiple of what is added at once. */
static int shared_channels(const ConvTask *task)
{
    int area = task->k * task->k, step = DEPTH / area;
    int most = SHARED / ((int)all_pixels(task) * area);
    return at_most(task->x.c, most < step ? step : most / step * step);
}

/* With 4 or more tiles over the same pixels, each would make the columns again. */
static bool wants_shared(const ConvTask *task)
{
    return task->out_tiles >= 4 && !task->direct && all_pixels(task) <= SHARED_PIXELS;
}

/* In turns: columns of some channels by all threads, then their products by all threads. */
static void run_shared(ConvTask *task)
{
    int most = shared_channels(task);
    for (int channel = 0; channel < task->x.c && !compute_stopped(task->compute); channel += most) {
        task->channel_first = channel;
        task->channel_count = at_most(task->x.c - channel, most);
        parallel_for(task->cpu->threads,
                     slab_count(task) * pieces(task->channel_count, UNFOLDED_AT_ONCE),
                     unfold_shared, task);
        parallel_for(task->cpu->threads, slab_count(task) * task->out_tiles, shared_tile, task);
    }
}

/* ---- cutting and running ---- */

/* Cuts y into tiles, by sizes only. */
static void cut(ConvTask *task)
{
    int out = task->layer->weight.shape[0], ow = task->y.w, oh = task->y.h;
    task->slabs_across = pieces(ow, PIXELS);
    task->columns = pieces(ow, task->slabs_across);
    task->rows = task->slabs_across > 1 ? 1 : at_most(oh, PIXELS / ow);
    task->rows = pieces(oh, pieces(oh, task->rows));
    task->items = task->rows == oh && task->slabs_across == 1 && !task->direct
                      ? at_most(task->x.n, PIXELS / (oh * ow))
                      : 1;
    /* Equal shares: 640 channels are two tiles of 320, and 330 are two of 165, not 320 and 10. */
    task->out = pieces(out, pieces(out, OUT));
    /* Small layers would make fewer tiles than there are threads. How many threads there are is not
     * asked all the same: tiles, and with them the order of sums, would differ from machine to
     * machine. Halves are rounded up to a multiple of 16. */
    for (;;) {
        task->slabs_down = pieces(oh, task->rows);
        task->groups = pieces(task->x.n, task->items);
        task->out_tiles = pieces(out, task->out);
        if (slab_count(task) * task->out_tiles >= TILES)
            return;
        int pixels = task->items * task->rows * task->columns;
        if (task->out > 64 && (task->out > 160 || pixels <= 256))
            task->out = (task->out + 31) / 32 * 16;
        else if (task->items > 1 && pixels > 128)
            task->items = (task->items + 1) / 2;
        else if (task->items == 1 && task->rows > 1 && pixels > 128)
            task->rows = (task->rows + 1) / 2;
        else if (task->out > 64)
            task->out = (task->out + 31) / 32 * 16;
        else
            return;
    }
}

/* Where things lie is only known in a real run; what is cut how, before. */
static ConvTask task_of(const Cpu *cpu, const Operation *operation)
{
    const ConvSettings *settings = operation->conv2d.settings;
    const Weight       *weight = &operation->conv2d.layer->weight;
    ConvTask            task = { .cpu = cpu,
                                 .y = operation->y,
                                 .x = operation->x,
                                 .layer = operation->conv2d.layer,
                                 .settings = settings,
                                 .k = weight->shape[2],
                                 .full_h = operation->x.h,
                                 .full_w = operation->x.w };
    if (settings->upsample) {
        task.full_h = settings->out_h ? settings->out_h : 2 * task.x.h;
        task.full_w = settings->out_w ? settings->out_w : 2 * task.x.w;
    }
    task.pad_top = task.pad_left = task.k == 3 && !settings->pad_right_bottom_only;
    /* Floats that lie aligned in the file need no conversion. Old files have tensors at odd
     * addresses. */
    task.in_place_weight = weight->type == TYPE_F32 && weight->scale == 0 &&
                           (uintptr_t)weight->data % sizeof(float) == 0;
    /* A plane of x is then a row of the columns already: the product reads x where it lies. */
    task.direct = task.k == 1 && settings->stride == 1 && !settings->upsample &&
                  settings->scale.n == 0 && settings->shift.n == 0 &&
                  settings->before == ACTIVATION_NONE;
    cut(&task);
    return task;
}

/* Elements of a task's memory: every thread's own, then the shared columns and their sums. */
static size_t own_count(const ConvTask *task)
{
    size_t count = (size_t)threads_count(task->cpu->threads) * scratch_count(task->x.w);
    /* Whole cache lines, so that what follows begins on one. */
    return (count + 15) / 16 * 16;
}

static size_t columns_count(const ConvTask *task)
{
    return all_pixels(task) * (size_t)(shared_channels(task) * task->k * task->k);
}

static size_t conv2d_scratch(const Cpu *cpu, const Operation *operation)
{
    ConvTask task = task_of(cpu, operation);
    if (conv_winograd_pays(&task))
        return conv_winograd_scratch(&task);
    size_t count = own_count(&task);
    if (wants_shared(&task))
        count += columns_count(&task) + all_pixels(&task) * (size_t)(task.out_tiles * task.out);
    return count * sizeof(float);
}

static void conv2d_run(const Cpu *cpu, Compute *compute, const Operation *operation, void *scratch)
{
    const ConvSettings *settings = operation->conv2d.settings;
    ConvTask            task = task_of(cpu, operation);
    task.compute = compute;
    task.y_data = cpu_data(task.y);
    task.x_data = cpu_data(task.x);
    task.scale = cpu_data(settings->scale);
    task.shift = cpu_data(settings->shift);
    task.channel_add = cpu_data(settings->channel_add);
    if (conv_winograd_pays(&task)) {
        conv_winograd(&task, scratch);
        return;
    }
    task.scratch = scratch;
    blas_prepare(&task.cpu->blas);
    if (wants_shared(&task)) {
        task.shared = task.scratch + own_count(&task);
        task.sums = task.shared + columns_count(&task);
        run_shared(&task);
    } else {
        parallel_for(cpu->threads, slab_count(&task) * task.out_tiles, conv_tile, &task);
    }
}

const CpuOperation cpu_conv2d = { conv2d_run, conv2d_scratch };
