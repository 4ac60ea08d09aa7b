/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A1111's prompt language to chunks of tokens with weights:
 *   (a:1.2)  (a) = 1.1  [a] = 1/1.1  \( \) \[ \] \\  BREAK  [from:to:when]  [a|b|c]
 * Chunks hold 75 tokens between start and end; a text that does not fit is cut back to the last comma
 * within 20 tokens.  Nothing is refused: what is not grammar is text, and so are AND, <lora:a:1>,
 * __name__, &amp; and file names.  No recursion; a megabyte takes well under a second.
 *
 * Where A1111 surprises, so do we, that its prompts give its pictures: a bar outside of [a|b] or a
 * backslash at the very end turns all [from:to:when] into text.
 * (One thing is not followed: its parser takes some [from:to:when] directly before two or more stray
 * brackets or colons for text, by no rule.)  Otherwise than there, BREAK within brackets parts the text as
 * it does outside of them; (a:1.2.3), which stops A1111, is text in brackets; weights stay within
 * ±PROMPT_WEIGHT_LIMIT; and brackets deeper than PROMPT_DEPTH weigh nothing. */
#pragma once

#include "../base/prompt_scan.h"
#include "tokenizer.h"

enum { PROMPT_CHUNK = 77 };

typedef struct {
    int   tokens[PROMPT_CHUNK];  /* start, up to 75, end, then padding */
    float weights[PROMPT_CHUNK]; /* 1 for start, end, padding */
} PromptChunk;

typedef struct {
    PromptChunk *chunks;
    int          count;       /* at least 1; the same for all parts: short ones get empty chunks */
    size_t       token_count; /* of the text, without start, end and padding */
    int          until_step;  /* used for steps < until_step; the last one's is `steps` */
    int          same_as;     /* the first part of the same text, which owns the chunks; or itself */
} PromptPart;

typedef struct {
    PromptPart *parts; /* in order of until_step; one unless [from:to:when] or [a|b] is used */
    int         count;
} Prompt;

/* pad_token fills a chunk behind its end token: TOKEN_END (CLIP-L) or 0 (OpenCLIP).
 *
 * `when` is a step, or with a point in it a share of the steps.  Steps count from 0 here, evaluations
 * of the model in A1111, which uses an entry that ends at step n of its schedule for 0 … n, one more
 * than it says: so [a:b:5] is a for six steps, and [a|b] is a a b a b …  steps is at least 1. */
bool prompt_parse(Prompt *prompt, const Tokenizer *tokenizer, const char *text, int steps,
                  int pad_token, EngineError *error);
void prompt_clear(Prompt *prompt);
const PromptPart *prompt_at_step(const Prompt *prompt, int step);

/* Whether AND stands in the text as a word of its own, by which A1111 takes it for several prompts. */
bool prompt_has_and(const char *text);

/* {a|b} alternatives picked by seed (nested ones too), `# comments` to the line's end taken out,
 * before the grammar above.  Behind a backslash { | } and # are text.  The caller frees with free().
 * NULL: out of memory. */
char *prompt_expand(const char *text, unsigned long long seed);
