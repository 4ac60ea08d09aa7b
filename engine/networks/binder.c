/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "binder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file of another kind lacks hundreds of tensors: three names tell which, in a sentence that can
 * still be read in a dialog. */
enum { SHOWN = 3, NAME_SIZE = 200 };

/* The name that a layer is asked for; one that is cut is found nowhere and so becomes a fault. */
#define FORMAT_NAME(name, format)                                                                  \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        vsnprintf(name, sizeof name, format, arguments);                                           \
        va_end(arguments);                                                                         \
    } while (0)

void binder_init(Binder *binder, const Checkpoint *checkpoint, CheckpointPart part)
{
    *binder = (Binder){ .checkpoint = checkpoint, .part = part };
}

void binder_init_store(Binder *binder, const Checkpoint *checkpoint, CheckpointPart part)
{
    binder_init(binder, checkpoint, part);
    binder->store = checkpoint_weights(checkpoint);
    weight_store_forget(binder->store, part);
}

void binder_fault(Binder *binder, const char *format, ...)
{
    size_t  at = strlen(binder->list);
    va_list arguments;
    if (binder->faults++ >= SHOWN)
        return;
    if (at > 0 && at < BINDER_LIST_SIZE - 3)
        at += (size_t)snprintf(binder->list + at, BINDER_LIST_SIZE - at, "; ");
    va_start(arguments, format);
    vsnprintf(binder->list + at, BINDER_LIST_SIZE - at, format, arguments);
    va_end(arguments);
}

/* Finds one tensor; d1 … d3 are 1 where it has no such dimension. */
static void bind(Binder *binder, Weight *weight, const char *name, const char *suffix, int d0, int d1,
                 int d2, int d3)
{
    char        whole[NAME_SIZE + 16], file_name[256];
    int         shape[TENSOR_MAX_RANK];
    EngineError error = { 0 };
    snprintf(whole, sizeof whole, "%s%s", name, suffix);
    if (checkpoint_bind(binder->checkpoint, binder->part, whole, weight, d0, d1, d2, d3, &error)) {
        if (binder->store && !weight_store_add(binder->store, binder->part, whole, weight))
            binder->no_memory = true;
        return;
    }
    /* No data, but the shape that was asked for: the walk goes on to the next fault, and no walk
     * looks into a weight. */
    *weight = (Weight){ .shape = { d0, d1, d2, d3 } };
    checkpoint_file_name(binder->checkpoint, binder->part, whole, file_name);
    if (!checkpoint_entry(binder->checkpoint, binder->part, whole))
        binder_fault(binder, "'%.120s' is missing", file_name);
    else if (checkpoint_has(binder->checkpoint, binder->part, whole, shape) &&
             (shape[0] != d0 || shape[1] != d1 || shape[2] != d2 || shape[3] != d3))
        binder_fault(binder, "'%.120s' is [%d, %d, %d, %d] and should be [%d, %d, %d, %d]", file_name,
                     shape[0], shape[1], shape[2], shape[3], d0, d1, d2, d3);
    else
        binder_fault(binder, "'%.120s' cannot be computed with", file_name);
}

void binder_weight(Binder *binder, Weight *weight, int d0, int d1, int d2, int d3, const char *format,
                   ...)
{
    char name[NAME_SIZE];
    FORMAT_NAME(name, format);
    bind(binder, weight, name, "", d0, d1, d2, d3);
}

void binder_linear(Binder *binder, Linear *layer, int in, int out, const char *format, ...)
{
    char name[NAME_SIZE];
    FORMAT_NAME(name, format);
    bind(binder, &layer->weight, name, ".weight", out, in, 1, 1);
    bind(binder, &layer->bias, name, ".bias", out, 1, 1, 1);
}

void binder_matrix(Binder *binder, Linear *layer, int in, int out, const char *format, ...)
{
    char name[NAME_SIZE];
    FORMAT_NAME(name, format);
    bind(binder, &layer->weight, name, ".weight", out, in, 1, 1);
    /* Without data it is not added. */
    layer->bias = (Weight){ 0 };
}

void binder_conv(Binder *binder, Conv *layer, int in, int out, int kernel, const char *format, ...)
{
    char name[NAME_SIZE];
    FORMAT_NAME(name, format);
    bind(binder, &layer->weight, name, ".weight", out, in, kernel, kernel);
    bind(binder, &layer->bias, name, ".bias", out, 1, 1, 1);
}

void binder_norm(Binder *binder, Norm *norm, int c, const char *format, ...)
{
    char name[NAME_SIZE];
    FORMAT_NAME(name, format);
    bind(binder, &norm->gain, name, ".weight", c, 1, 1, 1);
    bind(binder, &norm->bias, name, ".bias", c, 1, 1, 1);
}

void binder_groups(Binder *binder, const char *network, const int *channels, int count, int groups)
{
    for (int i = 0; i < count; i++)
        if (groups <= 0 || channels[i] % groups) {
            binder_fault(binder, "the %s's %d channels do not divide into %d norm groups", network,
                         channels[i], groups);
            return;
        }
}

void *binder_new(Binder *binder, size_t count, size_t size)
{
    void *memory = calloc(count, size);
    binder->no_memory = binder->no_memory || !memory;
    return memory;
}

const char *binder_faults(Binder *binder)
{
    size_t at = strlen(binder->list);
    if (binder->faults > SHOWN)
        snprintf(binder->list + at, BINDER_LIST_SIZE - at, "; and %d more", binder->faults - SHOWN);
    return binder->list;
}

bool binder_finish(Binder *binder, EngineError *error)
{
    const char *path = checkpoint_path(binder->checkpoint);
    if (binder->no_memory)
        return fail(error, ENGINE_OUT_OF_MEMORY, "%s: There is not enough memory for the model.", path);
    return binder->faults == 0 ||
           fail(error, ENGINE_UNSUPPORTED, "%s: cannot be run: %s", path, binder_faults(binder));
}
