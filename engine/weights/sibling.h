/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One model, several files: what a model can do depends on how many channels its U-Net reads, so that
 * its makers publish a file for each task side by side, told apart by the last word of their names:
 * sd-v1-5.safetensors, sd-v1-5-inpainting.safetensors; for instructions -instruct, -pix2pix. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Writes the name of the file (or diffusers folder) beside `path` that holds the same model for
 * in_channels (4 base, 8 instructions, 9 inpainting); false where there is none, or out[size] is too
 * small.  Goes by names: whether the file is what it is called, its reader finds out. */
bool sibling_find(char *out, size_t size, const char *path, int in_channels);
