/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conditioning.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

bool conditioning_parse(Conditioning *conditioning, const Tokenizer *tokenizer,
                        const ModelConfig *config, const char *text, int steps, bool negative,
                        EngineError *error)
{
    text = text ? text : "";
    conditioning->zero = negative && config->zero_empty_negative && text[0] == '\0';
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
    for (int i = 0; i < 2; i++)
        prompt_clear(&conditioning->prompts[i]);
    free(conditioning->parts);
    *conditioning = (Conditioning){ 0 };
}

static double mean_of(const float *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

static void apply_weights(float *hidden, const float *weights, int t, int width)
{
    bool all_one = true;
    for (int i = 0; i < t; i++)
        all_one = all_one && weights[i] == 1;
    if (all_one)
        return;
    size_t count = (size_t)t * (size_t)width;
    double before = mean_of(hidden, count);
    for (int i = 0; i < t; i++)
        for (int k = 0; k < width; k++)
            hidden[(size_t)i * (size_t)width + (size_t)k] *= weights[i];
    double after = mean_of(hidden, count);
    /* A weight of 0 on every token leaves nothing to scale back. */
    double scale = before / after;
    if (!isfinite(scale))
        return;
    for (size_t i = 0; i < count; i++)
        hidden[i] *= (float)scale;
}

/* The sinusoids of a number as SDXL has them for its sizes: cosines, then sines. */
static void embed_number(float *out, int width, double number)
{
    int half = width / 2;
    for (int i = 0; i < half; i++) {
        double angle = number * exp(-log(10000.0) * i / half);
        out[i] = (float)cos(angle);
        out[half + i] = (float)sin(angle);
    }
}

/* labels [adm_width]: pooled text, then original size, crop corner and target size. */
static void fill_labels(float *labels, int adm_width, int projection, int width, int height)
{
    const double sizes[6] = { height, width, 0, 0, height, width };
    int          each = (adm_width - projection) / 6;
    for (int i = 0; i < 6; i++)
        embed_number(labels + projection + i * each, each, sizes[i]);
}

/* One chunk through one encoder into its columns of the context. */
static void encode_chunk(Compute *compute, ConditioningPart *part, const Clip *encoder,
                         const TextConfig *config, const PromptChunk *chunk, int row, int column,
                         float *pooled, int skip)
{
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    hidden = tensor_new(compute, ARENA_LOW, 1, 1, PROMPT_CHUNK, config->width);
    clip_forward(compute, encoder, hidden.data, pooled, chunk->tokens, PROMPT_CHUNK, skip);
    if (!compute_dry(compute) && !compute_stopped(compute)) {
        apply_weights(hidden.data, chunk->weights, PROMPT_CHUNK, config->width);
        for (int t = 0; t < PROMPT_CHUNK; t++)
            memcpy(part->context.data + (size_t)(row + t) * (size_t)part->context.w + column,
                   hidden.data + (size_t)t * (size_t)config->width,
                   (size_t)config->width * sizeof(float));
    }
    arena_rewind(compute->scratch, mark);
}

void conditioning_encode(Compute *compute, Conditioning *conditioning, const ModelConfig *config,
                         Clip *const encoders[2], int skip, int width, int height)
{
    int adm = config->unet.adm_width;
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
        part->labels = NULL;
        if (adm)
            part->labels = tensor_new(compute, ARENA_LOW, 1, 1, 1, adm).data;
        if (part->labels)
            memset(part->labels, 0, (size_t)adm * sizeof *part->labels);
        if (conditioning->zero && part->context.data)
            memset(part->context.data, 0, tensor_count(part->context) * sizeof(float));
        int column = 0;
        for (int e = 0; e < config->text_count && !conditioning->zero; e++) {
            bool last = e == config->text_count - 1;
            for (int c = 0; c < chunks; c++)
                encode_chunk(compute, part, encoders[e], &config->text[e],
                             &conditioning->prompts[e].parts[p].chunks[c], PROMPT_CHUNK * c, column,
                             last && c == 0 && config->text[e].projection ? part->labels : NULL,
                             skip);
            column += config->text[e].width;
        }
        if (part->labels)
            fill_labels(part->labels, adm, config->text[config->text_count - 1].projection, width,
                        height);
    }
}

const ConditioningPart *conditioning_at_step(const Conditioning *conditioning, int step)
{
    int i = 0;
    while (i + 1 < conditioning->count && step >= conditioning->parts[i].until_step)
        i++;
    return &conditioning->parts[i];
}
