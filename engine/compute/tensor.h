/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Handles of numbers: activations in a device's memory, and weights in their file's type.
 *
 * Dimension letters used in all comments:
 *   n batch   c channels   h, w height, width   t tokens   d width of a token   heads
 * The last dimension is contiguous.  Dimensions are int; counts and bytes are size_t. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TENSOR_MAX_RANK = 4 };

/* Element types of safetensors files; the first group is what the engine computes with. */
typedef enum {
    TYPE_F32,
    TYPE_F16,
    TYPE_BF16,
    TYPE_F8_E4M3,
    TYPE_F8_E5M2,
    TYPE_F64,
    TYPE_I64,
    TYPE_I32,
    TYPE_I16,
    TYPE_I8,
    TYPE_U64,
    TYPE_U32,
    TYPE_U16,
    TYPE_U8,
    TYPE_BOOL,
    TYPE_C64,
    TYPE_F8_E8M0,
    TYPE_F8_E4M3FNUZ,
    TYPE_F8_E5M2FNUZ,
    TYPE_F6_E2M3,
    TYPE_F6_E3M2,
    TYPE_F4,
    TYPE_COUNT
} TensorType;

/* Bits of one element; "F16" and the like as the file writes it. */
int         tensor_type_bits(TensorType type);
const char *tensor_type_name(TensorType type);

/* Memory of a device: only the device that made it knows what is behind the pointer. */
typedef struct DeviceMemory DeviceMemory;

/* Activations: a handle, passed by value.  It says where in a device's memory the numbers lie and
 * in which shape; reading or writing them is the device's work (layers.h), so a handle may be made,
 * cut and reshaped anywhere, dry runs included, where memory is NULL.  The memory is owned by an Arena.
 * Unused leading dimensions are 1: tokens [n, t, d] are {n, 1, t, d}, an image is {n, c, h, w}.
 * n 0: there is no such tensor. */
typedef struct {
    DeviceMemory *memory;
    size_t        offset; /* bytes from memory's start to the first element */
    TensorType    type;   /* of the elements; F32 so far */
    int           n, c, h, w;
    size_t        item, plane, row; /* elements from one item, channel, row to the next */
} Tensor;

/* n * c * h * w in size_t; never form this product by hand. */
size_t tensor_count(Tensor x);
size_t tensor_bytes(Tensor x);

/* A whole tensor at a place in a device's memory: each dimension follows the one behind it. */
Tensor tensor_at(DeviceMemory *memory, size_t offset, TensorType type, int n, int c, int h, int w);

/* Do its elements lie one behind the other?  Every operation wants that, but for copy(), fill() and
 * what attention() reads, which also take views. */
bool tensor_is_whole(Tensor x);

/* Views: `count` items, channels, rows (tokens) or columns of x from `from` on.  Nothing moves. */
Tensor tensor_batch(Tensor x, int from, int count);
Tensor tensor_channels(Tensor x, int from, int count);
Tensor tensor_rows(Tensor x, int from, int count);
Tensor tensor_columns(Tensor x, int from, int count);

/* The first n * c * h * w elements of a whole tensor in another shape. */
Tensor tensor_as(Tensor x, int n, int c, int h, int w);

bool tensor_same_shape(Tensor x, Tensor y);

/* A weight: borrowed from the mapped file for as long as the checkpoint is open, or from whoever put
 * other numbers under it (weights/weight_store.h).
 * data may be unaligned (old files): only devices and tensor.c touch it, by way of
 * weight_to_float() or kernels that read unaligned.  data NULL: this weight is not there. */
typedef struct {
    const void *data;
    TensorType  type;                   /* F32, F16, BF16, F8_E4M3, F8_E5M2 or F64 */
    int         shape[TENSOR_MAX_RANK]; /* [out, in] or [out, in, kh, kw] or [d]; unused: 1 */
    float       scale;                  /* that each number is multiplied by; 0: none is kept, 1 */
} Weight;

size_t weight_count(const Weight *weight);

/* Rows [from, from + count) of a weight's first dimension, e.g. q of a fused [3d, d]. */
Weight weight_rows(const Weight *weight, int from, int count);

/* Converts count elements starting at element `first` to float (exact for every type but F64), times the
 * scale. */
void weight_to_float(float *out, const Weight *weight, size_t first, size_t count);
