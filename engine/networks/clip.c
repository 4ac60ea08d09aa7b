/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clip.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Norm   norm1, norm2;
    Linear query, key, value, out; /* [width, width] */
    Linear feed_in, feed_out;      /* [feed_forward, width], [width, feed_forward] */
} Layer;

struct Clip {
    WeightStore *store; /* that knows the weights, or NULL */
    CheckpointPart part;
    TextConfig config;
    Weight     token_embedding;    /* [vocabulary, width] */
    Weight     position_embedding; /* [positions, width] */
    Layer     *layers;             /* [config.layers], owned */
    Norm       final_norm;
    Linear     projection;            /* [projection, width]; SDXL's second encoder */
    bool       projection_transposed; /* [width, projection] instead */
};

/* ---- binding ----------------------------------------------------------------------------- */

static void bind_layer(Layer *layer, Binder *binder, int index, const TextConfig *config)
{
    int  d = config->width, wide = config->feed_forward;
    char place[64];
    snprintf(place, sizeof place, "text_model.encoder.layers.%d", index);
    binder_linear(binder, &layer->query, d, d, "%s.self_attn.q_proj", place);
    binder_linear(binder, &layer->key, d, d, "%s.self_attn.k_proj", place);
    binder_linear(binder, &layer->value, d, d, "%s.self_attn.v_proj", place);
    binder_linear(binder, &layer->out, d, d, "%s.self_attn.out_proj", place);
    binder_norm(binder, &layer->norm1, d, "%s.layer_norm1", place);
    binder_norm(binder, &layer->norm2, d, "%s.layer_norm2", place);
    binder_linear(binder, &layer->feed_in, d, wide, "%s.mlp.fc1", place);
    binder_linear(binder, &layer->feed_out, wide, d, "%s.mlp.fc2", place);
}

/* What the attention and the caller's chunks assert. */
static void check_numbers(const TextConfig *config, Binder *binder)
{
    if (config->heads <= 0 || config->width % config->heads)
        binder_fault(binder, "the text encoder's width %d does not divide into %d heads", config->width,
                     config->heads);
    if (config->positions < CONFIG_TEXT_TOKENS)
        binder_fault(binder, "the text encoder has %d positions; prompts are read %d at a time",
                     config->positions, CONFIG_TEXT_TOKENS);
    if (config->layers < 1)
        binder_fault(binder, "the text encoder has no layers");
    if (config->vocabulary < 3)
        binder_fault(binder, "the text encoder's vocabulary has %d entries: no word besides start and end",
                     config->vocabulary);
}

static void bind_all(Clip *encoder, Binder *binder, CheckpointPart part)
{
    static const char projection[] = "text_projection.weight";
    const TextConfig *config = &encoder->config;
    int               d = config->width, pooled = config->projection;
    binder->part = part;
    binder_weight(binder, &encoder->token_embedding, config->vocabulary, d, 1, 1,
                  "text_model.embeddings.token_embedding.weight");
    binder_weight(binder, &encoder->position_embedding, config->positions, d, 1, 1,
                  "text_model.embeddings.position_embedding.weight");
    for (int i = 0; i < config->layers; i++)
        bind_layer(&encoder->layers[i], binder, i, config);
    binder_norm(binder, &encoder->final_norm, d, "text_model.final_layer_norm");
    /* OpenCLIP keeps the projection as a bare parameter [width, projection]; HF's linear layer is
     * [projection, width].  bigG's is square, so that its shape cannot tell and the names must. */
    encoder->projection_transposed = checkpoint_is_transposed(binder->checkpoint, part, projection);
    bool turned = encoder->projection_transposed;
    if (pooled)
        binder_weight(binder, &encoder->projection.weight, turned ? d : pooled, turned ? pooled : d, 1, 1,
                      projection);
    check_numbers(config, binder);
}

static Clip *walk(Binder *binder, CheckpointPart part, const TextConfig *config)
{
    size_t layers = config->layers > 0 ? (size_t)config->layers : 1;
    Clip  *encoder = binder_new(binder, 1, sizeof *encoder);
    if (config->excess)
        binder_fault(binder, "%s", config->excess);
    if (!encoder || config->excess)
        return encoder;
    encoder->config = *config;
    encoder->store = binder->store;
    encoder->part = part;
    encoder->layers = binder_new(binder, layers, sizeof *encoder->layers);
    if (encoder->layers)
        bind_all(encoder, binder, part);
    return encoder;
}

void clip_collect(Binder *binder, CheckpointPart part, const TextConfig *config)
{
    clip_destroy(walk(binder, part, config));
}

Clip *clip_create(const Checkpoint *checkpoint, CheckpointPart part, const TextConfig *config,
                  EngineError *error)
{
    Binder binder;
    binder_init_store(&binder, checkpoint, part);
    Clip *encoder = walk(&binder, part, config);
    if (binder_finish(&binder, error))
        return encoder;
    clip_destroy(encoder);
    return NULL;
}

void clip_destroy(Clip *encoder)
{
    if (!encoder)
        return;
    if (encoder->store)
        weight_store_forget(encoder->store, encoder->part);
    free(encoder->layers);
    free(encoder);
}

/* ---- forward ----------------------------------------------------------------------------- */

/* x [1, 1, t, width], changed in place: HF's CLIPEncoderLayer, norms before each half.  `normed`
 * holds the normed rows, then the attention's output (query, key and value have been made of it by
 * then), then the feed-forward's rows.  eps is 1e-5 in every published tower. */
static void layer_forward(Compute *compute, const Clip *encoder, const Layer *layer, Tensor x)
{
    const TextConfig *config = &encoder->config;
    int               t = x.h, width = config->width;
    ArenaMark         mark = arena_mark(compute->scratch);
    Tensor            normed = tensor_new(compute, ARENA_HIGH, 1, 1, t, width);
    Tensor            query = tensor_new(compute, ARENA_HIGH, 1, 1, t, width);
    Tensor            key = tensor_new(compute, ARENA_HIGH, 1, 1, t, width);
    Tensor            value = tensor_new(compute, ARENA_HIGH, 1, 1, t, width);
    Tensor            middle = tensor_new(compute, ARENA_HIGH, 1, 1, t, config->feed_forward);

    layer_norm(compute, normed, x, &layer->norm1, 1e-5f);
    linear(compute, query, normed, &layer->query, false);
    linear(compute, key, normed, &layer->key, false);
    linear(compute, value, normed, &layer->value, false);
    /* Causal: CLIP was trained with masked self-attention (Radford et al. 2021, section 2.4).
     * Without it every word sees those behind it, and no prompt means what it meant in training. */
    attention(compute, normed, query, key, value, config->heads, true);
    linear(compute, x, normed, &layer->out, true);

    layer_norm(compute, normed, x, &layer->norm2, 1e-5f);
    linear(compute, middle, normed, &layer->feed_in, false);
    activate(compute, middle, middle,
             config->quick_gelu ? ACTIVATION_QUICK_GELU : ACTIVATION_GELU);
    linear(compute, x, middle, &layer->feed_out, true);
    arena_rewind(compute->scratch, mark);
}

/* pooled [projection] = the normed last layer at the first end token, projected. */
static void pool(Compute *compute, const Clip *encoder, Tensor pooled, Tensor x, const int *tokens)
{
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    normed = tensor_new(compute, ARENA_HIGH, 1, 1, 1, encoder->config.width);
    int       at = 0;
    /* CLIP-L fills its chunks with end tokens, so that it must be the first; a chunk without one is
     * pooled at its last token. */
    while (at < x.h - 1 && tokens[at] != encoder->config.end_token)
        at++;
    layer_norm(compute, normed, tensor_rows(x, at, 1), &encoder->final_norm, 1e-5f);
    if (encoder->projection_transposed)
        linear_transposed(compute, pooled, normed, &encoder->projection);
    else
        linear(compute, pooled, normed, &encoder->projection, false);
    arena_rewind(compute->scratch, mark);
}

void clip_forward(Compute *compute, const Clip *encoder, Tensor hidden, Tensor pooled,
                  const int *tokens, int skip)
{
    const TextConfig *config = &encoder->config;
    int               taken = config->layers + 1 + config->output_layer - skip; /* layers run */
    ArenaMark         mark = arena_mark(compute->scratch);
    assert(hidden.h <= config->positions && hidden.w == config->width && taken >= 0);
    assert(pooled.n == 0 || pooled.w == config->projection);

    Tensor x = tensor_new(compute, ARENA_HIGH, 1, 1, hidden.h, config->width);
    embed_tokens(compute, x, tokens, &encoder->token_embedding, &encoder->position_embedding);
    /* hidden is what goes into layer `taken`.  Where the text is pooled too the layers behind it
     * run as well: SDXL takes hidden from the last layer but one and pooled from the last. */
    for (int i = 0; i <= config->layers; i++) {
        if (i == taken) {
            if (config->final_norm)
                layer_norm(compute, hidden, x, &encoder->final_norm, 1e-5f);
            else
                copy(compute, hidden, x);
        }
        if (i == config->layers || (i >= taken && pooled.n == 0))
            break;
        layer_forward(compute, encoder, &encoder->layers[i], x);
    }
    if (pooled.n)
        pool(compute, encoder, pooled, x, tokens);
    arena_rewind(compute->scratch, mark);
}
