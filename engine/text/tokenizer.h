/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CLIP's byte-pair tokenizer with the public vocabulary of 49,408 entries, which is built in.
 * Ids are those of HF's CLIPTokenizer (Radford et al. 2021; vocabulary MIT, OpenAI). */
#pragma once

#include "../base/error.h"

#include <stddef.h>

enum { TOKEN_START = 49406, TOKEN_END = 49407, TOKEN_COUNT = 49408 };

typedef struct Tokenizer Tokenizer;

Tokenizer *tokenizer_create(EngineError *error); /* a few milliseconds; NULL: out of memory */
void       tokenizer_destroy(Tokenizer *tokenizer);

/* A word of the model's own (textual inversion): from now on it is id wherever it stands, also within other
 * words, whatever its case; the longest of several wins.  False: out of memory, or no word. */
bool tokenizer_add(Tokenizer *tokenizer, const char *word, int id, EngineError *error);

/* Growing list of ids; zero it first, clear it last. */
typedef struct {
    int   *ids;
    size_t count, capacity;
} TokenList;
void token_list_clear(TokenList *list);

/* Appends the ids of text[0 … bytes), with no start or end token; "<|endoftext|>" in the text is text.
 * Invalid UTF-8 reads as U+FFFD.  Linear time.  False: out of memory. */
bool tokenizer_encode(const Tokenizer *tokenizer, const char *text, size_t bytes, TokenList *list,
                      EngineError *error);
