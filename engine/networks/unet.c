/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unet.h"

#include "unet_blocks.h"

#include <assert.h>
#include <stdlib.h>

/* A residual block and the transformer behind it, where there is one. */
typedef struct {
    ResBlock    res;
    Transformer transformer; /* depth 0: none */
} Block;

struct Unet {
    UnetConfig config;
    Linear     time[2];  /* [time_width, model_channels], [time_width, time_width] */
    Linear     label[2]; /* [time_width, adm_width], [time_width, time_width]; SDXL */
    Conv       conv_in;
    Block      down[CONFIG_MAX_LEVELS][CONFIG_MAX_BLOCKS];
    Conv       shrink[CONFIG_MAX_LEVELS]; /* behind each level but the last */
    Block      middle;
    ResBlock   middle_end;
    Block      up[CONFIG_MAX_LEVELS][CONFIG_MAX_BLOCKS + 1];
    Conv       grow[CONFIG_MAX_LEVELS]; /* behind each level but the first */
    Norm       norm_out;
    Conv       conv_out;
};

/* ---- binding ----------------------------------------------------------------------------- */

static bool block_bind(Block *block, const Checkpoint *checkpoint, const char *prefix, int in,
                       int out, int depth, int heads, const UnetConfig *config, EngineError *error)
{
    char name[96];
    snprintf(name, sizeof name, "%.80s.0", prefix);
    if (!res_block_bind(&block->res, checkpoint, name, in, out, config->time_width, error))
        return false;
    snprintf(name, sizeof name, "%.80s.1", prefix);
    return depth == 0 || transformer_bind(&block->transformer, checkpoint, name, out, heads, depth,
                                          config->context_width, error);
}

/* The way down; skips [] receives the channels of everything that the way up will want. */
static bool bind_down(Unet *unet, const Checkpoint *checkpoint, int *skips, int *skip_count,
                      EngineError *error)
{
    const UnetConfig *config = &unet->config;
    char              name[96];
    int               c = config->model_channels, index = 1;
    skips[(*skip_count)++] = c;
    for (int level = 0; level < config->levels; level++) {
        for (int i = 0; i < config->res_blocks[level]; i++, index++) {
            snprintf(name, sizeof name, "input_blocks.%d", index);
            if (!block_bind(&unet->down[level][i], checkpoint, name, c, config->channels[level],
                            config->down_depth[level][i], config->heads[level], config, error))
                return false;
            c = config->channels[level];
            skips[(*skip_count)++] = c;
        }
        if (level == config->levels - 1)
            break;
        snprintf(name, sizeof name, "input_blocks.%d.0.op", index++);
        if (!conv_bind(&unet->shrink[level], checkpoint, PART_UNET, name, c, c, 3, error))
            return false;
        skips[(*skip_count)++] = c;
    }
    return true;
}

static bool bind_up(Unet *unet, const Checkpoint *checkpoint, const int *skips, int skip_count,
                    EngineError *error)
{
    const UnetConfig *config = &unet->config;
    char              name[96];
    int               c = config->channels[config->levels - 1], index = 0;
    for (int level = config->levels - 1; level >= 0; level--) {
        bool attended = false;
        for (int i = 0; i <= config->res_blocks[level]; i++, index++) {
            snprintf(name, sizeof name, "output_blocks.%d", index);
            if (!block_bind(&unet->up[level][i], checkpoint, name, c + skips[--skip_count],
                            config->channels[level], config->up_depth[level][i],
                            config->heads[level], config, error))
                return false;
            c = config->channels[level];
            attended = config->up_depth[level][i] > 0;
        }
        if (level == 0)
            break;
        snprintf(name, sizeof name, "output_blocks.%d.%d.conv", index - 1, attended ? 2 : 1);
        if (!conv_bind(&unet->grow[level], checkpoint, PART_UNET, name, c, c, 3, error))
            return false;
    }
    return true;
}

static bool bind_all(Unet *unet, const Checkpoint *checkpoint, EngineError *error)
{
    const UnetConfig *config = &unet->config;
    int skips[CONFIG_MAX_LEVELS * (CONFIG_MAX_BLOCKS + 1) + 1], skip_count = 0;
    int last = config->levels - 1, deep = config->channels[last], wide = config->time_width;
    bool middle = config->middle_depth > 0;
    if (config->adm_width &&
        (!linear_bind(&unet->label[0], checkpoint, PART_UNET, "label_emb.0.0", config->adm_width,
                      wide, true, error) ||
         !linear_bind(&unet->label[1], checkpoint, PART_UNET, "label_emb.0.2", wide, wide, true,
                      error)))
        return false;
    return linear_bind(&unet->time[0], checkpoint, PART_UNET, "time_embed.0",
                       config->model_channels, wide, true, error) &&
           linear_bind(&unet->time[1], checkpoint, PART_UNET, "time_embed.2", wide, wide, true,
                       error) &&
           conv_bind(&unet->conv_in, checkpoint, PART_UNET, "input_blocks.0.0", config->in_channels,
                     config->model_channels, 3, error) &&
           bind_down(unet, checkpoint, skips, &skip_count, error) &&
           block_bind(&unet->middle, checkpoint, "middle_block", deep, deep, config->middle_depth,
                      config->heads[last], config, error) &&
           res_block_bind(&unet->middle_end, checkpoint,
                          middle ? "middle_block.2" : "middle_block.1", deep, deep, wide, error) &&
           bind_up(unet, checkpoint, skips, skip_count, error) &&
           norm_bind(&unet->norm_out, checkpoint, PART_UNET, "out.0", config->channels[0], error) &&
           conv_bind(&unet->conv_out, checkpoint, PART_UNET, "out.2", config->channels[0],
                     config->out_channels, 3, error);
}

Unet *unet_create(const Checkpoint *checkpoint, const UnetConfig *config, EngineError *error)
{
    Unet *unet = calloc(1, sizeof *unet);
    if (!unet) {
        fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the model.");
        return NULL;
    }
    unet->config = *config;
    if (!bind_all(unet, checkpoint, error)) {
        unet_destroy(unet);
        return NULL;
    }
    return unet;
}

void unet_destroy(Unet *unet)
{
    if (!unet)
        return;
    for (int level = 0; level < CONFIG_MAX_LEVELS; level++) {
        for (int i = 0; i < CONFIG_MAX_BLOCKS; i++)
            transformer_finish(&unet->down[level][i].transformer);
        for (int i = 0; i <= CONFIG_MAX_BLOCKS; i++)
            transformer_finish(&unet->up[level][i].transformer);
    }
    transformer_finish(&unet->middle.transformer);
    free(unet);
}

/* ---- forward ----------------------------------------------------------------------------- */

/* time [n, time_width] = silu(mlp(times) + mlp(labels)): every block wants it after silu. */
static void embed(Compute *compute, const Unet *unet, Tensor time, const float *times,
                  Tensor labels)
{
    const UnetConfig *config = &unet->config;
    ArenaMark         mark = arena_mark(compute->scratch);
    int               n = time.h;
    Tensor            waves = tensor_new(compute, ARENA_HIGH, 1, 1, n, config->model_channels);
    Tensor            hidden = tensor_new(compute, ARENA_HIGH, 1, 1, n, config->time_width);
    for (int i = 0; i < n; i++)
        embed_numbers(compute, tensor_rows(waves, i, 1), &(double){ (double)times[i] }, true);
    linear(compute, hidden, waves, &unet->time[0], false);
    activate(compute, hidden, hidden, ACTIVATION_SILU);
    linear(compute, time, hidden, &unet->time[1], false);
    if (config->adm_width) {
        linear(compute, hidden, labels, &unet->label[0], false);
        activate(compute, hidden, hidden, ACTIVATION_SILU);
        linear(compute, time, hidden, &unet->label[1], true);
    }
    activate(compute, time, time, ACTIVATION_SILU);
    arena_rewind(compute->scratch, mark);
}

static Tensor block_forward(Compute *compute, const Block *block, Tensor x,
                            const BlockContext *context)
{
    Tensor y = tensor_new(compute, ARENA_LOW, x.n, block->res.out, x.h, x.w);
    res_block_forward(compute, &block->res, y, x, context);
    if (block->transformer.depth)
        transformer_forward(compute, &block->transformer, y, context);
    return y;
}

void unet_forward(Compute *compute, const Unet *unet, Tensor out, Tensor latents,
                  const float *times, const Tensor *contexts, Tensor labels, bool wrap_x, bool wrap_y)
{
    const UnetConfig *config = &unet->config;
    ArenaMark         mark = arena_mark(compute->scratch);
    int               n = latents.n, last = config->levels - 1, skip_count = 0;
    Tensor            skips[CONFIG_MAX_LEVELS * (CONFIG_MAX_BLOCKS + 1) + 1];
    ConvSettings      plain = { .stride = 1, .wrap_x = wrap_x, .wrap_y = wrap_y };
    ConvSettings      shrink = plain, grow = plain;
    shrink.stride = 2;
    grow.upsample = true;
    assert(latents.c == config->in_channels && out.c == config->out_channels);

    Tensor time = tensor_new(compute, ARENA_LOW, 1, 1, n, config->time_width);
    embed(compute, unet, time, times, labels);
    BlockContext context = {
        time, contexts, config->norm_groups, config->norm_eps, wrap_x, wrap_y
    };

    /* Down: [n, in, h, w] -> [n, channels[last], h / 2^last, w / 2^last], keeping every output. */
    Tensor x = tensor_new(compute, ARENA_LOW, n, config->model_channels, latents.h, latents.w);
    conv2d(compute, x, latents, &unet->conv_in, &plain);
    skips[skip_count++] = x;
    for (int level = 0; level <= last; level++) {
        for (int i = 0; i < config->res_blocks[level]; i++) {
            x = block_forward(compute, &unet->down[level][i], x, &context);
            skips[skip_count++] = x;
        }
        if (level < last) {
            Tensor half = tensor_new(compute, ARENA_LOW, n, x.c, (x.h + 1) / 2, (x.w + 1) / 2);
            conv2d(compute, half, x, &unet->shrink[level], &shrink);
            skips[skip_count++] = x = half;
        }
    }

    /* Middle. */
    x = block_forward(compute, &unet->middle, x, &context);
    Tensor middle = tensor_new(compute, ARENA_LOW, n, x.c, x.h, x.w);
    res_block_forward(compute, &unet->middle_end, middle, x, &context);
    x = middle;

    /* Up: each block takes the skip of its size; growing meets the next skip's size, odd too. */
    for (int level = last; level >= 0; level--) {
        for (int i = 0; i <= config->res_blocks[level]; i++) {
            const Block *block = &unet->up[level][i];
            Tensor       skip = skips[--skip_count];
            Tensor       y = tensor_new(compute, ARENA_LOW, n, block->res.out, x.h, x.w);
            ArenaMark    joint = arena_mark(compute->scratch);
            Tensor       both = tensor_new(compute, ARENA_HIGH, n, x.c + skip.c, x.h, x.w);
            concatenate(compute, both, x, skip);
            res_block_forward(compute, &block->res, y, both, &context);
            arena_rewind(compute->scratch, joint);
            if (block->transformer.depth)
                transformer_forward(compute, &block->transformer, y, &context);
            x = y;
        }
        if (level > 0) {
            grow.out_h = skips[skip_count - 1].h;
            grow.out_w = skips[skip_count - 1].w;
            Tensor larger = tensor_new(compute, ARENA_LOW, n, x.c, grow.out_h, grow.out_w);
            conv2d(compute, larger, x, &unet->grow[level], &grow);
            x = larger;
        }
    }

    /* Out: norm, silu, 3x3 convolution. */
    plain.scale = tensor_new(compute, ARENA_LOW, 1, 1, n, x.c);
    plain.shift = tensor_new(compute, ARENA_LOW, 1, 1, n, x.c);
    group_norm_prepare(compute, plain.scale, plain.shift, x, &unet->norm_out, config->norm_groups,
                       config->norm_eps);
    plain.before = ACTIVATION_SILU;
    conv2d(compute, out, x, &unet->conv_out, &plain);
    arena_rewind(compute->scratch, mark);
}
