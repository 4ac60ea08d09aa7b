/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of text/ share: golden numbers, and a clock. */
#pragma once

#include "files/safetensors.h"

/* A file of tests/golden; ends the test program with a message when it is not there. */
Safetensors *golden_open(const char *name);
/* A tensor of it, copied to where it is aligned, and how many elements it has; the caller frees it. */
void *golden_copy(const Safetensors *file, const char *name, size_t *count);
/* A text of bytes bytes with nothing behind it that could be read; the caller frees it. */
char *exact_copy(const char *text, size_t bytes);
/* unit over and over, bytes bytes of it and a NUL; the caller frees it. */
char *repeated(const char *unit, size_t bytes);
double seconds_now(void);
/* The next of some locales with other commas, digits and letters than C; false: no more.  number counts
 * from 0, which is always there. */
bool next_locale(int *number);
