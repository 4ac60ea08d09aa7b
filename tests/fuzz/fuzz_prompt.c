/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a prompt: chunks of known tokens with finite weights for every step; and as it is typed, in pieces
 * that leave nothing out. */
#include "fuzz.h"

#include "base/prompt_scan.h"
#include "text/prompt.h"

#include <math.h>
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

static void check_written(const char *text)
{
    PromptScan scan = { 0 };
    size_t     at = 0;
    if (prompt_scan_written(&scan, text)) {
        for (size_t i = 0; i < scan.count; i++) {
            const PromptPiece *piece = &scan.pieces[i];
            bool               closes = piece->close > i && piece->close < scan.count;
            if (piece->begin != at || piece->end <= at || !isfinite(scan.weights[i]) ||
                (piece->close && (piece->kind != PROMPT_OPEN || !closes)))
                abort();
            at = piece->end;
        }
        if (at != strlen(text))
            abort();
    }
    prompt_scan_clear(&scan);
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
        check_written(text);
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
