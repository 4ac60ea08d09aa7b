/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of model/ share: golden models and numbers, a rehearsed run, SD 1.5's shapes. */
#pragma once

#include "compute/cpu/cpu.h"
#include "compute/layers.h"
#include "networks/config.h"

#include <stddef.h>

/* Numbers of tests/golden/models.safetensors by "MODEL.WHAT", kept until the end; the test program
 * ends with a message when they are not there.  shape may be NULL; unused dimensions are 1. */
const float *golden_numbers(const char *model, const char *what, int shape[TENSOR_MAX_RANK]);
bool         golden_has(const char *model, const char *what);
/* The same as a tensor [n, c, h, w], or [1, 1, t, d] of three dimensions. */
Tensor golden_tensor(const char *model, const char *what);
/* The same from whole numbers; the caller frees.  shape [n, t]. */
int *golden_tokens(const char *model, int shape[TENSOR_MAX_RANK]);

/* "…/golden/models/NAME", in `path`. */
const char *golden_path(char path[1024], const char *name);
/* A golden model, or the demo checkpoint as "demo"; ends the test program when it is not there. */
Checkpoint *golden_checkpoint(const char *name, ModelConfig *config);
/* The same single file with every tensor `skew` bytes off; *memory is to be freed after closing. */
Checkpoint *golden_skewed(const char *name, int skew, ModelConfig *config, void **memory);

/* A checkpoint of Stable Diffusion 1.5's names and shapes in F16, all zeros, in a file without a
 * block on the disk that is gone after closing. */
Checkpoint *sd15_shapes(ModelConfig *config);

/* A tensor in memory from malloc(), which test_free() frees. */
Tensor test_tensor(int n, int c, int h, int w);
void   test_free(Tensor x);

/* Runs body dry and then with exactly the memory that the dry run asked for; checks that the real
 * peak is the same.  Returns the peak in bytes. */
size_t run_rehearsed(int threads, void (*body)(Compute *compute, void *data), void *data);
/* The dry run alone. */
size_t run_dry(int threads, void (*body)(Compute *compute, void *data), void *data);
