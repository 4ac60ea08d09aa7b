/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps what EngineRequest.observe is given, for --save-stages. */
#pragma once

#include "../base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char    *name;
    int      rank;
    uint64_t shape[4];
    float   *data;
    size_t   count;
} Stage;

/* Zero it first; stages_clear() frees it. */
typedef struct {
    Stage *items;
    size_t count, capacity;
    bool   out_of_memory;
} Stages;

/* Adds a tensor.  A name that is there already with the same shape but for the first dimension
 * (the next picture of a batch) is appended to along it; with another shape it is kept as
 * "name@2", "name@3" … */
void stages_keep(Stages *stages, const char *name, const float *data, int rank, const int *shape);
bool stages_write(const Stages *stages, const char *path, EngineError *error);
void stages_clear(Stages *stages);
