/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Softmax attention in blocks: scores of some queries with some keys are formed, turned into
 * weights against the largest score so far, and spent, before the next keys are looked at. */
#include "../layers.h"

#include "cpu.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    QUERIES = 128, /* that one task has, in groups of the kernel's lanes */
    KEYS = 128,    /* at once, of narrow heads: keys, values and weights stay in the first caches */
    KEYS_OF_WIDE = 32,
    WIDE = 160,
    MAX_LANES = 64,
};

typedef struct {
    const Cpu   *cpu;
    Compute     *compute;
    float       *y;
    const float *q, *k, *v;
    int          tq, tk, heads, width, q_stride, kv_stride;
    bool         causal;
    int          across;  /* tasks of a head */
    float       *scratch; /* [worker][scratch_count()] */
} AttentionTask;

/* One thread's memory: queries and sums of all groups of a task. */
typedef struct {
    float *q, *y;     /* [group][width, lanes] */
    float *max, *sum; /* [group][lanes] */
    float *weights;   /* [KEYS, lanes] */
} Block;

/* QUERIES is a multiple of every kernel's lanes, so groups of any width fit. */
static size_t scratch_count(int width)
{
    return 2 * (size_t)QUERIES * (size_t)width + 2 * QUERIES + (size_t)KEYS * MAX_LANES;
}

static Block block_of(const AttentionTask *task, int worker)
{
    Block block;
    block.q = task->scratch + (size_t)worker * scratch_count(task->width);
    block.y = block.q + (size_t)QUERIES * (size_t)task->width;
    block.max = block.y + (size_t)QUERIES * (size_t)task->width;
    block.sum = block.max + QUERIES;
    block.weights = block.sum + QUERIES;
    return block;
}

/* Queries side by side, scaled; lanes without a query are zeros. */
static void begin_block(const AttentionTask *task, const Block *block, const float *q, int rows,
                        int groups)
{
    int   lanes = task->cpu->kernels->lanes;
    float scale = 1 / sqrtf((float)task->width);
    for (int i = 0; i < groups * lanes; i++) {
        float *to = block->q + (size_t)(i / lanes * lanes) * (size_t)task->width + i % lanes;
        for (int j = 0; j < task->width; j++, to += lanes)
            /* The scale is in q, once, and not in each of the tq * tk scores. */
            *to = i < rows ? q[(size_t)i * (size_t)task->q_stride + (size_t)j] * scale : 0;
        block->max[i] = -INFINITY;
        block->sum[i] = 0;
    }
    memset(block->y, 0, (size_t)(groups * lanes) * (size_t)task->width * sizeof *block->y);
}

/* The sums are at least about 1, because the largest score has weight exp(0): nothing is divided by
 * 0. */
static void end_block(const AttentionTask *task, const Block *block, float *y, int rows)
{
    int    lanes = task->cpu->kernels->lanes;
    size_t stride = (size_t)task->heads * (size_t)task->width;
    for (int i = 0; i < rows; i++) {
        const float *from =
            block->y + (size_t)(i / lanes * lanes) * (size_t)task->width + i % lanes;
        float factor = 1 / block->sum[i];
        for (int j = 0; j < task->width; j++, from += lanes)
            y[(size_t)i * stride + (size_t)j] = *from * factor;
    }
}

/* All groups spend some keys before the next keys are looked at, so k and v come from memory once
 * for QUERIES queries and not once for each group. Tasks of one head follow each other. */
static void attention_block(void *data, int index, int worker)
{
    const AttentionTask *task = data;
    const Kernels       *kernels = task->cpu->kernels;
    Block                block = block_of(task, worker);
    size_t               head = (size_t)(index / task->across) * (size_t)task->width;
    int                  first = index % task->across * QUERIES;
    int                  rows = task->tq - first < QUERIES ? task->tq - first : QUERIES;
    /* Keys behind the last query of a causal task are never looked at. */
    int                  last = task->causal && first + rows < task->tk ? first + rows : task->tk;
    int                  lanes = kernels->lanes, groups = (rows + lanes - 1) / lanes;
    int                  step = task->width > WIDE ? KEYS_OF_WIDE : KEYS;
    begin_block(task, &block, task->q + (size_t)first * (size_t)task->q_stride + head, rows,
                groups);
    for (int from = 0; from < last; from += step) {
        if (from % 512 == 0 && !compute_goes_on(task->compute, worker))
            return;
        int    count = last - from < step ? last - from : step;
        size_t key = (size_t)from * (size_t)task->kv_stride + head;
        for (int i = 0; i < groups; i++)
            kernels->attend(block.y + (size_t)(i * lanes) * (size_t)task->width,
                            block.max + i * lanes, block.sum + i * lanes, block.weights,
                            block.q + (size_t)(i * lanes) * (size_t)task->width, task->k + key,
                            task->v + key, task->kv_stride, count, task->width,
                            task->causal ? first + i * lanes + 1 - from : count);
    }
    end_block(task, &block,
              task->y + (size_t)first * (size_t)task->heads * (size_t)task->width + head, rows);
}

static size_t attention_scratch(const Cpu *cpu, const Operation *operation)
{
    int width = operation->y.w / operation->attention.heads;
    return sizeof(float) * scratch_count(width) * (size_t)threads_count(cpu->threads);
}

static void attention_run(const Cpu *cpu, Compute *compute, const Operation *operation,
                          void *scratch)
{
    Tensor        y = operation->y, q = operation->x, k = operation->attention.k;
    int           heads = operation->attention.heads;
    AttentionTask task = { .cpu = cpu,
                           .compute = compute,
                           .y = cpu_data(y),
                           .q = cpu_data(q),
                           .k = cpu_data(k),
                           .v = cpu_data(operation->attention.v),
                           .tq = y.h,
                           .tk = k.h,
                           .heads = heads,
                           .width = y.w / heads,
                           .q_stride = (int)q.row,
                           .kv_stride = (int)k.row,
                           .causal = operation->attention.causal,
                           .across = (y.h + QUERIES - 1) / QUERIES,
                           .scratch = scratch };
    assert(QUERIES % cpu->kernels->lanes == 0 && cpu->kernels->lanes <= MAX_LANES);
    parallel_for(cpu->threads, heads * task.across, attention_block, &task);
}

const CpuOperation cpu_attention = { attention_run, attention_scratch };
