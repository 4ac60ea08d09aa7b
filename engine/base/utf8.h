/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-8, character by character. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The code point at text[0], in bytes > 0 bytes, and how many bytes it takes.  What is not UTF-8 reads
 * as U+FFFD, one for each longest beginning of a character, as Python's errors='replace' does. */
size_t utf8_read(const char *text, size_t bytes, uint32_t *code);
/* The same, strictly: 0 where there is no whole character. */
size_t utf8_length(const char *text, size_t bytes, uint32_t *code);
size_t utf8_write(char out[4], uint32_t code); /* bytes written */

/* Whether a code point may be shown: no control character, and none of the marks that turn or hide
 * text on a screen. */
bool utf8_printable(uint32_t code);

/* A copy of text for a terminal: what is not printable UTF-8 shows as \xNN; cut at a character's
 * border. */
void utf8_show(char *out, size_t size, const char *text);
