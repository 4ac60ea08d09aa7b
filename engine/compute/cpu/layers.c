/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../layers.h"

#include "gemm.h"

#include <assert.h>
#include <math.h>
#include <string.h>

bool compute_dry(const Compute *compute)
{
    return !compute->scratch->block;
}

bool compute_stopped(const Compute *compute)
{
    return compute->stop && atomic_load_explicit(compute->stop, memory_order_relaxed);
}

bool compute_goes_on(Compute *compute, int worker)
{
    if (worker == 0 && compute->poll && !compute->poll(compute->poll_user) && compute->stop)
        atomic_store(compute->stop, true);
    return !compute_stopped(compute);
}

Tensor tensor_new(Compute *compute, ArenaEnd end, int n, int c, int h, int w)
{
    Tensor y = tensor_view(NULL, n, c, h, w);
    y.data = arena_take(compute->scratch, end, tensor_count(y) * sizeof(float));
    return y;
}

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

static int pieces(int count, int size)
{
    return (count + size - 1) / size;
}

/* ---- linear ---- */

enum {
    LINEAR_ROWS = 512, /* tile of y: large enough that what is copied per tile is cheap */
    LINEAR_COLUMNS = 320,
    LINEAR_DEPTH = 640, /* columns of the weight converted at once */
    LINEAR_TILES = 16,  /* fewer tiles than this: cut smaller, for the sake of many threads */
};

typedef struct {
    Compute      *compute;
    float        *y;
    const float  *x;
    const Linear *layer;
    int           rows, in, out;
    int           tile_rows, tile_columns, across; /* tiles side by side */
    bool          accumulate, in_place;            /* in place: the weight is used where it lies */
    float        *panels;                          /* [worker][tile_columns * LINEAR_DEPTH] */
} LinearTask;

/* y's tile = bias, or += bias. */
static void put_bias(const LinearTask *task, int row, int rows, int column, int columns,
                     float *bias)
{
    if (task->layer->bias.data)
        weight_convert(task->compute->kernels, bias, &task->layer->bias, (size_t)column,
                       (size_t)columns);
    for (int i = row; i < row + rows; i++) {
        float *to = task->y + (size_t)i * (size_t)task->out + column;
        if (!task->accumulate)
            memcpy(to, bias, (size_t)columns * sizeof *to);
        else
            task->compute->kernels->add(to, bias, (size_t)columns);
    }
}

static void linear_tile(void *data, int index, int worker)
{
    const LinearTask *task = data;
    Compute          *compute = task->compute;
    int               row = index / task->across * task->tile_rows;
    int               column = index % task->across * task->tile_columns;
    int               rows = at_most(task->rows - row, task->tile_rows);
    int               columns = at_most(task->out - column, task->tile_columns);
    const Weight     *weight = &task->layer->weight;
    float            *panel = task->panels + (size_t)worker * LINEAR_COLUMNS * LINEAR_DEPTH;
    bool              has_bias = task->layer->bias.data;
    if (has_bias)
        put_bias(task, row, rows, column, columns, panel);
    for (int from = 0; from < task->in; from += LINEAR_DEPTH) {
        if (!compute_goes_on(compute, worker))
            return;
        int          depth = at_most(task->in - from, LINEAR_DEPTH);
        const float *right = panel;
        int          stride = depth;
        if (task->in_place) {
            right = (const float *)weight->data + (size_t)column * (size_t)task->in + from;
            stride = task->in;
        } else {
            for (int i = 0; i < columns; i++)
                weight_convert(compute->kernels, panel + (size_t)i * (size_t)depth, weight,
                               (size_t)(column + i) * (size_t)task->in + (size_t)from,
                               (size_t)depth);
        }
        gemm(compute->kernels, task->y + (size_t)row * (size_t)task->out + column, task->out,
             task->x + (size_t)row * (size_t)task->in + from, task->in, right, stride, true, rows,
             columns, depth, 1, from > 0 || has_bias || task->accumulate);
    }
}

static bool weight_is_float(const Weight *weight)
{
    return weight->type == TYPE_F32 && (uintptr_t)weight->data % sizeof(float) == 0;
}

void linear(Compute *compute, float *y, const float *x, int rows, const Linear *layer,
            bool accumulate)
{
    LinearTask task = { .compute = compute,
                        .y = y,
                        .x = x,
                        .layer = layer,
                        .rows = rows,
                        .in = layer->weight.shape[1],
                        .out = layer->weight.shape[0],
                        .accumulate = accumulate,
                        .in_place = weight_is_float(&layer->weight) };
    assert(rows > 0 && layer->weight.shape[2] == 1 && layer->weight.shape[3] == 1);
    assert(!layer->bias.data || weight_count(&layer->bias) == (size_t)task.out);
    compute->flops += 2.0 * rows * task.in * task.out;
    ArenaMark mark = arena_mark(compute->scratch);
    task.panels = arena_take(compute->scratch, ARENA_LOW,
                             (size_t)threads_count(compute->threads) * LINEAR_COLUMNS *
                                 LINEAR_DEPTH * sizeof(float));
    if (!compute_dry(compute)) {
        task.tile_rows = at_most(rows, LINEAR_ROWS);
        task.tile_columns = at_most(task.out, LINEAR_COLUMNS);
        while (pieces(rows, task.tile_rows) * pieces(task.out, task.tile_columns) < LINEAR_TILES) {
            int *longer = task.tile_rows > task.tile_columns ? &task.tile_rows : &task.tile_columns;
            if (*longer <= 64)
                break;
            *longer = (*longer + 31) / 32 * 16;
        }
        task.across = pieces(task.out, task.tile_columns);
        gemm_prepare();
        parallel_for(compute->threads, task.across * pieces(rows, task.tile_rows), linear_tile,
                     &task);
    }
    arena_rewind(compute->scratch, mark);
}

/* ---- group norm ---- */

enum { MOMENTS_PIECE = 1 << 16 }; /* elements that one task looks at */

typedef struct {
    Compute     *compute;
    const float *x;
    size_t       plane;   /* elements of one channel of one item */
    int          across;  /* pieces of a plane */
    double      *moments; /* [n * c * across][2]: mean and squares */
} MomentsTask;

static void moments_piece(void *data, int index, int worker)
{
    const MomentsTask *task = data;
    if (!compute_goes_on(task->compute, worker))
        return;
    size_t  first = (size_t)(index % task->across) * MOMENTS_PIECE;
    size_t  count = task->plane - first < MOMENTS_PIECE ? task->plane - first : MOMENTS_PIECE;
    double *moments = task->moments + 2 * (size_t)index;
    task->compute->kernels->moments(&moments[0], &moments[1],
                                    task->x + (size_t)(index / task->across) * task->plane + first,
                                    count);
}

/* Mean and variance of one group from those of its pieces (Chan et al. 1983, equation 2.1). */
static void join_moments(const MomentsTask *task, size_t channel, size_t channels, double *mean,
                         double *variance)
{
    double all = 0, center = 0, spread = 0;
    for (size_t i = channel * (size_t)task->across; i < (channel + channels) * (size_t)task->across;
         i++) {
        size_t first = i % (size_t)task->across * MOMENTS_PIECE;
        double n =
            (double)(task->plane - first < MOMENTS_PIECE ? task->plane - first : MOMENTS_PIECE);
        double step = task->moments[2 * i] - center, total = all + n;
        spread += task->moments[2 * i + 1] + step * step * all * n / total;
        center += step * n / total;
        all = total;
    }
    *mean = center;
    *variance = spread / all;
}

void group_norm_prepare(Compute *compute, float *scale, float *shift, Tensor x, const Norm *norm,
                        int groups, float eps)
{
    assert(groups > 0 && x.c % groups == 0 && weight_count(&norm->gain) == (size_t)x.c &&
           weight_count(&norm->bias) == (size_t)x.c);
    MomentsTask task = { .compute = compute, .x = x.data, .plane = (size_t)x.h * (size_t)x.w };
    task.across = (int)((task.plane + MOMENTS_PIECE - 1) / MOMENTS_PIECE);
    int       count = x.n * x.c * task.across;
    ArenaMark mark = arena_mark(compute->scratch);
    float    *gain = arena_take(compute->scratch, ARENA_LOW, 2 * (size_t)x.c * sizeof *gain);
    task.moments =
        arena_take(compute->scratch, ARENA_LOW, 2 * (size_t)count * sizeof *task.moments);
    if (!compute_dry(compute)) {
        parallel_for(compute->threads, count, moments_piece, &task);
        float *bias = gain + x.c;
        weight_convert(compute->kernels, gain, &norm->gain, 0, (size_t)x.c);
        weight_convert(compute->kernels, bias, &norm->bias, 0, (size_t)x.c);
        int width = x.c / groups;
        for (int i = 0; i < x.n * groups && !compute_stopped(compute); i++) {
            double mean, variance;
            join_moments(&task, (size_t)i * (size_t)width, (size_t)width, &mean, &variance);
            double factor = 1 / sqrt(variance + (double)eps);
            for (int j = 0; j < width; j++) {
                int    c = i % groups * width + j;
                size_t to = (size_t)i * (size_t)width + (size_t)j;
                scale[to] = (float)(factor * (double)gain[c]);
                shift[to] = (float)((double)bias[c] - mean * factor * (double)gain[c]);
            }
        }
    }
    arena_rewind(compute->scratch, mark);
}

/* ---- layer norm ---- */

typedef struct {
    Compute     *compute;
    float       *y;
    const float *x, *gain, *bias;
    int          rows, d, piece; /* rows that one task does */
    float        eps;
} RowsTask;

enum { ROWS_PIECE = 1 << 14 }; /* elements that one task of row-wise work does, about */

static int rows_of_piece(int d)
{
    return d >= ROWS_PIECE ? 1 : ROWS_PIECE / d;
}

static void layer_norm_rows(void *data, int index, int worker)
{
    const RowsTask *task = data;
    if (!compute_goes_on(task->compute, worker))
        return;
    int last = at_most(task->rows, (index + 1) * task->piece);
    for (int i = index * task->piece; i < last; i++)
        task->compute->kernels->layer_norm(task->y + (size_t)i * (size_t)task->d,
                                           task->x + (size_t)i * (size_t)task->d, task->gain,
                                           task->bias, task->d, task->eps);
}

void layer_norm(Compute *compute, float *y, const float *x, int rows, int d, const Norm *norm,
                float eps)
{
    assert(weight_count(&norm->gain) == (size_t)d && weight_count(&norm->bias) == (size_t)d);
    ArenaMark mark = arena_mark(compute->scratch);
    float    *gain = arena_take(compute->scratch, ARENA_LOW, 2 * (size_t)d * sizeof *gain);
    if (!compute_dry(compute)) {
        RowsTask task = { compute, y, x, gain, gain + d, rows, d, rows_of_piece(d), eps };
        weight_convert(compute->kernels, gain, &norm->gain, 0, (size_t)d);
        weight_convert(compute->kernels, gain + d, &norm->bias, 0, (size_t)d);
        parallel_for(compute->threads, pieces(rows, task.piece), layer_norm_rows, &task);
    }
    arena_rewind(compute->scratch, mark);
}

/* ---- element by element ---- */

static void geglu_rows(void *data, int index, int worker)
{
    const RowsTask *task = data;
    if (!compute_goes_on(task->compute, worker))
        return;
    int last = at_most(task->rows, (index + 1) * task->piece);
    for (int i = index * task->piece; i < last; i++)
        task->compute->kernels->geglu(task->y + (size_t)i * (size_t)task->d,
                                      task->x + 2 * (size_t)i * (size_t)task->d, task->d);
}

void geglu(Compute *compute, float *y, const float *x, int rows, int d)
{
    if (compute_dry(compute))
        return;
    RowsTask task = {
        .compute = compute, .y = y, .x = x, .rows = rows, .d = d, .piece = rows_of_piece(d)
    };
    parallel_for(compute->threads, pieces(rows, task.piece), geglu_rows, &task);
}

typedef struct {
    Compute     *compute;
    float       *y;
    const float *x, *scale, *shift; /* per plane, or NULL */
    size_t       plane;
    int          across; /* pieces of a plane */
    Activation   activation;
} PlanesTask;

/* The part of the work that task `index` has: where it starts, and how many elements. */
static size_t piece_of(const PlanesTask *task, int index, size_t *count)
{
    size_t first = (size_t)(index % task->across) * ROWS_PIECE;
    *count = task->plane - first < ROWS_PIECE ? task->plane - first : ROWS_PIECE;
    return (size_t)(index / task->across) * task->plane + first;
}

static void activate_piece(void *data, int index, int worker)
{
    const PlanesTask *task = data;
    if (!compute_goes_on(task->compute, worker))
        return;
    size_t count, first = piece_of(task, index, &count);
    int    plane = index / task->across;
    task->compute->kernels->activate(task->y + first, task->x + first, count,
                                     task->scale ? task->scale[plane] : 1,
                                     task->shift ? task->shift[plane] : 0, task->activation);
}

void affine(Compute *compute, Tensor y, Tensor x, const float *scale, const float *shift,
            Activation activation)
{
    assert(y.n == x.n && y.c == x.c && y.h == x.h && y.w == x.w);
    if (compute_dry(compute))
        return;
    PlanesTask task = { compute, y.data,    x.data, scale, shift, (size_t)x.h * (size_t)x.w,
                        0,       activation };
    task.across = (int)((task.plane + ROWS_PIECE - 1) / ROWS_PIECE);
    parallel_for(compute->threads, x.n * x.c * task.across, activate_piece, &task);
}

void activate(Compute *compute, float *y, const float *x, size_t count, Activation activation)
{
    if (compute_dry(compute))
        return;
    PlanesTask task = {
        compute, y, x, NULL, NULL, count, (int)((count + ROWS_PIECE - 1) / ROWS_PIECE), activation
    };
    parallel_for(compute->threads, task.across, activate_piece, &task);
}

static void add_piece(void *data, int index, int worker)
{
    const PlanesTask *task = data;
    if (!compute_goes_on(task->compute, worker))
        return;
    size_t count, first = piece_of(task, index, &count);
    task->compute->kernels->add(task->y + first, task->x + first, count);
}

void add(Compute *compute, float *y, const float *x, size_t count)
{
    if (compute_dry(compute))
        return;
    PlanesTask task = { .compute = compute,
                        .y = y,
                        .x = x,
                        .plane = count,
                        .across = (int)((count + ROWS_PIECE - 1) / ROWS_PIECE) };
    parallel_for(compute->threads, task.across, add_piece, &task);
}

/* ---- tokens and images ---- */

enum { TRANSPOSE_ROWS = 64, TRANSPOSE_COLUMNS = 16 };

typedef struct {
    Compute     *compute;
    float       *y;
    const float *x;
    int          rows, columns; /* of x, per item; y is [columns, rows] */
    int          across;        /* strips of x's rows */
    bool         accumulate;
} TransposeTask;

static void transpose_strip(void *data, int index, int worker)
{
    const TransposeTask *task = data;
    if (!compute_goes_on(task->compute, worker))
        return;
    size_t       rows = (size_t)task->rows, columns = (size_t)task->columns;
    size_t       item = (size_t)(index / task->across) * rows * columns;
    size_t       first = (size_t)(index % task->across) * TRANSPOSE_ROWS;
    size_t       last = first + TRANSPOSE_ROWS < rows ? first + TRANSPOSE_ROWS : rows;
    const float *x = task->x + item;
    float       *y = task->y + item;
    for (size_t at = 0; at < columns; at += TRANSPOSE_COLUMNS) {
        size_t end = at + TRANSPOSE_COLUMNS < columns ? at + TRANSPOSE_COLUMNS : columns;
        for (size_t j = at; j < end; j++) {
            if (task->accumulate)
                for (size_t i = first; i < last; i++)
                    y[j * rows + i] += x[i * columns + j];
            else
                for (size_t i = first; i < last; i++)
                    y[j * rows + i] = x[i * columns + j];
        }
    }
}

static void transpose(Compute *compute, float *y, const float *x, int n, int rows, int columns,
                      bool accumulate)
{
    if (compute_dry(compute))
        return;
    TransposeTask task = { compute, y, x, rows, columns, pieces(rows, TRANSPOSE_ROWS), accumulate };
    parallel_for(compute->threads, n * task.across, transpose_strip, &task);
}

void image_to_tokens(Compute *compute, float *y, Tensor x)
{
    assert((size_t)x.h * (size_t)x.w <= INT32_MAX);
    transpose(compute, y, x.data, x.n, x.c, x.h * x.w, false);
}

void tokens_to_image(Compute *compute, Tensor y, const float *x, bool accumulate)
{
    assert((size_t)y.h * (size_t)y.w <= INT32_MAX);
    transpose(compute, y.data, x, y.n, y.h * y.w, y.c, accumulate);
}
