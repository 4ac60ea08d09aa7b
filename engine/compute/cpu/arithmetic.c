/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is no layer: moving numbers, the samplers' arithmetic, embeddings, answers, in and out.
 * Plain loops, in an order that is fixed: next to a network's layers they cost nothing. */
#include "../layers.h"

#include "cpu.h"

#include <math.h>
#include <string.h>

/* ---- moving numbers -------------------------------------------------------------------------- */

enum { COPY_PIECE = 1 << 16 /* elements that one task moves, about */ };

typedef struct {
    Tensor y, x; /* x.n 0: y is filled */
    float  value;
    int    rows, piece; /* rows of all planes, and of a task */
} MoveTask;

/* Row `index` of all planes; a view's planes and items need not follow each other. */
static float *row_of(Tensor x, int index)
{
    int plane = index / x.h;
    return cpu_data(x) + (size_t)(plane / x.c) * x.item + (size_t)(plane % x.c) * x.plane +
           (size_t)(index % x.h) * x.row;
}

static void move_rows(void *data, int index, int worker)
{
    const MoveTask *task = data;
    int             last = (index + 1) * task->piece;
    (void)worker;
    for (int i = index * task->piece; i < last && i < task->rows; i++) {
        float *to = row_of(task->y, i);
        if (task->x.n) {
            memcpy(to, row_of(task->x, i), (size_t)task->y.w * sizeof *to);
        } else {
            for (int k = 0; k < task->y.w; k++)
                to[k] = task->value;
        }
    }
}

/* Planes that are whole on both sides move as one row each; a small tensor, on this thread. */
static void move(const Cpu *cpu, MoveTask *task)
{
    Tensor *y = &task->y, *x = &task->x;
    bool    flat = y->row == (size_t)y->w && (x->n == 0 || x->row == (size_t)x->w);
    if (flat && (size_t)y->h * (size_t)y->w <= COPY_PIECE) {
        y->w = x->w = y->h * y->w;
        y->h = x->h = 1;
    }
    task->rows = y->n * y->c * y->h;
    task->piece = y->w >= COPY_PIECE ? 1 : COPY_PIECE / y->w;
    int tasks = (task->rows + task->piece - 1) / task->piece;
    if (tasks == 1)
        move_rows(task, 0, 0);
    else
        parallel_for(cpu->threads, tasks, move_rows, task);
}

static void copy_run(const Cpu *cpu, Compute *compute, const Operation *operation, void *scratch)
{
    (void)compute, (void)scratch;
    move(cpu, &(MoveTask){ .y = operation->y, .x = operation->x });
}

const CpuOperation cpu_copy = { copy_run, NULL };

static void fill_run(const Cpu *cpu, Compute *compute, const Operation *operation, void *scratch)
{
    (void)compute, (void)scratch;
    move(cpu, &(MoveTask){ .y = operation->y, .value = operation->value });
}

const CpuOperation cpu_fill = { fill_run, NULL };

/* ---- arithmetic ------------------------------------------------------------------------------ */

static void map_run(const Cpu *cpu, Compute *compute, const Operation *operation, void *scratch)
{
    float        a = operation->map.a, b = operation->map.b;
    float       *y = cpu_data(operation->y);
    const float *x = cpu_data(operation->x);
    size_t       count = tensor_count(operation->y);
    (void)cpu, (void)compute, (void)scratch;
    switch (operation->map.function) {
    case MAP_MULTIPLY:
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] * a;
        break;
    /* Not times 1 / a, which is rounded twice. */
    case MAP_DIVIDE:
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] / a;
        break;
    case MAP_LINEAR:
        for (size_t i = 0; i < count; i++)
            y[i] = a * x[i] + b;
        break;
    case MAP_SOFT_BOUND:
        for (size_t i = 0; i < count; i++)
            y[i] = a * tanhf(x[i] / a);
        break;
    }
}

const CpuOperation cpu_map = { map_run, NULL };

static void multiply_rows_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                              void *scratch)
{
    Tensor y = operation->y;
    float *row = cpu_data(y);
    (void)cpu, (void)compute, (void)scratch;
    for (int i = 0; i < y.n * y.c * y.h; i++, row += y.w)
        for (int k = 0; k < y.w; k++)
            row[k] *= operation->factors[i];
}

const CpuOperation cpu_multiply_rows = { multiply_rows_run, NULL };

/* An element of every x is read before that of y is written, so y may be any of them. */
static void combine_run(const Cpu *cpu, Compute *compute, const Operation *operation, void *scratch)
{
    const Term  *terms = operation->combine.terms;
    int          n = operation->combine.count;
    const float *x[COMBINE_MAX_TERMS];
    float       *y = cpu_data(operation->y);
    (void)cpu, (void)compute, (void)scratch;
    for (int k = 0; k < n; k++)
        x[k] = cpu_data(terms[k].x);
    for (size_t i = 0; i < tensor_count(operation->y); i++) {
        double sum = terms[0].factor * (double)x[0][i];
        for (int k = 1; k < n; k++)
            sum += terms[k].factor * (double)x[k][i];
        y[i] = (float)sum;
    }
}

const CpuOperation cpu_combine = { combine_run, NULL };

static void add_difference_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                               void *scratch)
{
    double       factor = operation->difference.factor;
    float       *y = cpu_data(operation->y);
    const float *x = cpu_data(operation->x), *z = cpu_data(operation->difference.z);
    (void)cpu, (void)compute, (void)scratch;
    for (size_t i = 0; i < tensor_count(operation->y); i++)
        y[i] = (float)((double)y[i] + factor * ((double)x[i] - (double)z[i]));
}

const CpuOperation cpu_add_difference = { add_difference_run, NULL };

/* A mean over a latent's pixels is seldom 1 itself, hence 0.99. At the last step the threshold is
 * 0, and what the mask has as 0 is kept all the same. */
static bool painted(float mask, double threshold)
{
    return mask > 0.99f || (mask > 0 && (double)mask >= threshold);
}

static void keep_known_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                           void *scratch)
{
    double       threshold = operation->known.threshold, amount = operation->known.amount;
    size_t       plane = (size_t)operation->y.h * (size_t)operation->y.w;
    float       *y = cpu_data(operation->y);
    const float *x = cpu_data(operation->x), *mask = cpu_data(operation->known.mask);
    const float *source = cpu_data(operation->known.source);
    const float *noise = cpu_data(operation->known.noise);
    (void)cpu, (void)compute, (void)scratch;
    /* One mask for all channels. */
    for (size_t i = 0; i < tensor_count(operation->y); i++)
        y[i] = painted(mask[i % plane], threshold)
                   ? x[i]
                   : (float)((double)source[i] + amount * (double)noise[i]);
}

const CpuOperation cpu_keep_known = { keep_known_run, NULL };

/* ---- embeddings ------------------------------------------------------------------------------ */

static size_t embed_tokens_scratch(const Cpu *cpu, const Operation *operation)
{
    (void)cpu;
    return (size_t)operation->y.w * sizeof(float);
}

static void embed_tokens_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                             void *scratch)
{
    size_t        d = (size_t)operation->y.w, rows = tensor_count(operation->y) / d;
    const Weight *positions = operation->embed_tokens.positions;
    float        *y = cpu_data(operation->y), *position = scratch;
    (void)compute;
    for (size_t i = 0; i < rows; i++, y += d) {
        weight_convert(cpu->kernels, y, operation->embed_tokens.table,
                       (size_t)operation->embed_tokens.tokens[i] * d, d);
        if (!positions)
            continue;
        weight_convert(cpu->kernels, position, positions, i * d, d);
        for (size_t k = 0; k < d; k++)
            y[k] += position[k];
    }
}

const CpuOperation cpu_embed_tokens = { embed_tokens_run, embed_tokens_scratch };

static void embed_numbers_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                              void *scratch)
{
    int    d = operation->y.w, half = d / 2, rows = (int)(tensor_count(operation->y) / (size_t)d);
    float *y = cpu_data(operation->y);
    (void)cpu, (void)compute, (void)scratch;
    memset(y, 0, tensor_bytes(operation->y));
    for (int i = 0; i < rows; i++, y += d)
        for (int k = 0; k < half; k++) {
            double number = operation->embed_numbers.numbers[i];
            double frequency = exp(-log(10000.0) * k / half), angle = number * frequency;
            if (operation->embed_numbers.rounded)
                angle = (double)((float)number * (float)frequency);
            y[k] = (float)cos(angle);
            y[half + k] = (float)sin(angle);
        }
}

const CpuOperation cpu_embed_numbers = { embed_numbers_run, NULL };

/* ---- answers --------------------------------------------------------------------------------- */

/* One thread and one sum, so that its bits are fixed; latents are small. */
static void mean_run(const Cpu *cpu, Compute *compute, const Operation *operation, void *scratch)
{
    const float *x = cpu_data(operation->x);
    size_t       count = tensor_count(operation->x);
    double       sum = 0;
    (void)cpu, (void)compute, (void)scratch;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i];
    *operation->number = sum / (double)count;
}

const CpuOperation cpu_mean = { mean_run, NULL };

/* In two passes, and divided by the count, not by one less as torch.std does. */
static void deviation_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                          void *scratch)
{
    const float *x = cpu_data(operation->x);
    size_t       count = tensor_count(operation->x);
    double       center = 0, squares = 0;
    (void)cpu, (void)compute, (void)scratch;
    for (size_t i = 0; i < count; i++)
        center += (double)x[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += ((double)x[i] - center) * ((double)x[i] - center);
    *operation->number = sqrt(squares / (double)count);
}

const CpuOperation cpu_deviation = { deviation_run, NULL };

static void all_finite_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                           void *scratch)
{
    const float *x = cpu_data(operation->x);
    size_t       count = tensor_count(operation->x), i = 0;
    (void)cpu, (void)compute, (void)scratch;
    while (i < count && isfinite(x[i]))
        i++;
    *operation->truth = i == count;
}

const CpuOperation cpu_all_finite = { all_finite_run, NULL };

/* ---- in and out ------------------------------------------------------------------------------ */

/* Host and device share their memory here: nothing is copied on the way. */
static void upload_run(const Cpu *cpu, Compute *compute, const Operation *operation, void *scratch)
{
    (void)cpu, (void)compute, (void)scratch;
    operation->upload.fill(operation->upload.user, cpu_data(operation->y));
}

const CpuOperation cpu_upload = { upload_run, NULL };

static void read_run(const Cpu *cpu, Compute *compute, const Operation *operation, void *scratch)
{
    (void)cpu, (void)compute, (void)scratch;
    operation->read.take(operation->read.user, cpu_data(operation->x));
}

const CpuOperation cpu_read = { read_run, NULL };
