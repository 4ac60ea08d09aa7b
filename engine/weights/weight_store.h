/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which weights of a model's networks are not the file's: numbers of our own in the place of mapped ones.
 *
 * A weight is mapped, and stays so, until somebody takes it by name and puts other numbers under it: the
 * sum of an add-on and the file's (merge), or the same ones in another type (own).  The file's view is kept,
 * so whatever was done can be changed or undone at any time, bit for bit, without opening anything again.
 * The store owns the numbers that it put there and frees them at the end; the networks own the weights.
 *
 * Not while a network runs: weights may change between two calls only. */
#pragma once

#include "../base/error.h"
#include "../compute/tensor.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct WeightStore WeightStore;

WeightStore *weight_store_create(void); /* NULL: no memory */
void         weight_store_destroy(WeightStore *store);

/* A network that is bound tells its weights, each by part (CheckpointPart) and LDM name.  weight is
 * borrowed until the part is forgotten, which its network's end makes necessary.  False: no memory. */
bool weight_store_add(WeightStore *store, int part, const char *name, Weight *weight);
void weight_store_forget(WeightStore *store, int part);

/* The weight of this name as the network has it; NULL where there is none. */
const Weight *weight_store_find(const WeightStore *store, int part, const char *name);
/* The numbers as the file has them, whatever was done; NULL where there is no such weight. */
const Weight *weight_store_original(const WeightStore *store, int part, const char *name);

/* One add-on's share: strength * delta is added. */
typedef struct {
    const float *delta;    /* as many as the weight has, in its order; borrowed during the call */
    float        strength;
} WeightDelta;

/* The weight becomes original + the sum of all shares, in f32, whatever was merged before; none gives the
 * original back.  False with a sentence, and the weight as it was, when there is no memory. */
bool weight_store_merge(WeightStore *store, int part, const char *name, const WeightDelta *deltas,
                        size_t count, EngineError *error);

/* Memory for the weight's count of numbers in `type`, which is F32, F16 or BF16: the weight now lies there,
 * and the caller writes all of it before anybody reads.  NULL with a sentence: as it was. */
void *weight_store_own(WeightStore *store, int part, const char *name, TensorType type, EngineError *error);

void weight_store_restore(WeightStore *store, int part, const char *name);
void weight_store_restore_all(WeightStore *store);

/* Memory of all numbers that are not the file's: what a run needs besides it. */
size_t weight_store_bytes(const WeightStore *store);
