/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The layers on the processor: each is cut into pieces by sizes alone, and a piece is one thread's. */
#include "../layers.h"

#include "cpu.h"
#include "gemm.h"

#include <math.h>
#include <string.h>

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
    const Cpu    *cpu;
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
        weight_convert(task->cpu->kernels, bias, &task->layer->bias, (size_t)column,
                       (size_t)columns);
    for (int i = row; i < row + rows; i++) {
        float *to = task->y + (size_t)i * (size_t)task->out + column;
        if (!task->accumulate)
            memcpy(to, bias, (size_t)columns * sizeof *to);
        else
            task->cpu->kernels->add(to, bias, (size_t)columns);
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
    /* The bias stands in y first and the products are added to it; the panel lends its memory for
     * that, before it holds weights. y is written by this task only. */
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
                weight_convert(task->cpu->kernels, panel + (size_t)i * (size_t)depth, weight,
                               (size_t)(column + i) * (size_t)task->in + (size_t)from,
                               (size_t)depth);
        }
        gemm(task->cpu, task->y + (size_t)row * (size_t)task->out + column, task->out,
             task->x + (size_t)row * (size_t)task->in + from, task->in, right, stride, true, rows,
             columns, depth, 1, from > 0 || has_bias || task->accumulate);
    }
}

/* Numbers that can be multiplied where the file has them. */
static bool weight_is_float(const Weight *weight)
{
    return weight->type == TYPE_F32 && weight->scale == 0 &&
           (uintptr_t)weight->data % sizeof(float) == 0;
}

/* The largest panel for every thread, whatever the sizes are. */
static size_t linear_scratch(const Cpu *cpu, const Operation *operation)
{
    (void)operation;
    return (size_t)threads_count(cpu->threads) * LINEAR_COLUMNS * LINEAR_DEPTH * sizeof(float);
}

static void linear_run(const Cpu *cpu, Compute *compute, const Operation *operation, void *scratch)
{
    const Linear *layer = operation->linear.layer;
    Tensor        y = operation->y, x = operation->x;
    LinearTask    task = { .cpu = cpu,
                           .compute = compute,
                           .y = cpu_data(y),
                           .x = cpu_data(x),
                           .layer = layer,
                           .rows = x.n * x.c * x.h,
                           .in = x.w,
                           .out = y.w,
                           .accumulate = operation->linear.accumulate,
                           .in_place = weight_is_float(&layer->weight),
                           .panels = scratch };
    task.tile_rows = at_most(task.rows, LINEAR_ROWS);
    task.tile_columns = at_most(task.out, LINEAR_COLUMNS);
    /* Halves of the longer side, as a multiple of 16, until there is work for many threads; also
     * where there is only one thread, or its sums would be other ones. */
    while (pieces(task.rows, task.tile_rows) * pieces(task.out, task.tile_columns) < LINEAR_TILES) {
        int *longer = task.tile_rows > task.tile_columns ? &task.tile_rows : &task.tile_columns;
        if (*longer <= 64)
            break;
        *longer = (*longer + 31) / 32 * 16;
    }
    task.across = pieces(task.out, task.tile_columns);
    blas_prepare(&task.cpu->blas);
    parallel_for(cpu->threads, task.across * pieces(task.rows, task.tile_rows), linear_tile, &task);
}

const CpuOperation cpu_linear = { linear_run, linear_scratch };

static size_t linear_transposed_scratch(const Cpu *cpu, const Operation *operation)
{
    (void)cpu;
    return (size_t)operation->y.w * sizeof(float);
}

/* Row by row of the weight: the one user is a projection of one pooled token. */
static void linear_transposed_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                                  void *scratch)
{
    Tensor x = operation->x;
    size_t in = (size_t)x.w, out = (size_t)operation->y.w;
    float *row = scratch, *y = cpu_data(operation->y);
    (void)compute;
    memset(y, 0, tensor_bytes(operation->y));
    for (size_t i = 0; i < in; i++) {
        weight_convert(cpu->kernels, row, &operation->linear.layer->weight, i * out, out);
        for (size_t r = 0; r < tensor_count(x) / in; r++)
            for (size_t k = 0; k < out; k++)
                y[r * out + k] += cpu_data(x)[r * in + i] * row[k];
    }
}

const CpuOperation cpu_linear_transposed = { linear_transposed_run, linear_transposed_scratch };

/* ---- group norm ---- */

enum { MOMENTS_PIECE = 1 << 16 }; /* elements that one task looks at */

typedef struct {
    const Cpu   *cpu;
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
    task->cpu->kernels->moments(&moments[0], &moments[1],
                                    task->x + (size_t)(index / task->across) * task->plane + first,
                                    count);
}

/* Mean and variance of one group from those of its pieces (Chan et al. 1983, equation 2.1). */
static void join_moments(const MomentsTask *task, size_t channel, size_t channels, double *center,
                         double *variance)
{
    double all = 0, middle = 0, spread = 0;
    /* Pieces in the order they lie in: the sum would differ in its last bits if whoever was ready
     * first came first. */
    for (size_t i = channel * (size_t)task->across; i < (channel + channels) * (size_t)task->across;
         i++) {
        size_t first = i % (size_t)task->across * MOMENTS_PIECE;
        double n =
            (double)(task->plane - first < MOMENTS_PIECE ? task->plane - first : MOMENTS_PIECE);
        double step = task->moments[2 * i] - middle, total = all + n;
        spread += task->moments[2 * i + 1] + step * step * all * n / total;
        middle += step * n / total;
        all = total;
    }
    *center = middle;
    *variance = spread / all;
}

static MomentsTask moments_task(const Cpu *cpu, Compute *compute, Tensor x)
{
    MomentsTask task = { .cpu = cpu, .compute = compute, .plane = (size_t)x.h * (size_t)x.w };
    task.across = (int)((task.plane + MOMENTS_PIECE - 1) / MOMENTS_PIECE);
    return task;
}

/* Doubles first: moments [n * c * across][2], then gain [c] and bias [c]. */
static size_t moments_count(const MomentsTask *task, Tensor x)
{
    return 2 * (size_t)x.n * (size_t)x.c * (size_t)task->across;
}

static size_t group_norm_scratch(const Cpu *cpu, const Operation *operation)
{
    MomentsTask task = moments_task(cpu, NULL, operation->x);
    return moments_count(&task, operation->x) * sizeof *task.moments +
           2 * (size_t)operation->x.c * sizeof(float);
}

static void group_norm_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                           void *scratch)
{
    Tensor      x = operation->x;
    const Norm *norm = operation->group_norm.norm;
    MomentsTask task = moments_task(cpu, compute, x);
    float      *scale = cpu_data(operation->y), *shift = cpu_data(operation->group_norm.shift);
    task.x = cpu_data(x);
    task.moments = scratch;
    float *gain = (float *)(void *)(task.moments + moments_count(&task, x)), *bias = gain + x.c;
    parallel_for(cpu->threads, x.n * x.c * task.across, moments_piece, &task);
    weight_convert(cpu->kernels, gain, &norm->gain, 0, (size_t)x.c);
    weight_convert(cpu->kernels, bias, &norm->bias, 0, (size_t)x.c);
    int groups = operation->group_norm.groups, width = x.c / groups;
    for (int i = 0; i < x.n * groups && !compute_stopped(compute); i++) {
        double center, variance;
        join_moments(&task, (size_t)i * (size_t)width, (size_t)width, &center, &variance);
        /* In double up to here, because center * factor * gain can be large against the shift that
         * is left: rounded earlier, a channel far from 0 would lose digits. */
        double factor = 1 / sqrt(variance + (double)operation->group_norm.eps);
        for (int j = 0; j < width; j++) {
            int    c = i % groups * width + j;
            size_t to = (size_t)i * (size_t)width + (size_t)j;
            scale[to] = (float)(factor * (double)gain[c]);
            shift[to] = (float)((double)bias[c] - center * factor * (double)gain[c]);
        }
    }
}

const CpuOperation cpu_group_norm_prepare = { group_norm_run, group_norm_scratch };

/* ---- layer norm ---- */

typedef struct {
    const Cpu   *cpu;
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
        task->cpu->kernels->layer_norm(task->y + (size_t)i * (size_t)task->d,
                                           task->x + (size_t)i * (size_t)task->d, task->gain,
                                           task->bias, task->d, task->eps);
}

static size_t layer_norm_scratch(const Cpu *cpu, const Operation *operation)
{
    (void)cpu;
    return 2 * (size_t)operation->x.w * sizeof(float);
}

static void layer_norm_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                           void *scratch)
{
    Tensor      x = operation->x;
    const Norm *norm = operation->layer_norm.norm;
    float      *gain = scratch, *bias = gain + x.w;
    RowsTask    task = { .cpu = cpu, .compute = compute, .y = cpu_data(operation->y),
                         .x = cpu_data(x), .gain = gain, .bias = bias, .rows = x.n * x.c * x.h,
                         .d = x.w, .piece = rows_of_piece(x.w), .eps = operation->layer_norm.eps };
    weight_convert(cpu->kernels, gain, &norm->gain, 0, (size_t)x.w);
    weight_convert(cpu->kernels, bias, &norm->bias, 0, (size_t)x.w);
    parallel_for(cpu->threads, pieces(task.rows, task.piece), layer_norm_rows, &task);
}

const CpuOperation cpu_layer_norm = { layer_norm_run, layer_norm_scratch };

/* ---- element by element ---- */

static void geglu_rows(void *data, int index, int worker)
{
    const RowsTask *task = data;
    if (!compute_goes_on(task->compute, worker))
        return;
    int last = at_most(task->rows, (index + 1) * task->piece);
    for (int i = index * task->piece; i < last; i++)
        task->cpu->kernels->geglu(task->y + (size_t)i * (size_t)task->d,
                                      task->x + 2 * (size_t)i * (size_t)task->d, task->d);
}

static void geglu_run(const Cpu *cpu, Compute *compute, const Operation *operation, void *scratch)
{
    Tensor   y = operation->y;
    RowsTask task = { .cpu = cpu, .compute = compute, .y = cpu_data(y), .x = cpu_data(operation->x),
                      .rows = y.n * y.c * y.h, .d = y.w, .piece = rows_of_piece(y.w) };
    (void)scratch;
    parallel_for(cpu->threads, pieces(task.rows, task.piece), geglu_rows, &task);
}

const CpuOperation cpu_geglu = { geglu_run, NULL };

typedef struct {
    const Cpu   *cpu;
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
    task->cpu->kernels->activate(task->y + first, task->x + first, count,
                                     task->scale ? task->scale[plane] : 1,
                                     task->shift ? task->shift[plane] : 0, task->activation);
}

/* Of `planes` planes with `plane` elements each, all pieces. */
static void run_planes(PlanesTask *task, int planes, void (*piece)(void *data, int i, int worker))
{
    task->across = (int)((task->plane + ROWS_PIECE - 1) / ROWS_PIECE);
    parallel_for(task->cpu->threads, planes * task->across, piece, task);
}

static void affine_run(const Cpu *cpu, Compute *compute, const Operation *operation, void *scratch)
{
    Tensor     x = operation->x;
    PlanesTask task = { .cpu = cpu, .compute = compute, .y = cpu_data(operation->y),
                        .x = cpu_data(x), .scale = cpu_data(operation->affine.scale),
                        .shift = cpu_data(operation->affine.shift),
                        .plane = (size_t)x.h * (size_t)x.w,
                        .activation = operation->affine.activation };
    (void)scratch;
    run_planes(&task, x.n * x.c, activate_piece);
}

const CpuOperation cpu_affine = { affine_run, NULL };

static void activate_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                         void *scratch)
{
    PlanesTask task = { .cpu = cpu, .compute = compute, .y = cpu_data(operation->y),
                        .x = cpu_data(operation->x), .plane = tensor_count(operation->x),
                        .activation = operation->affine.activation };
    (void)scratch;
    run_planes(&task, 1, activate_piece);
}

const CpuOperation cpu_activate = { activate_run, NULL };

static void add_piece(void *data, int index, int worker)
{
    const PlanesTask *task = data;
    if (!compute_goes_on(task->compute, worker))
        return;
    size_t count, first = piece_of(task, index, &count);
    task->cpu->kernels->add(task->y + first, task->x + first, count);
}

static void add_run(const Cpu *cpu, Compute *compute, const Operation *operation, void *scratch)
{
    PlanesTask task = { .cpu = cpu, .compute = compute, .y = cpu_data(operation->y),
                        .x = cpu_data(operation->x), .plane = tensor_count(operation->x) };
    (void)scratch;
    run_planes(&task, 1, add_piece);
}

const CpuOperation cpu_add = { add_run, NULL };

/* ---- tokens and images ---- */

/* A cache line of x has 16 numbers, of 16 columns: its 64 rows are used up before they are left. */
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

static void transpose(const Cpu *cpu, Compute *compute, const Operation *operation, int n,
                      int rows, int columns, bool accumulate)
{
    TransposeTask task = { compute, cpu_data(operation->y), cpu_data(operation->x), rows, columns,
                           pieces(rows, TRANSPOSE_ROWS), accumulate };
    parallel_for(cpu->threads, n * task.across, transpose_strip, &task);
}

/* Channels are the rows here: [c, h*w] becomes [h*w, c]. */
static void image_to_tokens_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                                void *scratch)
{
    Tensor x = operation->x;
    (void)scratch;
    transpose(cpu, compute, operation, x.n, x.c, x.h * x.w, false);
}

const CpuOperation cpu_image_to_tokens = { image_to_tokens_run, NULL };

static void tokens_to_image_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                                void *scratch)
{
    Tensor y = operation->y;
    (void)scratch;
    transpose(cpu, compute, operation, y.n, y.h * y.w, y.c, operation->accumulate);
}

const CpuOperation cpu_tokens_to_image = { tokens_to_image_run, NULL };
