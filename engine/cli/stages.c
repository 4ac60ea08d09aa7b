/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stages.h"

#include "../files/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_but_first(const Stage *stage, int rank, const int *shape)
{
    if (stage->rank != rank)
        return false;
    for (int i = 1; i < rank; i++)
        if (stage->shape[i] != (uint64_t)shape[i])
            return false;
    return true;
}

static Stage *new_stage(Stages *stages, const char *name, int rank, const int *shape)
{
    if (stages->count == stages->capacity) {
        size_t capacity = stages->capacity ? 2 * stages->capacity : 64;
        Stage *items = realloc(stages->items, capacity * sizeof *items);
        if (!items)
            return NULL;
        stages->items = items;
        stages->capacity = capacity;
    }
    Stage *stage = &stages->items[stages->count];
    *stage = (Stage){ .name = strdup(name), .rank = rank };
    if (!stage->name)
        return NULL;
    for (int i = 1; i < rank; i++)
        stage->shape[i] = (uint64_t)shape[i];
    stages->count++;
    return stage;
}

void stages_keep(Stages *stages, const char *name, const float *data, int rank, const int *shape)
{
    Stage *stage = NULL;
    char   other[96];
    snprintf(other, sizeof other, "%s", name);
    for (int twin = 2; !stage; twin++) {
        bool taken = false;
        for (size_t i = 0; i < stages->count && !stage && !taken; i++) {
            taken = strcmp(stages->items[i].name, other) == 0;
            if (taken && same_but_first(&stages->items[i], rank, shape))
                stage = &stages->items[i];
        }
        if (!stage && !taken)
            stage = new_stage(stages, other, rank, shape);
        if (!stage && !taken) {
            stages->out_of_memory = true;
            return;
        }
        snprintf(other, sizeof other, "%s@%d", name, twin);
    }
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    float *grown = realloc(stage->data, (stage->count + count) * sizeof *grown);
    if (!grown) {
        stages->out_of_memory = true;
        return;
    }
    memcpy(grown + stage->count, data, count * sizeof *grown);
    stage->data = grown;
    stage->count += count;
    stage->shape[0] += (uint64_t)shape[0];
}

bool stages_write(const Stages *stages, const char *path, EngineError *error)
{
    SafetensorsItem *items = calloc(stages->count ? stages->count : 1, sizeof *items);
    if (!items || stages->out_of_memory) {
        free(items);
        return fail(error, ENGINE_OUT_OF_MEMORY,
                    "%s: there is not enough memory to keep every stage; use fewer steps.", path);
    }
    for (size_t i = 0; i < stages->count; i++) {
        items[i] = (SafetensorsItem){ .name = stages->items[i].name,
                                      .rank = stages->items[i].rank,
                                      .type = TYPE_F32,
                                      .data = stages->items[i].data };
        memcpy(items[i].shape, stages->items[i].shape, sizeof stages->items[i].shape);
    }
    bool ok = safetensors_write(path, items, stages->count, error);
    free(items);
    return ok;
}

void stages_clear(Stages *stages)
{
    for (size_t i = 0; i < stages->count; i++) {
        free(stages->items[i].name);
        free(stages->items[i].data);
    }
    free(stages->items);
    *stages = (Stages){ 0 };
}
