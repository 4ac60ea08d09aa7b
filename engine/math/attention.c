/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Softmax attention in blocks: scores of some queries with some keys are formed, turned into
 * weights against the largest score so far, and spent, before the next keys are looked at. */
#include "layers.h"

#include "gemm.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    QUERIES = 128, /* rows of a block of scores */
    KEYS = 512,
};

typedef struct {
    Compute     *compute;
    float       *y;
    const float *q, *k, *v;
    int          tq, tk, heads, width, q_stride, kv_stride;
    bool         causal;
    int          queries, across; /* rows of a task; tasks of a head */
    float       *scratch;         /* [worker][scratch_count] */
} AttentionTask;

static size_t scratch_count(void)
{
    return (size_t)QUERIES * KEYS + 2 * QUERIES;
}

/* Adds keys [from, from + count) to the rows of y, which are sums of values not yet divided. */
static void add_keys(const AttentionTask *task, float *y, const float *q, size_t head, int first,
                     int rows, int from, int count, float *scores, float *max, float *sum)
{
    const Kernels *kernels = task->compute->kernels;
    int            width = task->width, y_stride = task->heads * width;
    size_t         key = (size_t)from * (size_t)task->kv_stride + head;
    gemm(kernels, scores, count, q, task->q_stride, task->k + key, task->kv_stride, true, rows,
         count, width, 1 / sqrtf((float)width), false);
    for (int i = 0; i < rows; i++) {
        float *row = scores + (size_t)i * (size_t)count;
        int    seen = count;
        if (task->causal && first + i - from + 1 < count)
            seen = first + i - from + 1;
        if (seen > 0) {
            float factor = kernels->softmax(row, seen, &max[i], &sum[i]);
            if (from > 0)
                kernels->scale(y + (size_t)i * (size_t)y_stride, factor, (size_t)width);
        } else {
            seen = 0;
        }
        memset(row + seen, 0, (size_t)(count - seen) * sizeof *row);
    }
    gemm(kernels, y, y_stride, scores, count, task->v + key, task->kv_stride, false, rows, width,
         count, 1, from > 0);
}

static void attention_block(void *data, int index, int worker)
{
    const AttentionTask *task = data;
    size_t head = (size_t)(index / task->across) * (size_t)task->width;
    int    first = index % task->across * task->queries;
    int    rows = task->tq - first < task->queries ? task->tq - first : task->queries;
    int    last = task->causal && first + rows < task->tk ? first + rows : task->tk;
    float *scores = task->scratch + (size_t)worker * scratch_count();
    float *max = scores + (size_t)QUERIES * KEYS, *sum = max + QUERIES;
    size_t       y_stride = (size_t)task->heads * (size_t)task->width;
    float       *y = task->y + (size_t)first * y_stride + head;
    const float *q = task->q + (size_t)first * (size_t)task->q_stride + head;
    for (int i = 0; i < rows; i++) {
        max[i] = -INFINITY;
        sum[i] = 0;
    }
    for (int from = 0; from < last; from += KEYS) {
        if (!compute_goes_on(task->compute, worker))
            return;
        int count = last - from < KEYS ? last - from : KEYS;
        add_keys(task, y, q, head, first, rows, from, count, scores, max, sum);
    }
    for (int i = 0; i < rows; i++)
        task->compute->kernels->scale(y + (size_t)i * y_stride, 1 / sum[i], (size_t)task->width);
}

void attention(Compute *compute, float *y, const float *q, const float *k, const float *v, int tq,
               int tk, int heads, int width, int q_stride, int kv_stride, bool causal)
{
    assert(tq > 0 && tk > 0 && heads > 0 && width > 0);
    assert(q_stride >= heads * width && kv_stride >= heads * width && (!causal || tk >= tq));
    compute->flops += 4.0 * tq * tk * heads * width;
    ArenaMark mark = arena_mark(compute->scratch);
    float    *scratch = arena_take(compute->scratch, ARENA_LOW, sizeof(float) * scratch_count() *
                                   (size_t)threads_count(compute->threads));
    if (!compute_dry(compute)) {
        int queries = tq < QUERIES ? tq : QUERIES;
        int across = (tq + queries - 1) / queries;
        AttentionTask task = { compute, y, q, k, v, tq, tk, heads, width, q_stride, kv_stride,
                               causal, queries, across, scratch };
        gemm_prepare();
        parallel_for(compute->threads, heads * across, attention_block, &task);
    }
    arena_rewind(compute->scratch, mark);
}
