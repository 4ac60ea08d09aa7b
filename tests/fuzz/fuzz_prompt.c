/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a prompt: chunks of known tokens with finite weights for every step. */
#include "fuzz.h"

#include "text/prompt.h"

#include <stdlib.h>
#include <string.h>

static void check(const PromptPart *part, int chunks)
{
    if (part->count < 1 || part->count != chunks)
        abort();
    for (int c = 0; c < part->count; c++) {
        const PromptChunk *chunk = &part->chunks[c];
        bool               ended = false;
        for (int i = 0; i < PROMPT_CHUNK; i++) {
            int   token = chunk->tokens[i];
            float weight = chunk->weights[i];
            ended = ended || token == TOKEN_END;
            if (token < 0 || token >= TOKEN_COUNT || (token == TOKEN_START) != (i == 0) ||
                (ended && weight != 1) ||
                !(weight >= -PROMPT_WEIGHT_LIMIT && weight <= PROMPT_WEIGHT_LIMIT))
                abort();
        }
        if (!ended)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    /* One for all inputs: making it takes a thousand times as long as a prompt. */
    static Tokenizer *tokenizer;
    EngineError error = { ENGINE_OK, "" };
    if (!tokenizer)
        tokenizer = tokenizer_create(&error);
    Prompt      prompt = { 0 };
    char       *text = malloc(size + 1), *expanded = NULL;
    if (tokenizer && text) {
        memcpy(text, bytes, size);
        text[size] = '\0';
        int steps = 1 + (int)(size % 30);
        expanded = prompt_expand(text, size);
        if (expanded && strlen(expanded) > strlen(text))
            abort();
        if (expanded && prompt_parse(&prompt, tokenizer, expanded, steps, TOKEN_END, &error))
            for (int step = 0; step < steps; step++)
                check(prompt_at_step(&prompt, step), prompt.parts[0].count);
        else if (error.status != ENGINE_OUT_OF_MEMORY && expanded)
            abort();
    }
    prompt_clear(&prompt);
    free(expanded);
    free(text);
    return 0;
}
