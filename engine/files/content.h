/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a file is that is not what it should be, by its first bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* "a ZIP archive; …", with what to do about it, for "is no … but …"; NULL: not known.  size: 512 bytes or the
 * whole file. */
const char *content_name(const unsigned char *head, size_t size);

enum { CONTENT_LINE = 120 };

/* The first line, when all bytes are text: what a server said instead of sending the file.  False: no
 * text. */
bool content_first_line(char out[CONTENT_LINE], const unsigned char *head, size_t size);
