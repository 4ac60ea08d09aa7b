/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A prompt as the U-Net listens to it: chunks of tokens through the text encoder(s), weighted.
 *
 * Weights are A1111's: each token's row times its weight, then the whole chunk scaled so that its
 * mean is what it was.  SDXL's two encoders stand side by side, [t, 768 + 1280]. */
#pragma once

#include "../networks/clip.h"
#include "../networks/config.h"
#include "../text/prompt.h"

typedef struct {
    Tensor context;    /* [1, 1, 77 * chunks, context_width], in the arena */
    Tensor labels;     /* [1, 1, 1, adm_width] or n 0, in the arena */
    int    until_step; /* used for steps below it */
} ConditioningPart;

typedef struct {
    Prompt            prompts[CONFIG_MAX_TEXTS]; /* one per text encoder: same tokens, other padding */
    int               prompt_count;
    bool              zero;       /* SDXL's empty negative prompt: context and pooled text are 0 */
    ConditioningPart *parts;
    int               count;
} Conditioning;

/* Whether the model was trained with zeros for this text. */
bool conditioning_is_zero(const ModelConfig *config, const char *text, bool negative);

/* Zero it first.  Reads the text and checks that the model knows its tokens. */
bool conditioning_parse(Conditioning *conditioning, const Tokenizer *tokenizer,
                        const ModelConfig *config, const char *text, int steps, bool negative,
                        EngineError *error);
void conditioning_clear(Conditioning *conditioning);

/* Fills the parts' contexts and labels with memory from the arena's low end (also dry).
 *   skip    layers earlier than the model was trained with */
void conditioning_encode(Compute *compute, Conditioning *conditioning, const ModelConfig *config,
                         Clip *const encoders[CONFIG_MAX_TEXTS], int skip);
/* Then, before it is used, the picture's size: SDXL's conditioning on it (original = target, crop at
 * 0, 0).  Nothing where the model has none. */
void conditioning_tell_size(Compute *compute, Conditioning *conditioning,
                            const ModelConfig *config, int width, int height);

const ConditioningPart *conditioning_at_step(const Conditioning *conditioning, int step);
