/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The weights of a prompt: brackets taken off, escapes undone, BREAK found, and what stands side by
 * side with the same weight joined, all as A1111's parse_prompt_attention() does it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    size_t begin, end; /* of WeightedText.text */
    double weight;     /* within ±PROMPT_WEIGHT_LIMIT */
    bool   is_break;   /* a new chunk begins here; the span's text is not part of the prompt */
} WeightedSpan;

typedef struct {
    char         *text;
    WeightedSpan *spans; /* at least one */
    size_t        count;
} WeightedText;

/* Zero it first; clear it also after a failure, which means out of memory. */
bool weighted_text_parse(WeightedText *weighted, const char *text, size_t bytes);
void weighted_text_clear(WeightedText *weighted);
