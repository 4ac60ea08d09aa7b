/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weights by name.  A network describes itself in one walk: each layer asks the binder for what it
 * needs, in the shape it needs, and gets a view; what is missing, or of another shape, is counted and
 * listed.  So what inspect tells and what a run uses cannot differ.
 *
 * A walk never stops at a fault: it must not follow a weight, only its own numbers, and those are
 * bounded (config.h) before it begins.  Names are the LDM names of checkpoint.h. */
#pragma once

#include "../compute/layers.h"
#include "../weights/checkpoint.h"

enum { BINDER_LIST_SIZE = 640 };

typedef struct {
    const Checkpoint *checkpoint;
    CheckpointPart    part;                   /* that the names are of */
    WeightStore      *store;                  /* that is told each weight; NULL: none */
    int               faults;                 /* tensors missing or wrong, numbers that do not fit */
    bool              no_memory;              /* what was found is not all: try again */
    char              list[BINDER_LIST_SIZE]; /* the first three faults, as text */
} Binder;

/* To collect what is missing, with networks that end with the walk. */
void binder_init(Binder *binder, const Checkpoint *checkpoint, CheckpointPart part);
/* To bind a network that stays: its weights can be changed by name from now on (weight_store.h), until it
 * forgets them at its end. */
void binder_init_store(Binder *binder, const Checkpoint *checkpoint, CheckpointPart part);

/* Each fills its layer and takes the name as in printf(); without data where there is a fault.
 *   weight  [d0, d1, d2, d3]; trailing dimensions of 1 do not count */
__attribute__((format(printf, 7, 8))) void binder_weight(Binder *binder, Weight *weight, int d0, int d1,
                                                         int d2, int d3, const char *format, ...);
/* NAME.weight [out, in] (or a 1x1 convolution's), NAME.bias [out] */
__attribute__((format(printf, 5, 6))) void binder_linear(Binder *binder, Linear *layer, int in, int out,
                                                         const char *format, ...);
/* The same without a bias. */
__attribute__((format(printf, 5, 6))) void binder_matrix(Binder *binder, Linear *layer, int in, int out,
                                                         const char *format, ...);
/* NAME.weight [out, in, kernel, kernel], NAME.bias [out] */
__attribute__((format(printf, 6, 7))) void binder_conv(Binder *binder, Conv *layer, int in, int out,
                                                       int kernel, const char *format, ...);
/* NAME.weight [c], NAME.bias [c] */
__attribute__((format(printf, 4, 5))) void binder_norm(Binder *binder, Norm *norm, int c,
                                                       const char *format, ...);

/* Whatever else is wrong with the model, as half a sentence. */
__attribute__((format(printf, 2, 3))) void binder_fault(Binder *binder, const char *format, ...);
/* Do all of these widths divide into norm groups?  One fault at most. */
void binder_groups(Binder *binder, const char *network, const int *channels, int count, int groups);

/* Zeroed memory for `count` (>= 1) layers, the caller frees; NULL: none, which is no fault of the file. */
void *binder_new(Binder *binder, size_t count, size_t size);

/* The list, with how many more there are; "" without faults. */
const char *binder_faults(Binder *binder);
/* True without faults; else false with the sentence "PATH: cannot be run: …". */
bool binder_finish(Binder *binder, EngineError *error);
