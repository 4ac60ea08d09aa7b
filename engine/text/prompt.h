/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A1111's prompt language to chunks of tokens with weights:
 *   (a:1.2)  (a) = 1.1  [a] = 1/1.1  \( \) \[ \] \\  BREAK  [from:to:when]  [a|b|c]
 * Chunks hold 75 tokens between start and end; a text that does not fit is cut back to the last comma
 * within 20 tokens.  Nothing is refused: what is not grammar is text.  Linear time, no recursion. */
#pragma once

#include "tokenizer.h"

enum { PROMPT_CHUNK = 77 };

typedef struct {
    int   tokens[PROMPT_CHUNK];  /* start, up to 75, end, then padding */
    float weights[PROMPT_CHUNK]; /* 1 for start, end, padding */
} PromptChunk;

typedef struct {
    PromptChunk *chunks;
    int          count;       /* at least 1 */
    size_t       token_count; /* of the text, without start, end and padding */
    int          until_step;  /* used for steps < until_step; the last one's is `steps` */
} PromptPart;

typedef struct {
    PromptPart *parts; /* in order of until_step; one unless [from:to:when] or [a|b] is used */
    int         count;
} Prompt;

/* pad_token fills a chunk behind its end token: TOKEN_END (CLIP-L) or 0 (OpenCLIP). */
bool prompt_parse(Prompt *prompt, const Tokenizer *tokenizer, const char *text, int steps,
                  int pad_token, EngineError *error);
void prompt_clear(Prompt *prompt);
const PromptPart *prompt_at_step(const Prompt *prompt, int step);

/* {a|b} alternatives picked by seed (nested ones too), `# comments` to the line's end taken out, before
 * the grammar above.  The caller frees with free(). NULL: out of memory. */
char *prompt_expand(const char *text, unsigned long long seed);
