/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What we need of EXIF (CIPA DC-008): the orientation, and the UserComment that A1111 keeps its
 * parameters in where a file has no text chunks.  A block begins with "II*" or "MM", 0, "*". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* 1 … 8; 1 when there is none or the block makes no sense. */
int exif_orientation(const unsigned char *block, size_t size);

/* UserComment as UTF-8, for the caller to free; NULL: none. */
char *exif_comment(const unsigned char *block, size_t size);

/* A block with that comment alone, for the caller to free; NULL: out of memory. */
unsigned char *exif_write_comment(const char *comment, size_t *size);
