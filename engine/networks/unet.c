/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unet.h"

#include "unet_blocks.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A residual block and the transformer behind it, where there is one. */
typedef struct {
    ResBlock    res;
    Transformer transformer; /* depth 0: none */
} Block;

struct Unet {
    WeightStore *store; /* that knows the weights, or NULL */
    UnetConfig config;
    Linear     time[2];  /* [time_width, model_channels], [time_width, time_width] */
    Linear     guidance; /* [model_channels, guidance_width]; LCM */
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

/* Widths of what goes down wait in `widths` for the way up. */
typedef struct {
    int widths[CONFIG_MAX_LEVELS * (CONFIG_MAX_BLOCKS + 1) + 1];
    int count;
} Skips;

static void block_bind(Block *block, Binder *binder, const UnetConfig *config, const char *place, int in,
                       int out, int depth, int heads)
{
    char name[64];
    snprintf(name, sizeof name, "%.48s.0", place);
    res_block_bind(&block->res, binder, name, in, out, config->time_width);
    snprintf(name, sizeof name, "%.48s.1", place);
    if (depth > 0)
        transformer_bind(&block->transformer, binder, name, out, heads, depth, config->context_width);
}

/* input_blocks.0 is conv_in; each block behind it has a number of its own, and so has each
 * downsampler.  Returns the channels that the middle gets. */
static int bind_down(Unet *unet, Binder *binder, Skips *skips)
{
    const UnetConfig *config = &unet->config;
    char              place[32];
    int               c = config->model_channels, index = 1;
    skips->widths[skips->count++] = c;
    for (int level = 0; level < config->levels; level++) {
        for (int i = 0; i < config->res_blocks[level]; i++, index++) {
            snprintf(place, sizeof place, "input_blocks.%d", index);
            block_bind(&unet->down[level][i], binder, config, place, c, config->channels[level],
                       config->down_depth[level][i], config->heads[level]);
            skips->widths[skips->count++] = c = config->channels[level];
        }
        if (level == config->levels - 1)
            break;
        binder_conv(binder, &unet->shrink[level], c, c, 3, "input_blocks.%d.0.op", index++);
        skips->widths[skips->count++] = c;
    }
    return c;
}

static void bind_middle(Unet *unet, Binder *binder, int c)
{
    const UnetConfig *config = &unet->config;
    char              place[32];
    /* Behind a transformer the second residual block is number 2, without one number 1. */
    snprintf(place, sizeof place, "middle_block.%d", config->middle_end);
    if (config->has_middle)
        block_bind(&unet->middle, binder, config, "middle_block", c, c, config->middle_depth,
                   config->heads[config->levels - 1]);
    if (config->middle_end)
        res_block_bind(&unet->middle_end, binder, place, c, c, config->time_width);
}

static void bind_up(Unet *unet, Binder *binder, Skips *skips, int c)
{
    const UnetConfig *config = &unet->config;
    char              place[32];
    int               index = 0;
    for (int level = config->levels - 1; level >= 0; level--)
        for (int i = 0; i <= config->res_blocks[level]; i++, index++) {
            int depth = config->up_depth[level][i];
            snprintf(place, sizeof place, "output_blocks.%d", index);
            block_bind(&unet->up[level][i], binder, config, place, c + skips->widths[--skips->count],
                       config->channels[level], depth, config->heads[level]);
            c = config->channels[level];
            /* An upsampler has no number of its own: it stands in its level's last block, behind
             * the transformer where there is one. */
            if (level > 0 && i == config->res_blocks[level])
                binder_conv(binder, &unet->grow[level], c, c, 3, "output_blocks.%d.%d.conv", index,
                            depth ? 2 : 1);
        }
}

static bool has_attention(const UnetConfig *config, int level)
{
    int depth = level == config->levels - 1 ? config->middle_depth : 0;
    for (int i = 0; i <= config->res_blocks[level]; i++)
        depth += (i < config->res_blocks[level] ? config->down_depth[level][i] : 0) +
                 config->up_depth[level][i];
    return depth > 0;
}

/* What group norms and attention assert, and what shapes cannot say. */
static void check_numbers(const UnetConfig *config, Binder *binder)
{
    bool attended = false;
    binder_groups(binder, "U-Net", &config->model_channels, 1, config->norm_groups);
    binder_groups(binder, "U-Net", config->channels, config->levels, config->norm_groups);
    for (int i = 0; i < config->levels; i++) {
        int heads = config->heads[i];
        attended = attended || has_attention(config, i);
        if (has_attention(config, i) && (heads <= 0 || config->channels[i] % heads)) {
            binder_fault(binder, "level %d's %d channels do not divide into %d heads", i,
                         config->channels[i], heads);
            break;
        }
    }
    if (!attended)
        binder_fault(binder, "the U-Net has no attention: no text can steer it");
}

/* The one description of the network. */
static void bind_all(Unet *unet, Binder *binder)
{
    const UnetConfig *config = &unet->config;
    Skips             skips = { .count = 0 };
    int               wide = config->time_width;
    binder->part = PART_UNET;
    binder_conv(binder, &unet->conv_in, config->in_channels, config->model_channels, 3,
                "input_blocks.0.0");
    binder_linear(binder, &unet->time[0], config->model_channels, wide, "time_embed.0");
    binder_linear(binder, &unet->time[1], wide, wide, "time_embed.2");
    if (config->guidance_width)
        binder_matrix(binder, &unet->guidance, config->guidance_width, config->model_channels,
                      "time_embed.cond_proj");
    if (config->adm_width) {
        binder_linear(binder, &unet->label[0], config->adm_width, wide, "label_emb.0.0");
        binder_linear(binder, &unet->label[1], wide, wide, "label_emb.0.2");
    }
    int c = bind_down(unet, binder, &skips);
    bind_middle(unet, binder, c);
    bind_up(unet, binder, &skips, c);
    binder_norm(binder, &unet->norm_out, config->channels[0], "out.0");
    binder_conv(binder, &unet->conv_out, config->channels[0], config->out_channels, 3, "out.2");
    check_numbers(config, binder);
}

/* NULL: no memory. */
static Unet *walk(Binder *binder, const UnetConfig *config)
{
    Unet *unet = binder_new(binder, 1, sizeof *unet);
    if (config->excess)
        binder_fault(binder, "%s", config->excess);
    if (!unet)
        return NULL;
    unet->config = *config;
    unet->store = binder->store;
    if (!config->excess)
        bind_all(unet, binder);
    return unet;
}

void unet_collect(Binder *binder, const UnetConfig *config)
{
    unet_destroy(walk(binder, config));
}

Unet *unet_create(const Checkpoint *checkpoint, const UnetConfig *config, EngineError *error)
{
    Binder binder;
    binder_init_store(&binder, checkpoint, PART_UNET);
    Unet *unet = walk(&binder, config);
    if (binder_finish(&binder, error))
        return unet;
    unet_destroy(unet);
    return NULL;
}

void unet_destroy(Unet *unet)
{
    if (!unet)
        return;
    if (unet->store)
        weight_store_forget(unet->store, PART_UNET);
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

/* waves [n, model_channels] += guidance's part: sines, then cosines, of the scale less 1 in thousandths
 * (diffusers' LCM pipeline, get_guidance_scale_embedding()); Luo et al. 2023, arXiv:2310.04378, section 4.2. */
static void add_guidance(Compute *compute, const Unet *unet, Tensor waves, float guidance)
{
    int       width = unet->config.guidance_width, half = width / 2;
    float     numbers[CONFIG_MAX_GUIDANCE] = { 0 };
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    scale = tensor_new(compute, ARENA_HIGH, 1, 1, 1, width);
    for (int k = 0; k < half; k++) {
        double angle = ((double)guidance - 1) * 1000 * (half > 1 ? exp(-log(10000.0) * k / (half - 1)) : 1);
        numbers[k] = (float)sin(angle);
        numbers[half + k] = (float)cos(angle);
    }
    upload(compute, scale, numbers);
    for (int i = 0; i < waves.h; i++)
        linear(compute, tensor_rows(waves, i, 1), scale, &unet->guidance, true);
    arena_rewind(compute->scratch, mark);
}

/* time [n, time_width] = silu(mlp(times) + mlp(labels)): every block wants it after silu. */
static void embed(Compute *compute, const Unet *unet, Tensor time, const float *times,
                  Tensor labels, float guidance)
{
    const UnetConfig *config = &unet->config;
    ArenaMark         mark = arena_mark(compute->scratch);
    int               n = time.h;
    Tensor            waves = tensor_new(compute, ARENA_HIGH, 1, 1, n, config->model_channels);
    Tensor            hidden = tensor_new(compute, ARENA_HIGH, 1, 1, n, config->time_width);
    for (int i = 0; i < n; i++)
        embed_numbers(compute, tensor_rows(waves, i, 1), &(double){ (double)times[i] }, true);
    if (config->guidance_width)
        add_guidance(compute, unet, waves, guidance);
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
                  const float *times, const Tensor *contexts, Tensor labels, float guidance, bool wrap_x,
                  bool wrap_y)
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

    /* What goes down stays at the arena's low end until the pass is over, for the way up wants it
     * again; a block's scratch comes from the high end and is given back behind it. */
    Tensor time = tensor_new(compute, ARENA_LOW, 1, 1, n, config->time_width);
    embed(compute, unet, time, times, labels, guidance);
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
            /* Stride 2 with a pixel of padding on all sides: odd sides are rounded up, not cut. */
            Tensor half = tensor_new(compute, ARENA_LOW, n, x.c, (x.h + 1) / 2, (x.w + 1) / 2);
            conv2d(compute, half, x, &unet->shrink[level], &shrink);
            skips[skip_count++] = x = half;
        }
    }

    /* Middle. */
    if (config->has_middle)
        x = block_forward(compute, &unet->middle, x, &context);
    if (config->middle_end) {
        Tensor middle = tensor_new(compute, ARENA_LOW, n, x.c, x.h, x.w);
        res_block_forward(compute, &unet->middle_end, middle, x, &context);
        x = middle;
    }

    /* Up: each block takes the skip of its size; growing meets the next skip's size, odd too. */
    for (int level = last; level >= 0; level--) {
        for (int i = 0; i <= config->res_blocks[level]; i++) {
            const Block *block = &unet->up[level][i];
            Tensor       skip = skips[--skip_count];
            Tensor       y = tensor_new(compute, ARENA_LOW, n, block->res.out, x.h, x.w);
            ArenaMark    joint = arena_mark(compute->scratch);
            Tensor       both = tensor_new(compute, ARENA_HIGH, n, x.c + skip.c, x.h, x.w);
            /* In the order of the weights' columns: what comes up, then the skip (torch.cat([h,
             * hs.pop()])). */
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
