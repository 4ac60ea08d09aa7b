/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of sample/ share: golden numbers, and the network of golden_sample.py. */
#pragma once

#include "compute/cpu/cpu.h"
#include "compute/dry.h"
#include "compute/layers.h"
#include "sample/schedule.h"

#include <stdbool.h>
#include <stddef.h>

/* Stable Diffusion's, as a model that predicts noise or v has them. */
void standard_levels(NoiseLevels *levels, Prediction predicts, bool zero_terminal_snr);

/* Numbers of tests/golden/sample.safetensors, kept until the end; ends the test program with a
 * message when they are not there. */
const float  *golden_floats(const char *name, size_t count);
const double *golden_doubles(const char *name, size_t *count);

/* y [c, h * w] = what golden_sample.py's network() says of x; prompt 0 or 1.
 *   beyond [any, h * w] or NULL with 0 planes */
void tiny_network(float *y, const float *x, int c, int plane, float time, int prompt,
                  const float *beyond, int beyond_planes);
