/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unet_blocks.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 192, FEED_ROWS = 1024 /* tokens of a feed-forward at a time */ };

/* ---- binding ----------------------------------------------------------------------------- */

/* Names are well below NAME_SIZE; one that is not would be cut and then not be found. */
static const char *join(char name[NAME_SIZE], const char *prefix, const char *suffix)
{
    snprintf(name, NAME_SIZE, "%.120s%.60s", prefix, suffix);
    return name;
}

static bool bind(Weight *weight, const Checkpoint *checkpoint, CheckpointPart part,
                 const char *prefix, const char *suffix, int d0, int d1, int d2, int d3,
                 EngineError *error)
{
    char name[NAME_SIZE];
    return checkpoint_bind(checkpoint, part, join(name, prefix, suffix), weight, d0, d1, d2, d3,
                           error);
}

bool conv_bind(Conv *conv, const Checkpoint *checkpoint, CheckpointPart part, const char *prefix,
               int in, int out, int kernel, EngineError *error)
{
    return bind(&conv->weight, checkpoint, part, prefix, ".weight", out, in, kernel, kernel,
                error) &&
           bind(&conv->bias, checkpoint, part, prefix, ".bias", out, 1, 1, 1, error);
}

bool linear_bind(Linear *layer, const Checkpoint *checkpoint, CheckpointPart part,
                 const char *prefix, int in, int out, bool bias, EngineError *error)
{
    layer->bias = (Weight){ 0 };
    return bind(&layer->weight, checkpoint, part, prefix, ".weight", out, in, 1, 1, error) &&
           (!bias || bind(&layer->bias, checkpoint, part, prefix, ".bias", out, 1, 1, 1, error));
}

bool norm_bind(Norm *norm, const Checkpoint *checkpoint, CheckpointPart part, const char *prefix,
               int c, EngineError *error)
{
    return bind(&norm->gain, checkpoint, part, prefix, ".weight", c, 1, 1, 1, error) &&
           bind(&norm->bias, checkpoint, part, prefix, ".bias", c, 1, 1, 1, error);
}

bool res_block_bind(ResBlock *block, const Checkpoint *checkpoint, const char *prefix, int in,
                    int out, int time_width, EngineError *error)
{
    char name[NAME_SIZE];
    *block = (ResBlock){ .in = in, .out = out };
    if (in != out && !conv_bind(&block->shortcut, checkpoint, PART_UNET,
                                join(name, prefix, ".skip_connection"), in, out, 1, error))
        return false;
    return norm_bind(&block->norm1, checkpoint, PART_UNET, join(name, prefix, ".in_layers.0"), in,
                     error) &&
           conv_bind(&block->conv1, checkpoint, PART_UNET, join(name, prefix, ".in_layers.2"), in,
                     out, 3, error) &&
           linear_bind(&block->time, checkpoint, PART_UNET, join(name, prefix, ".emb_layers.1"),
                       time_width, out, true, error) &&
           norm_bind(&block->norm2, checkpoint, PART_UNET, join(name, prefix, ".out_layers.0"), out,
                     error) &&
           conv_bind(&block->conv2, checkpoint, PART_UNET, join(name, prefix, ".out_layers.3"), out,
                     out, 3, error);
}

static bool layer_bind(TransformerLayer *layer, const Checkpoint *checkpoint, const char *prefix,
                       int c, int context_width, EngineError *error)
{
    char name[NAME_SIZE], part[32];
    for (int i = 0; i < 3; i++) {
        snprintf(part, sizeof part, ".norm%d", i + 1);
        if (!norm_bind(&layer->norm[i], checkpoint, PART_UNET, join(name, prefix, part), c, error))
            return false;
    }
    for (int i = 0; i < 2; i++) {
        struct {
            Linear     *layer;
            const char *suffix;
            int         in;
            bool        bias;
        } all[] = { { &layer->query[i], "to_q", c, false },
                    { &layer->key[i], "to_k", i ? context_width : c, false },
                    { &layer->value[i], "to_v", i ? context_width : c, false },
                    { &layer->out[i], "to_out.0", c, true } };
        for (int k = 0; k < 4; k++) {
            snprintf(part, sizeof part, ".attn%d.%s", i + 1, all[k].suffix);
            if (!linear_bind(all[k].layer, checkpoint, PART_UNET, join(name, prefix, part),
                             all[k].in, c, all[k].bias, error))
                return false;
        }
    }
    return linear_bind(&layer->feed_in, checkpoint, PART_UNET, join(name, prefix, ".ff.net.0.proj"),
                       c, 8 * c, true, error) &&
           linear_bind(&layer->feed_out, checkpoint, PART_UNET, join(name, prefix, ".ff.net.2"),
                       4 * c, c, true, error);
}

bool transformer_bind(Transformer *transformer, const Checkpoint *checkpoint, const char *prefix,
                      int c, int heads, int depth, int context_width, EngineError *error)
{
    char name[NAME_SIZE], part[48];
    *transformer = (Transformer){ .c = c, .heads = heads, .depth = depth,
                                  .context_width = context_width };
    transformer->layers = calloc((size_t)depth, sizeof *transformer->layers);
    if (!transformer->layers)
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the model.");
    for (int i = 0; i < depth; i++) {
        snprintf(part, sizeof part, ".transformer_blocks.%d", i);
        if (!layer_bind(&transformer->layers[i], checkpoint, join(name, prefix, part), c,
                        context_width, error))
            return false;
    }
    return norm_bind(&transformer->norm, checkpoint, PART_UNET, join(name, prefix, ".norm"), c,
                     error) &&
           linear_bind(&transformer->proj_in, checkpoint, PART_UNET, join(name, prefix, ".proj_in"),
                       c, c, true, error) &&
           linear_bind(&transformer->proj_out, checkpoint, PART_UNET,
                       join(name, prefix, ".proj_out"), c, c, true, error);
}

void transformer_finish(Transformer *transformer)
{
    free(transformer->layers);
    transformer->layers = NULL;
}

/* ---- forward ----------------------------------------------------------------------------- */

void res_block_forward(Compute *compute, const ResBlock *block, Tensor y, Tensor x,
                       const BlockContext *context)
{
    ArenaMark    mark = arena_mark(compute->scratch);
    Tensor       hidden = tensor_new(compute, ARENA_HIGH, x.n, block->out, x.h, x.w);
    Tensor       time = tensor_new(compute, ARENA_HIGH, 1, 1, x.n, block->out);
    int          widest = block->in > block->out ? block->in : block->out;
    Tensor       scale = tensor_new(compute, ARENA_HIGH, 1, 1, x.n, widest);
    Tensor       shift = tensor_new(compute, ARENA_HIGH, 1, 1, x.n, widest);
    ConvSettings normed = { .stride = 1, .before = ACTIVATION_SILU, .wrap_x = context->wrap_x,
                            .wrap_y = context->wrap_y };

    /* hidden = conv1(silu(norm1(x))) + time */
    normed.scale = tensor_as(scale, 1, 1, x.n, block->in);
    normed.shift = tensor_as(shift, 1, 1, x.n, block->in);
    normed.channel_add = time;
    linear(compute, time, context->time, &block->time, false);
    group_norm_prepare(compute, normed.scale, normed.shift, x, &block->norm1, context->groups,
                       context->eps);
    conv2d(compute, hidden, x, &block->conv1, &normed);

    /* y = shortcut(x) + conv2(silu(norm2(hidden))) */
    if (block->in != block->out)
        conv2d(compute, y, x, &block->shortcut, &(ConvSettings){ .stride = 1 });
    else
        copy(compute, y, x);
    normed.scale = tensor_as(scale, 1, 1, x.n, block->out);
    normed.shift = tensor_as(shift, 1, 1, x.n, block->out);
    normed.channel_add = (Tensor){ 0 };
    normed.accumulate = true;
    group_norm_prepare(compute, normed.scale, normed.shift, hidden, &block->norm2,
                       context->groups, context->eps);
    conv2d(compute, y, hidden, &block->conv2, &normed);
    arena_rewind(compute->scratch, mark);
}

/* tokens [n * t, c] += attention of its normed rows: over themselves, or over the contexts. */
static void attend(Compute *compute, const Transformer *transformer, const TransformerLayer *layer,
                   int which, Tensor tokens, Tensor normed, int n, int t, const Tensor *contexts)
{
    int       c = transformer->c, rows = n * t, heads = transformer->heads;
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    query = tensor_new(compute, ARENA_HIGH, 1, 1, rows, c);
    Tensor    mixed = tensor_new(compute, ARENA_HIGH, 1, 1, rows, c);
    layer_norm(compute, normed, tokens, &layer->norm[which], 1e-5f);
    linear(compute, query, normed, &layer->query[which], false);
    if (which == 0) {
        Tensor key = tensor_new(compute, ARENA_HIGH, 1, 1, rows, c);
        Tensor value = tensor_new(compute, ARENA_HIGH, 1, 1, rows, c);
        linear(compute, key, normed, &layer->key[0], false);
        linear(compute, value, normed, &layer->value[0], false);
        for (int i = 0; i < n; i++) /* an item sees its own tokens only */
            attention(compute, tensor_rows(mixed, i * t, t), tensor_rows(query, i * t, t),
                      tensor_rows(key, i * t, t), tensor_rows(value, i * t, t), heads, false);
    } else {
        for (int i = 0; i < n; i++) { /* contexts differ in length */
            ArenaMark item = arena_mark(compute->scratch);
            Tensor    key = tensor_new(compute, ARENA_HIGH, 1, 1, contexts[i].h, c);
            Tensor    value = tensor_new(compute, ARENA_HIGH, 1, 1, contexts[i].h, c);
            linear(compute, key, contexts[i], &layer->key[1], false);
            linear(compute, value, contexts[i], &layer->value[1], false);
            attention(compute, tensor_rows(mixed, i * t, t), tensor_rows(query, i * t, t), key,
                      value, heads, false);
            arena_rewind(compute->scratch, item);
        }
    }
    linear(compute, tokens, mixed, &layer->out[which], true);
    arena_rewind(compute->scratch, mark);
}

/* tokens += feed_out(geglu(feed_in(norm3(tokens)))), some rows at a time: the middle is 8 times as
 * wide. */
static void feed_forward(Compute *compute, const TransformerLayer *layer, Tensor tokens,
                         Tensor normed)
{
    ArenaMark mark = arena_mark(compute->scratch);
    int       rows = tokens.h, c = tokens.w, most = rows < FEED_ROWS ? rows : FEED_ROWS;
    Tensor    wide = tensor_new(compute, ARENA_HIGH, 1, 1, most, 8 * c);
    Tensor    gated = tensor_new(compute, ARENA_HIGH, 1, 1, most, 4 * c);
    layer_norm(compute, normed, tokens, &layer->norm[2], 1e-5f);
    for (int row = 0; row < rows; row += most) {
        int    count = rows - row < most ? rows - row : most;
        Tensor some_wide = tensor_rows(wide, 0, count), some_gated = tensor_rows(gated, 0, count);
        linear(compute, some_wide, tensor_rows(normed, row, count), &layer->feed_in, false);
        geglu(compute, some_gated, some_wide);
        linear(compute, tensor_rows(tokens, row, count), some_gated, &layer->feed_out, true);
    }
    arena_rewind(compute->scratch, mark);
}

void transformer_forward(Compute *compute, const Transformer *transformer, Tensor x,
                         const BlockContext *context)
{
    int       c = transformer->c, t = x.h * x.w, rows = x.n * t;
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    tokens = tensor_new(compute, ARENA_HIGH, 1, 1, rows, c);
    Tensor    normed = tensor_new(compute, ARENA_HIGH, 1, 1, rows, c);
    Tensor    scale = tensor_new(compute, ARENA_HIGH, 1, 1, x.n, c);
    Tensor    shift = tensor_new(compute, ARENA_HIGH, 1, 1, x.n, c);
    Tensor    image = tensor_as(tokens, x.n, c, x.h, x.w); /* the tokens' memory, before they are */

    /* norm and proj_in: [n, c, h, w] -> tokens [n * t, c] */
    group_norm_prepare(compute, scale, shift, x, &transformer->norm, context->groups, 1e-6f);
    affine(compute, image, x, scale, shift, ACTIVATION_NONE);
    image_to_tokens(compute, normed, image);
    linear(compute, tokens, normed, &transformer->proj_in, false);

    for (int i = 0; i < transformer->depth; i++) {
        const TransformerLayer *layer = &transformer->layers[i];
        attend(compute, transformer, layer, 0, tokens, normed, x.n, t, NULL);
        attend(compute, transformer, layer, 1, tokens, normed, x.n, t, context->contexts);
        feed_forward(compute, layer, tokens, normed);
    }

    /* x += proj_out(tokens) */
    linear(compute, normed, tokens, &transformer->proj_out, false);
    tokens_to_image(compute, x, normed, true);
    arena_rewind(compute->scratch, mark);
}
