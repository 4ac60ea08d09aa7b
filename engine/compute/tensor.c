/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tensor.h"

#include "cpu/kernels.h"

#include <assert.h>
#include <string.h>

/* All types that a safetensors header may name, not only those that are computed with: the reader
 * checks the size of every tensor, and a sentence about an unsupported one names its type. Bits,
 * because two F4 share a byte. */
static const struct {
    const char *name;
    int         bits;
} types[TYPE_COUNT] = {
    [TYPE_F32] = { "F32", 32 },
    [TYPE_F16] = { "F16", 16 },
    [TYPE_BF16] = { "BF16", 16 },
    [TYPE_F8_E4M3] = { "F8_E4M3", 8 },
    [TYPE_F8_E5M2] = { "F8_E5M2", 8 },
    [TYPE_F64] = { "F64", 64 },
    [TYPE_I64] = { "I64", 64 },
    [TYPE_I32] = { "I32", 32 },
    [TYPE_I16] = { "I16", 16 },
    [TYPE_I8] = { "I8", 8 },
    [TYPE_U64] = { "U64", 64 },
    [TYPE_U32] = { "U32", 32 },
    [TYPE_U16] = { "U16", 16 },
    [TYPE_U8] = { "U8", 8 },
    [TYPE_BOOL] = { "BOOL", 8 },
    [TYPE_C64] = { "C64", 64 },
    [TYPE_F8_E8M0] = { "F8_E8M0", 8 },
    [TYPE_F8_E4M3FNUZ] = { "F8_E4M3FNUZ", 8 },
    [TYPE_F8_E5M2FNUZ] = { "F8_E5M2FNUZ", 8 },
    [TYPE_F6_E2M3] = { "F6_E2M3", 6 },
    [TYPE_F6_E3M2] = { "F6_E3M2", 6 },
    [TYPE_F4] = { "F4", 4 },
};

int tensor_type_bits(TensorType type)
{
    assert((unsigned)type < TYPE_COUNT);
    return types[type].bits;
}

const char *tensor_type_name(TensorType type)
{
    assert((unsigned)type < TYPE_COUNT);
    return types[type].name;
}

/* 512 channels of 2048 x 2048, which a VAE has on its way to 4096 pixels, are 2^31 already: one
 * more than an int. */
size_t tensor_count(Tensor x)
{
    return (size_t)x.n * (size_t)x.c * (size_t)x.h * (size_t)x.w;
}

size_t tensor_bytes(Tensor x)
{
    return tensor_count(x) * (size_t)tensor_type_bits(x.type) / 8;
}

Tensor tensor_at(DeviceMemory *memory, size_t offset, TensorType type, int n, int c, int h, int w)
{
    /* A tensor that is not there is a zeroed handle, never one of size 0. */
    assert(n > 0 && c > 0 && h > 0 && w > 0);
    size_t row = (size_t)w, plane = row * (size_t)h;
    return (Tensor){ memory, offset, type, n, c, h, w, plane * (size_t)c, plane, row };
}

/* A step over a dimension of 1 is never taken, whatever its length. */
bool tensor_is_whole(Tensor x)
{
    size_t row = (size_t)x.w, plane = row * (size_t)x.h;
    return (x.h == 1 || x.row == row) && (x.c == 1 || x.plane == plane) &&
           (x.n == 1 || x.item == plane * (size_t)x.c);
}

bool tensor_same_shape(Tensor x, Tensor y)
{
    return x.n == y.n && x.c == y.c && x.h == y.h && x.w == y.w;
}

/* The offset alone: memory is NULL in a dry run, and NULL it stays. */
static Tensor moved(Tensor x, size_t elements)
{
    x.offset += elements * (size_t)tensor_type_bits(x.type) / 8;
    return x;
}

Tensor tensor_batch(Tensor x, int from, int count)
{
    assert(from >= 0 && count > 0 && from <= x.n - count);
    x.n = count;
    return moved(x, (size_t)from * x.item);
}

Tensor tensor_channels(Tensor x, int from, int count)
{
    assert(from >= 0 && count > 0 && from <= x.c - count);
    x.c = count;
    return moved(x, (size_t)from * x.plane);
}

Tensor tensor_rows(Tensor x, int from, int count)
{
    assert(from >= 0 && count > 0 && from <= x.h - count);
    x.h = count;
    return moved(x, (size_t)from * x.row);
}

Tensor tensor_columns(Tensor x, int from, int count)
{
    assert(from >= 0 && count > 0 && from <= x.w - count);
    x.w = count;
    return moved(x, (size_t)from);
}

/* Fewer elements are fine: a buffer for the largest batch serves smaller ones. */
Tensor tensor_as(Tensor x, int n, int c, int h, int w)
{
    Tensor y = tensor_at(x.memory, x.offset, x.type, n, c, h, w);
    assert(tensor_is_whole(x) && tensor_count(y) <= tensor_count(x));
    return y;
}

/* Dimensions that a weight does not have are 1. */
size_t weight_count(const Weight *weight)
{
    size_t count = 1;
    for (int i = 0; i < TENSOR_MAX_RANK; i++)
        count *= (size_t)weight->shape[i];
    return count;
}

Weight weight_rows(const Weight *weight, int from, int count)
{
    assert(from >= 0 && count > 0 && from <= weight->shape[0] - count);
    /* The scale is the whole weight's and goes with each part of it. */
    Weight y = *weight;
    y.shape[0] = count;
    if (weight->data) {
        size_t row = weight_count(weight) / (size_t)weight->shape[0];
        size_t bytes = (size_t)tensor_type_bits(weight->type) / 8;
        y.data = (const unsigned char *)weight->data + (size_t)from * row * bytes;
    }
    return y;
}

void weight_to_float(float *out, const Weight *weight, size_t first, size_t count)
{
    assert(first <= weight_count(weight) && count <= weight_count(weight) - first);
    /* Looks at the environment and the processor at each call, since there is no global to keep the
     * answer in: meant for whole tensors, not for rows within a loop. */
    weight_convert(kernels_best(), out, weight, first, count);
}
