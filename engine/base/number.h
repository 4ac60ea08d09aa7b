/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers in text with a point, whatever the locale says: strtod() and printf("%g") obey a decimal
 * comma that libgimp sets, and files and prompts must not. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads [+-]digits[.digits][e[+-]digits] from text[0 … bytes), all of it; false: not a finite number.
 * value is left alone by what is no number, and is ±infinity where a number has no bounds (1e999). */
bool number_parse(const char *text, size_t bytes, double *value);
/* Reads digits, all of text[0 … bytes), exact to 64 bits (a seed does not fit a double); false: none,
 * something else, or too many. */
bool number_parse_whole(const char *text, size_t bytes, uint64_t *value);
/* Value of 0-9, a-f, A-F, or -1. */
int number_hex_digit(char c);
/* Shortest text that reads back as the same float; "7", "0.75", "1e-05". out has at least 32 bytes. */
void number_format(char *out, double value);
