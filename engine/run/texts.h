/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All that the pictures of a request say, each text encoded once.
 *
 * Pictures with the same words share what was made of them, as do all passes that read them alike. */
#pragma once

#include "conditioning.h"

typedef struct {
    const char  *words;         /* borrowed */
    int          steps;         /* that it was read for: [from:to:when] changes with them */
    int          width, height; /* that its labels tell the model; 0: not yet */
    bool         seen;          /* shown to the observer */
    Conditioning conditioning;
} Text;

/* Zero it first. */
typedef struct {
    Text *items;
    int   count, capacity;
} Texts;

void texts_clear(Texts *texts);

/* Reads words for passes of so many steps, unless that was done.  negative: see conditioning.h. */
bool texts_add(Texts *texts, const Tokenizer *tokenizer, const ModelConfig *config,
               const char *words, int steps, bool negative, EngineError *error);

/* One that was added; what it points to stays until texts_clear() once all are added. */
Text *texts_find(const Texts *texts, const ModelConfig *config, const char *words, int steps,
                 bool negative);

/* All of them, with memory from the arena's low end (also dry).  skip: see conditioning.h. */
void texts_encode(Compute *compute, Texts *texts, const ModelConfig *config,
                  Clip *const encoders[CONFIG_MAX_TEXTS], int skip);

/* Its conditioning for a picture of this size. */
const Conditioning *text_for_size(Compute *compute, Text *text, const ModelConfig *config,
                                  int width, int height);
