/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unet_blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows do not see each other, so that the cut changes no number.  SD 1.x's first level has 16384
 * tokens at 1024 x 1024: 160 MiB for the middle of its feed-forward at once, 10 MiB so. */
enum { FEED_ROWS = 1024 /* tokens of a feed-forward at a time */ };

/* ---- binding ----------------------------------------------------------------------------- */

void res_block_bind(ResBlock *block, Binder *binder, const char *place, int in, int out,
                    int time_width)
{
    *block = (ResBlock){ .in = in, .out = out };
    binder_norm(binder, &block->norm1, in, "%s.in_layers.0", place);
    binder_conv(binder, &block->conv1, in, out, 3, "%s.in_layers.2", place);
    binder_linear(binder, &block->time, time_width, out, "%s.emb_layers.1", place);
    binder_norm(binder, &block->norm2, out, "%s.out_layers.0", place);
    binder_conv(binder, &block->conv2, out, out, 3, "%s.out_layers.3", place);
    if (in != out)
        binder_conv(binder, &block->shortcut, in, out, 1, "%s.skip_connection", place);
}

/* Self-attention (attn1), attention to the text (attn2), feed-forward. */
static void layer_bind(TransformerLayer *layer, Binder *binder, const char *place, int index, int c,
                       int context_width)
{
    char name[96];
    snprintf(name, sizeof name, "%.64s.transformer_blocks.%d", place, index);
    for (int i = 0; i < 2; i++) {
        int from = i ? context_width : c;
        binder_norm(binder, &layer->norm[i], c, "%s.norm%d", name, i + 1);
        /* LDM's CrossAttention: no bias but in to_out. */
        binder_matrix(binder, &layer->query[i], c, c, "%s.attn%d.to_q", name, i + 1);
        binder_matrix(binder, &layer->key[i], from, c, "%s.attn%d.to_k", name, i + 1);
        binder_matrix(binder, &layer->value[i], from, c, "%s.attn%d.to_v", name, i + 1);
        binder_linear(binder, &layer->out[i], c, c, "%s.attn%d.to_out.0", name, i + 1);
    }
    binder_norm(binder, &layer->norm[2], c, "%s.norm3", name);
    binder_linear(binder, &layer->feed_in, c, 8 * c, "%s.ff.net.0.proj", name);
    binder_linear(binder, &layer->feed_out, 4 * c, c, "%s.ff.net.2", name);
}

void transformer_bind(Transformer *transformer, Binder *binder, const char *place, int c, int heads,
                      int depth, int context_width)
{
    *transformer = (Transformer){ .c = c, .heads = heads, .context_width = context_width };
    transformer->layers = binder_new(binder, (size_t)depth, sizeof *transformer->layers);
    transformer->depth = transformer->layers ? depth : 0;
    binder_norm(binder, &transformer->norm, c, "%s.norm", place);
    binder_linear(binder, &transformer->proj_in, c, c, "%s.proj_in", place);
    binder_linear(binder, &transformer->proj_out, c, c, "%s.proj_out", place);
    for (int i = 0; i < transformer->depth; i++)
        layer_bind(&transformer->layers[i], binder, place, i, c, context_width);
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
    /* Norm and silu are not stored: a scale and a shift for each item and channel, [n, in] and then
     * [n, out] in the same memory, which conv2d() applies as it reads. */
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
    /* torch.nn.LayerNorm's default eps; the group norm before all layers has 1e-6. */
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
    /* Added: tokens are the residual. */
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
