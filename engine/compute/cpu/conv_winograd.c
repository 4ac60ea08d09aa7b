/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 3x3 convolution with stride 1 by Winograd's F(2x2, 3x3): 2.25 times fewer multiplications.
 *
 *   weights of some output channels --> u [16][out, in], once for all pixels
 *   a channel's rows --conv_fill_band()--> band --> v [16][group][in, lanes]
 *   m [16][group][out, lanes] = u v;  then m --> y
 *
 * Lavin and Gray 2015, arXiv:1509.09308.  The rounding error is about twice that of plain sums. */
#include "conv.h"

#include <assert.h>
#include <string.h>

enum {
    TILES = WINOGRAD_TILES, /* of 2x2 pixels, that a task has */
    ACROSS = 32,       /* tiles side by side at most: square blocks share more of their input */
    OUT = 160,         /* channels that a task makes at once */
    CHANNELS = 64,     /* whose weights are converted at once, and rows are between two polls */
    DEPTH = 256,       /* channels added at once */
    INPUT = 1 << 20,   /* elements of v that a task should have at most */
    WEIGHTS = 8 << 20, /* elements of u at most */
    TASKS = 16,        /* fewer than this: cut smaller, for the sake of many threads */
    PIXELS = 2048,     /* fewer than this do not pay for the weights' transformation */
    BAND =
        10 * (TILES + 4), /* (2 rows + 2) (2 columns + 2) for rows * columns <= TILES, and more */
};

typedef struct {
    const ConvTask *conv;
    int             rows, columns, out;      /* tiles down and across, and channels, of a task */
    int             down, across, out_tiles; /* tasks */
    int             out_first, out_count;    /* channels whose weights are in u */
    float          *u;                       /* [16][out_count, in] */
    float          *scratch;                 /* [worker][scratch_count()] */
} Winograd;

typedef struct {
    float *m, *v, *band, *pixels, *line;
} Scratch;

static int pieces(int count, int size)
{
    return (count + size - 1) / size;
}

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

/* Tiles of a task: a multiple of every kernel's lanes. */
static int most_tiles(int in)
{
    int most = INPUT / 16 / in / 32 * 32;
    return most < 32 ? 32 : at_most(most, TILES);
}

/* Elements of one thread's m, v, band, pixels and line, in this order. */
static size_t scratch_count(int in, int w)
{
    size_t tiles = (size_t)most_tiles(in);
    return 16 * OUT * tiles + 16 * (size_t)in * tiles + BAND + 4 * TILES +
           ((size_t)w + 15) / 16 * 16;
}

static Scratch scratch_of(const Winograd *winograd, int worker)
{
    Scratch scratch;
    Tensor  x = winograd->conv->x;
    size_t  tiles = (size_t)most_tiles(x.c);
    scratch.m = winograd->scratch + (size_t)worker * scratch_count(x.c, x.w);
    scratch.v = scratch.m + 16 * OUT * tiles;
    scratch.band = scratch.v + 16 * (size_t)x.c * tiles;
    scratch.pixels = scratch.band + BAND;
    scratch.line = scratch.pixels + 4 * TILES;
    return scratch;
}

/* The weights of one output channel. */
static void transform_weights(void *data, int index, int worker)
{
    const Winograd *winograd = data;
    const ConvTask *conv = winograd->conv;
    const Kernels  *kernels = conv->cpu->kernels;
    /* m is free until the products begin, and holds the file's numbers as floats meanwhile. */
    float          *raw = scratch_of(winograd, worker).m;
    size_t          in = (size_t)conv->x.c, plane = (size_t)winograd->out_count * in;
    if (!compute_goes_on(conv->compute, worker))
        return;
    for (size_t first = 0; first < in; first += CHANNELS) {
        size_t count = in - first < CHANNELS ? in - first : CHANNELS;
        weight_convert(kernels, raw, &conv->layer->weight,
                       ((size_t)(winograd->out_first + index) * in + first) * 9, count * 9);
        kernels->winograd_weights(winograd->u + (size_t)index * in + first, plane, raw, (int)count);
    }
}

/* One 2 rows x 2 columns block of y, and some output channels of it. */
typedef struct {
    int item, row, column, rows, columns, out_first,
        out; /* row and column in pixels; rows in tiles */
    int groups;
} Block;

/* Output channels change fastest, so that neighbours in time read the same part of x. */
static Block block_of(const Winograd *winograd, int index)
{
    const ConvTask *conv = winograd->conv;
    int             out_tile = index % winograd->out_tiles, rest = index / winograd->out_tiles;
    int             column = rest % winograd->across * winograd->columns;
    int             row = rest / winograd->across % winograd->down * winograd->rows;
    Block           block = { .item = rest / winograd->across / winograd->down,
                              .row = 2 * row,
                              .column = 2 * column,
                              .rows = at_most(pieces(conv->y.h, 2) - row, winograd->rows),
                              .columns = at_most(pieces(conv->y.w, 2) - column, winograd->columns),
                              .out_first = out_tile * winograd->out };
    block.out = at_most(winograd->out_count - block.out_first, winograd->out);
    block.groups = pieces(block.rows * block.columns, conv->cpu->kernels->lanes);
    return block;
}

/* scratch->v, of all channels. */
static bool transform_input(const Winograd *winograd, const Block *block, const Scratch *scratch,
                            int worker)
{
    const ConvTask *conv = winograd->conv;
    const Kernels  *kernels = conv->cpu->kernels;
    size_t          lanes = (size_t)kernels->lanes, in = (size_t)conv->x.c;
    int             width = 2 * block->columns + 2;
    for (int i = 0; i < conv->x.c; i++) {
        if (i % CHANNELS == 0 && !compute_goes_on(conv->compute, worker))
            return false;
        conv_fill_band(conv, scratch->band, scratch->line, block->item, i, block->row,
                       block->column, 2 * block->rows + 2, width);
        kernels->winograd_input(scratch->v + (size_t)i * lanes, (size_t)block->groups * in * lanes,
                                in * lanes, scratch->band, width, block->rows, block->columns);
    }
    return true;
}

/* scratch->m = u v. */
static bool multiply(const Winograd *winograd, const Block *block, const Scratch *scratch,
                     int worker)
{
    const ConvTask *conv = winograd->conv;
    const Kernels  *kernels = conv->cpu->kernels;
    size_t          lanes = (size_t)kernels->lanes, in = (size_t)conv->x.c;
    for (int i = 0; i < 16 * block->groups; i++) {
        const float *u = winograd->u + ((size_t)(i / block->groups) * (size_t)winograd->out_count +
                                        (size_t)block->out_first) *
                                           in;
        if (!compute_goes_on(conv->compute, worker))
            return false;
        /* 256 channels of one group are 32 KB of v at 32 lanes: they are read again for every
         * output channel, and stay in the first or second cache. Blocks are added from the left,
         * always. */
        for (int channel = 0; channel < conv->x.c; channel += DEPTH)
            kernels->multiply(scratch->m + (size_t)(i * block->out) * lanes, u + channel, in,
                              scratch->v + ((size_t)i * in + (size_t)channel) * lanes, block->out,
                              at_most(conv->x.c - channel, DEPTH), channel > 0);
    }
    return true;
}

/* An odd y ends within a tile: what of it lies outside was computed and is left out here. */
static void put_block(const Winograd *winograd, const Block *block, const Scratch *scratch)
{
    const ConvTask     *conv = winograd->conv;
    const ConvSettings *settings = conv->settings;
    const Kernels      *kernels = conv->cpu->kernels;
    Tensor              y = conv->y;
    size_t lanes = (size_t)kernels->lanes, plane = (size_t)(block->groups * block->out) * lanes;
    int    first = winograd->out_first + block->out_first;
    int    rows = at_most(y.h - block->row, 2 * block->rows);
    int    columns = at_most(y.w - block->column, 2 * block->columns);
    float  bias[OUT];
    if (conv->layer->bias.data)
        weight_convert(kernels, bias, &conv->layer->bias, (size_t)first, (size_t)block->out);
    for (int i = 0; i < block->out; i++) {
        size_t which = (size_t)block->item * (size_t)y.c + (size_t)(first + i);
        float  more = conv->layer->bias.data ? bias[i] : 0;
        if (conv->channel_add)
            more += conv->channel_add[which];
        kernels->winograd_output(scratch->pixels, scratch->m + (size_t)i * lanes, plane,
                                 (size_t)block->out * lanes, block->rows, block->columns);
        for (int row = 0; row < rows; row++)
            kernels->put(conv->y_data + (which * (size_t)y.h + (size_t)(block->row + row)) * (size_t)y.w +
                             (size_t)block->column,
                         scratch->pixels + (size_t)(row * 2 * block->columns), (size_t)columns,
                         more, settings->accumulate);
    }
}

/* A task with more output channels than m holds takes them in turns, and transforms its input once
 * for all of them. */
static void winograd_block(void *data, int index, int worker)
{
    const Winograd *winograd = data;
    Block           block = block_of(winograd, index);
    Scratch         scratch = scratch_of(winograd, worker);
    int             last = block.out_first + block.out;
    if (!transform_input(winograd, &block, &scratch, worker))
        return;
    for (; block.out_first < last; block.out_first += block.out) {
        block.out = at_most(last - block.out_first, OUT);
        if (!multiply(winograd, &block, &scratch, worker))
            return;
        put_block(winograd, &block, &scratch);
    }
}

/* Cuts y into tasks, by sizes only. */
static void cut(Winograd *winograd)
{
    Tensor y = winograd->conv->y;
    int    across = pieces(y.w, 2), down = pieces(y.h, 2), most = most_tiles(winograd->conv->x.c);
    winograd->across = pieces(across, ACROSS);
    winograd->columns = pieces(across, winograd->across);
    winograd->rows = at_most(down, most / winograd->columns);
    winograd->rows = pieces(down, pieces(down, winograd->rows));
    winograd->out = winograd->out_count;
    for (;;) {
        winograd->down = pieces(down, winograd->rows);
        winograd->out_tiles = pieces(winograd->out_count, winograd->out);
        if (y.n * winograd->down * winograd->across * winograd->out_tiles >= TASKS ||
            winograd->out <= 80)
            return;
        /* Half of the channels, as a multiple of 8. Each half transforms the same input again, so
         * this ends at 80. */
        winograd->out = (winograd->out + 15) / 16 * 8;
    }
}

/* Output channels whose transformed weights fit, in equal shares. */
static int outputs_at_once(const ConvTask *task)
{
    int most = WEIGHTS / 16 / task->x.c;
    return most < 1 ? 1 : pieces(task->y.c, pieces(task->y.c, most));
}

/* It is asked by the scratch and by the run, and has to say the same to both. Narrow layers spend
 * more on transforming than they save on multiplying. */
bool conv_winograd_pays(const ConvTask *task)
{
    return task->k == 3 && task->settings->stride == 1 && !task->settings->pad_right_bottom_only &&
           task->x.c >= 32 && task->y.c >= 32 &&
           (size_t)task->y.n * (size_t)task->y.h * (size_t)task->y.w >= PIXELS;
}

/* Elements of the threads' scratch. */
static size_t own_count(const ConvTask *task)
{
    size_t count = (size_t)threads_count(task->cpu->threads) * scratch_count(task->x.c, task->x.w);
    return (count + 15) / 16 * 16;
}

size_t conv_winograd_scratch(const ConvTask *task)
{
    size_t u = (size_t)16 * (size_t)outputs_at_once(task) * (size_t)task->x.c;
    return (own_count(task) + u) * sizeof(float);
}

void conv_winograd(ConvTask *task, void *scratch)
{
    Winograd winograd = { .conv = task, .scratch = scratch };
    int      most = outputs_at_once(task), out = task->y.c;
    winograd.u = winograd.scratch + own_count(task);
    /* u is written by all threads in the first loop and only read in the second. */
    for (int first = 0; first < out && !compute_stopped(task->compute); first += most) {
        winograd.out_first = first;
        winograd.out_count = at_most(out - first, most);
        cut(&winograd);
        parallel_for(task->cpu->threads, winograd.out_count, transform_weights, &winograd);
        parallel_for(task->cpu->threads,
                     task->y.n * winograd.down * winograd.across * winograd.out_tiles,
                     winograd_block, &winograd);
    }
}
