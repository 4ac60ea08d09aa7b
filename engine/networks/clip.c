/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clip.h"

#include "unet_blocks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Norm   norm1, norm2;
    Linear query, key, value, out; /* [width, width] */
    Linear feed_in, feed_out;      /* [feed_forward, width], [width, feed_forward] */
} Layer;

struct Clip {
    TextConfig config;
    Weight     token_embedding;    /* [vocabulary, width] */
    Weight     position_embedding; /* [positions, width] */
    Layer     *layers;             /* [config.layers], owned */
    Norm       final_norm;
    Linear     projection;            /* [projection, width]; SDXL's second encoder */
    bool       projection_transposed; /* [width, projection] instead */
};

/* ---- binding ----------------------------------------------------------------------------- */

static bool bind_layer(Layer *layer, const Checkpoint *checkpoint, CheckpointPart part, int index,
                       const TextConfig *config, EngineError *error)
{
    int width = config->width, wide = config->feed_forward;
    struct {
        Linear     *linear;
        const char *name;
        int         in, out;
    } linears[] = { { &layer->query, "self_attn.q_proj", width, width },
                    { &layer->key, "self_attn.k_proj", width, width },
                    { &layer->value, "self_attn.v_proj", width, width },
                    { &layer->out, "self_attn.out_proj", width, width },
                    { &layer->feed_in, "mlp.fc1", width, wide },
                    { &layer->feed_out, "mlp.fc2", wide, width } };
    char name[128];
    for (size_t i = 0; i < sizeof linears / sizeof *linears; i++) {
        snprintf(name, sizeof name, "text_model.encoder.layers.%d.%s", index, linears[i].name);
        if (!linear_bind(linears[i].linear, checkpoint, part, name, linears[i].in, linears[i].out,
                         true, error))
            return false;
    }
    for (int i = 1; i <= 2; i++) {
        snprintf(name, sizeof name, "text_model.encoder.layers.%d.layer_norm%d", index, i);
        if (!norm_bind(i == 1 ? &layer->norm1 : &layer->norm2, checkpoint, part, name, width,
                       error))
            return false;
    }
    return true;
}

static bool bind_all(Clip *encoder, const Checkpoint *checkpoint, CheckpointPart part,
                     EngineError *error)
{
    const TextConfig *config = &encoder->config;
    const char       *projection = "text_projection.weight";
    if (!checkpoint_bind(checkpoint, part, "text_model.embeddings.token_embedding.weight",
                         &encoder->token_embedding, config->vocabulary, config->width, 1, 1,
                         error) ||
        !checkpoint_bind(checkpoint, part, "text_model.embeddings.position_embedding.weight",
                         &encoder->position_embedding, config->positions, config->width, 1, 1,
                         error) ||
        !norm_bind(&encoder->final_norm, checkpoint, part, "text_model.final_layer_norm",
                   config->width, error))
        return false;
    for (int i = 0; i < config->layers; i++)
        if (!bind_layer(&encoder->layers[i], checkpoint, part, i, config, error))
            return false;
    if (config->projection == 0)
        return true;
    encoder->projection_transposed = checkpoint_is_transposed(checkpoint, part, projection);
    return encoder->projection_transposed
               ? checkpoint_bind(checkpoint, part, projection, &encoder->projection.weight,
                                 config->width, config->projection, 1, 1, error)
               : checkpoint_bind(checkpoint, part, projection, &encoder->projection.weight,
                                 config->projection, config->width, 1, 1, error);
}

Clip *clip_create(const Checkpoint *checkpoint, CheckpointPart part,
                                 const TextConfig *config, EngineError *error)
{
    Clip *encoder = calloc(1, sizeof *encoder);
    if (encoder)
        encoder->layers = calloc((size_t)config->layers, sizeof *encoder->layers);
    if (!encoder || !encoder->layers) {
        fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the text encoder.");
        clip_destroy(encoder);
        return NULL;
    }
    encoder->config = *config;
    if (!bind_all(encoder, checkpoint, part, error)) {
        clip_destroy(encoder);
        return NULL;
    }
    return encoder;
}

void clip_destroy(Clip *encoder)
{
    if (!encoder)
        return;
    free(encoder->layers);
    free(encoder);
}

/* ---- forward ----------------------------------------------------------------------------- */

/* x [t, width] = row of each token + row of each position. */
static void embed(const Clip *encoder, float *x, float *row, const int *tokens, int t)
{
    size_t width = (size_t)encoder->config.width;
    for (int i = 0; i < t; i++) {
        assert(tokens[i] >= 0 && tokens[i] < encoder->config.vocabulary);
        float *to = x + (size_t)i * width;
        weight_to_float(to, &encoder->token_embedding, (size_t)tokens[i] * width, width);
        weight_to_float(row, &encoder->position_embedding, (size_t)i * width, width);
        for (size_t k = 0; k < width; k++)
            to[k] += row[k];
    }
}

static void layer_forward(Compute *compute, const Clip *encoder, const Layer *layer,
                          float *x, int t)
{
    const TextConfig *config = &encoder->config;
    int               width = config->width, wide = config->feed_forward;
    ArenaMark         mark = arena_mark(compute->scratch);
    float *normed = tensor_new(compute, ARENA_HIGH, 1, 1, t, width).data;
    float *query = tensor_new(compute, ARENA_HIGH, 1, 1, t, width).data;
    float *key = tensor_new(compute, ARENA_HIGH, 1, 1, t, width).data;
    float *value = tensor_new(compute, ARENA_HIGH, 1, 1, t, width).data;
    float *middle = tensor_new(compute, ARENA_HIGH, 1, 1, t, wide).data;

    layer_norm(compute, normed, x, t, width, &layer->norm1, 1e-5f);
    linear(compute, query, normed, t, &layer->query, false);
    linear(compute, key, normed, t, &layer->key, false);
    linear(compute, value, normed, t, &layer->value, false);
    attention(compute, normed, query, key, value, t, t, config->heads, width / config->heads, width,
              width, true);
    linear(compute, x, normed, t, &layer->out, true);

    layer_norm(compute, normed, x, t, width, &layer->norm2, 1e-5f);
    linear(compute, middle, normed, t, &layer->feed_in, false);
    activate(compute, middle, middle, (size_t)t * (size_t)wide,
             config->quick_gelu ? ACTIVATION_QUICK_GELU : ACTIVATION_GELU);
    linear(compute, x, middle, t, &layer->feed_out, true);
    arena_rewind(compute->scratch, mark);
}

/* pooled [projection] = the normed last layer at the first end token, projected. */
static void pool(Compute *compute, const Clip *encoder, float *pooled, const float *x,
                 const int *tokens, int t)
{
    const TextConfig *config = &encoder->config;
    int               width = config->width, at = 0;
    ArenaMark         mark = arena_mark(compute->scratch);
    float *normed = tensor_new(compute, ARENA_HIGH, 1, 1, 1, width).data;
    float *row = tensor_new(compute, ARENA_HIGH, 1, 1, 1, config->projection).data;
    bool   dry = compute_dry(compute);
    while (at < t - 1 && tokens[at] != config->end_token)
        at++;
    layer_norm(compute, normed, dry ? NULL : x + (size_t)at * (size_t)width, 1, width,
               &encoder->final_norm, 1e-5f);
    if (!encoder->projection_transposed) {
        linear(compute, pooled, normed, 1, &encoder->projection, false);
    } else if (!dry) {
        size_t count = (size_t)config->projection;
        memset(pooled, 0, count * sizeof *pooled);
        for (int i = 0; i < width; i++) {
            weight_to_float(row, &encoder->projection.weight, (size_t)i * count, count);
            for (size_t k = 0; k < count; k++)
                pooled[k] += normed[i] * row[k];
        }
    }
    arena_rewind(compute->scratch, mark);
}

void clip_forward(Compute *compute, const Clip *encoder, float *hidden,
                          float *pooled, const int *tokens, int t, int skip)
{
    const TextConfig *config = &encoder->config;
    int               width = config->width;
    int               taken = config->layers + 1 + config->output_layer - skip; /* layers run */
    bool              dry = compute_dry(compute);
    size_t            bytes = (size_t)t * (size_t)width * sizeof *hidden;
    ArenaMark         mark = arena_mark(compute->scratch);
    assert(t <= config->positions && taken >= 0);

    float *x = tensor_new(compute, ARENA_HIGH, 1, 1, t, width).data;
    float *row = tensor_new(compute, ARENA_HIGH, 1, 1, 1, width).data;
    if (!dry)
        embed(encoder, x, row, tokens, t);
    bool want_pooled = config->projection > 0 && (dry || pooled);
    for (int i = 0; i <= config->layers; i++) {
        if (i == taken) {
            if (config->final_norm)
                layer_norm(compute, hidden, x, t, width, &encoder->final_norm, 1e-5f);
            else if (!dry)
                memcpy(hidden, x, bytes);
        }
        if (i == config->layers || (i >= taken && !want_pooled))
            break;
        layer_forward(compute, encoder, &encoder->layers[i], x, t);
    }
    if (want_pooled)
        pool(compute, encoder, pooled, x, tokens, t);
    arena_rewind(compute->scratch, mark);
}
