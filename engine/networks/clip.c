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
