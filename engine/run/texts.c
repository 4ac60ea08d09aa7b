/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "texts.h"

#include <stdlib.h>
#include <string.h>

void texts_clear(Texts *texts)
{
    for (int i = 0; i < texts->count; i++)
        conditioning_clear(&texts->items[i].conditioning);
    free(texts->items);
    *texts = (Texts){ 0 };
}

/* The same for every number of steps. */
static bool is_plain(const Text *text)
{
    return text->conditioning.count == 1;
}

Text *texts_find(const Texts *texts, const ModelConfig *config, const char *words, int steps,
                 bool negative)
{
    bool zero = conditioning_is_zero(config, words, negative);
    for (int i = 0; i < texts->count; i++) {
        Text *text = &texts->items[i];
        if (strcmp(text->words, words) == 0 && text->conditioning.zero == zero &&
            (text->steps == steps || is_plain(text)))
            return text;
    }
    return NULL;
}

static bool grow(Texts *texts)
{
    if (texts->count < texts->capacity)
        return true;
    int   capacity = texts->capacity ? 2 * texts->capacity : 8;
    Text *items = realloc(texts->items, (size_t)capacity * sizeof *items);
    if (!items)
        return false;
    texts->items = items;
    texts->capacity = capacity;
    return true;
}

bool texts_add(Texts *texts, const Tokenizer *tokenizer, const ModelConfig *config,
               const char *words, int steps, bool negative, EngineError *error)
{
    if (texts_find(texts, config, words, steps, negative))
        return true;
    if (!grow(texts))
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the prompt.");
    Text *text = &texts->items[texts->count];
    *text = (Text){ .words = words, .steps = steps };
    texts->count++;
    return conditioning_parse(&text->conditioning, tokenizer, config, words, steps, negative,
                              error);
}

void texts_encode(Compute *compute, Texts *texts, const ModelConfig *config,
                  Clip *const encoders[CONFIG_MAX_TEXTS], int skip)
{
    for (int i = 0; i < texts->count; i++) {
        texts->items[i].width = texts->items[i].height = 0;
        conditioning_encode(compute, &texts->items[i].conditioning, config, encoders, skip);
    }
}

const Conditioning *text_for_size(Compute *compute, Text *text, const ModelConfig *config,
                                  int width, int height)
{
    if (text->width != width || text->height != height)
        conditioning_tell_size(compute, &text->conditioning, config, width, height);
    text->width = width;
    text->height = height;
    return &text->conditioning;
}
