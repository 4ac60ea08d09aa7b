/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conditioning.h"

#include <math.h>
#include <stdlib.h>

/* The tokenizer's ids as the model numbers them: a model with a cut vocabulary has its start and end
 * tokens in its last two rows. */
static int model_token(int token, const TextConfig *config)
{
    if (token == TOKEN_END)
        return config->end_token;
    if (token == TOKEN_START)
        return config->end_token - 1;
    return token;
}

static bool check_tokens(Prompt *prompt, const TextConfig *config, EngineError *error)
{
    for (int p = 0; p < prompt->count; p++)
        for (int c = 0; c < prompt->parts[p].count; c++)
            for (int t = 0; t < PROMPT_CHUNK; t++) {
                int *token = &prompt->parts[p].chunks[c].tokens[t];
                *token = model_token(*token, config);
                if (*token >= config->vocabulary)
                    return fail(error, ENGINE_BAD_REQUEST,
                                "The prompt has token %d and this model's vocabulary only %d "
                                "entries; use other words or another model.",
                                *token, config->vocabulary);
            }
    return true;
}

bool conditioning_is_zero(const ModelConfig *config, const char *text, bool negative)
{
    return negative && config->zero_empty_negative && text[0] == '\0';
}

bool conditioning_parse(Conditioning *conditioning, const Tokenizer *tokenizer,
                        const ModelConfig *config, const char *text, int steps, bool negative,
                        EngineError *error)
{
    text = text ? text : "";
    conditioning->zero = conditioning_is_zero(config, text, negative);
    for (int i = 0; i < config->text_count; i++) {
        const TextConfig *encoder = &config->text[i];
        int pad = encoder->pad_token == encoder->end_token ? TOKEN_END : encoder->pad_token;
        if (encoder->positions < PROMPT_CHUNK)
            return fail(error, ENGINE_UNSUPPORTED,
                        "The text encoder has %d positions; prompts are read %d at a time.",
                        encoder->positions, PROMPT_CHUNK);
        if (!prompt_parse(&conditioning->prompts[i], tokenizer, text, steps, pad, error))
            return false;
        conditioning->prompt_count = i + 1;
        if (!check_tokens(&conditioning->prompts[i], encoder, error))
            return false;
    }
    conditioning->count = conditioning->prompts[0].count;
    conditioning->parts = calloc((size_t)conditioning->count, sizeof *conditioning->parts);
    if (!conditioning->parts)
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the prompt.");
    return true;
}

void conditioning_clear(Conditioning *conditioning)
{
    for (int i = 0; i < CONFIG_MAX_TEXTS; i++)
        prompt_clear(&conditioning->prompts[i]);
    free(conditioning->parts);
    *conditioning = (Conditioning){ 0 };
}

/* hidden [1, 1, t, width]: each row times its weight, the mean kept. */
static void apply_weights(Compute *compute, Tensor hidden, const float *weights)
{
    bool all_one = true;
    for (int i = 0; i < hidden.h; i++)
        all_one = all_one && weights[i] == 1;
    if (all_one)
        return;
    double before = mean(compute, hidden);
    multiply_rows(compute, hidden, weights);
    double after = mean(compute, hidden);
    /* A weight of 0 on every token leaves nothing to scale back. */
    double scale = before / after;
    if (isfinite(scale))
        map(compute, hidden, hidden, MAP_MULTIPLY, (float)scale, 0);
}

/* labels [adm_width]: pooled text, then original size, crop corner and target size, as sinusoids. */
static void fill_sizes(Compute *compute, Tensor labels, int projection, int width, int height)
{
    const double sizes[6] = { height, width, 0, 0, height, width };
    int          each = (labels.w - projection) / 6;
    if (each > 0)
        embed_numbers(compute,
                      tensor_as(tensor_columns(labels, projection, 6 * each), 1, 1, 6, each),
                      sizes, false);
}

/* One chunk through one encoder into its columns of the context. */
static void encode_chunk(Compute *compute, Tensor context, const Clip *encoder,
                         const TextConfig *config, const PromptChunk *chunk, Tensor pooled, int skip)
{
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    hidden = tensor_new(compute, ARENA_LOW, 1, 1, PROMPT_CHUNK, config->width);
    clip_forward(compute, encoder, hidden, pooled, chunk->tokens, skip);
    apply_weights(compute, hidden, chunk->weights);
    copy(compute, context, hidden);
    arena_rewind(compute->scratch, mark);
}

void conditioning_encode(Compute *compute, Conditioning *conditioning, const ModelConfig *config,
                         Clip *const encoders[CONFIG_MAX_TEXTS], int skip)
{
    int adm = config->unet.adm_width, last = config->text_count - 1;
    for (int p = 0; p < conditioning->count; p++) {
        ConditioningPart *part = &conditioning->parts[p];
        int               chunks = conditioning->prompts[0].parts[p].count;
        int               same = conditioning->prompts[0].parts[p].same_as;
        part->until_step = conditioning->prompts[0].parts[p].until_step;
        if (same != p) { /* an alternation's turn: encoded already */
            part->context = conditioning->parts[same].context;
            part->labels = conditioning->parts[same].labels;
            continue;
        }
        part->context = tensor_new(compute, ARENA_LOW, 1, 1, PROMPT_CHUNK * chunks,
                                   config->unet.context_width);
        part->labels = (Tensor){ 0 };
        if (adm) {
            part->labels = tensor_new(compute, ARENA_LOW, 1, 1, 1, adm);
            fill(compute, part->labels, 0);
        }
        if (conditioning->zero)
            fill(compute, part->context, 0);
        int column = 0;
        for (int e = 0; e < config->text_count && !conditioning->zero; e++) {
            const TextConfig *text = &config->text[e];
            Tensor            columns = tensor_columns(part->context, column, text->width);
            for (int c = 0; c < chunks; c++) {
                Tensor pooled = { 0 };
                if (adm && e == last && c == 0 && text->projection)
                    pooled = tensor_columns(part->labels, 0, text->projection);
                encode_chunk(compute, tensor_rows(columns, PROMPT_CHUNK * c, PROMPT_CHUNK),
                             encoders[e], text, &conditioning->prompts[e].parts[p].chunks[c],
                             pooled, skip);
            }
            column += text->width;
        }
    }
}

void conditioning_tell_size(Compute *compute, Conditioning *conditioning,
                            const ModelConfig *config, int width, int height)
{
    int projection = config->text[config->text_count - 1].projection;
    for (int p = 0; p < conditioning->count; p++)
        if (conditioning->parts[p].labels.n)
            fill_sizes(compute, conditioning->parts[p].labels, projection, width, height);
}

const ConditioningPart *conditioning_at_step(const Conditioning *conditioning, int step)
{
    int i = 0;
    while (i + 1 < conditioning->count && step >= conditioning->parts[i].until_step)
        i++;
    return &conditioning->parts[i];
}
