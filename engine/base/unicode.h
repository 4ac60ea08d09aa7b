/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Code points: composition (NFC), lower case, classes.  The same in every
 * locale, and as HF tokenizers has them (unicode_tables.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Growing list of code points; zero it first, clear it last. */
typedef struct {
    uint32_t *codes;
    size_t    count, capacity;
} CodeList;
void code_list_clear(CodeList *list);

/* Appends text[0 … bytes) in Normalization Form C.  Linear time.  False: out of memory. */
bool unicode_compose(CodeList *list, const char *text, size_t bytes);

/* The lower case of one code point, with no regard to its neighbours: 1, or 2 for U+0130. */
int  unicode_lower(uint32_t out[2], uint32_t code);
bool unicode_is_letter(uint32_t code); /* \p{L} */
bool unicode_is_number(uint32_t code); /* \p{N} */
bool unicode_is_space(uint32_t code);  /* \s */
int  unicode_digit(uint32_t code);     /* 0 … 9 of a decimal digit of any script, or -1 */
/* \s of Python's re, on which A1111 stands: it has U+001C … U+001F too. */
bool unicode_is_python_space(uint32_t code);
/* Past such white space at text[at], if there is some. */
size_t unicode_skip_spaces(const char *text, size_t at, size_t end);
