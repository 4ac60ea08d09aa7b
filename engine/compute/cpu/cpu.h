/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processor as a device: its memory is the program's own, its operations are kernels on all
 * threads.  Every operation's results are the same bits for any number of threads. */
#pragma once

#include "../device.h"
#include "blas.h"
#include "kernels.h"

typedef struct {
    Device         device;
    Threads       *threads; /* borrowed; NULL: for a device whose memory is all that is used */
    const Kernels *kernels;
    Blas           blas; /* products, where it is there and faster */
    char           name[32];
} Cpu;

/* kernels NULL: kernels_best().  False, and ready all the same with the kernels' own products, where
 * blas_open() says so. */
bool cpu_init(Cpu *cpu, Threads *threads, const Kernels *kernels, EngineError *error);

/* A tensor in memory of the program's: what tests and benchmarks compute with. */
Tensor cpu_tensor(float *data, int n, int c, int h, int w);

/* ---- for the files of this folder -------------------------------------------------------- */

/* The first element of a tensor; NULL of one that is not there. */
static inline float *cpu_data(Tensor x)
{
    return x.n ? (float *)(void *)((unsigned char *)x.memory + x.offset) : NULL;
}

static inline void *cpu_piece(DevicePiece piece)
{
    return piece.memory ? (unsigned char *)piece.memory + piece.offset : NULL;
}

/* What an operation does, and bytes of scratch it wants for that (NULL: none). */
typedef struct {
    void (*run)(const Cpu *cpu, struct Compute *compute, const Operation *operation, void *scratch);
    size_t (*scratch)(const Cpu *cpu, const Operation *operation);
} CpuOperation;

extern const CpuOperation cpu_linear, cpu_linear_transposed, cpu_conv2d, cpu_group_norm_prepare,
    cpu_affine, cpu_layer_norm, cpu_activate, cpu_geglu, cpu_add, cpu_attention,
    cpu_image_to_tokens, cpu_tokens_to_image;

extern const CpuOperation cpu_copy, cpu_fill, cpu_map, cpu_multiply_rows, cpu_combine,
    cpu_add_difference, cpu_keep_known, cpu_embed_tokens, cpu_embed_numbers, cpu_mean,
    cpu_deviation, cpu_all_finite, cpu_upload, cpu_read;
