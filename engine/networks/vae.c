/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory rules this file: at 1024 x 1024 one activation of 256 channels is a gigabyte.  So residual
 * blocks add to their input in place, every layer's output is taken from the arena's other end than
 * its input, norms and activations are never stored, and the last narrowing block works inside its
 * input's own memory, a band of rows at a time (narrow_in_place()). */
#include "vae.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* 64 rows and their two neighbours: 66 MiB of a picture 1024 wide with 256 channels. */
enum { BAND_ROWS = 64 };
/* LDM's Normalize(), in all blocks of the VAE. */
static const float norm_eps = 1e-6f;

/* LDM's ResnetBlock without time. */
typedef struct {
    int  in, out;
    Norm norm1, norm2;
    Conv conv1, conv2;
    Conv shortcut; /* [out, in, 1, 1], or weight.data NULL */
} Block;

/* LDM's AttnBlock: one head over all pixels. */
typedef struct {
    int    c;
    Norm   norm;
    Linear query, key, value, out; /* [c, c] */
} Attention;

typedef struct {
    Conv      conv_in;
    Block     blocks[CONFIG_MAX_LEVELS][CONFIG_MAX_BLOCKS + 1];
    Conv      resize[CONFIG_MAX_LEVELS]; /* down- or upsampling */
    Block     middle[2];
    Attention attention;
    Norm      norm_out;
    Conv      conv_out;
} Half;

struct Vae {
    WeightStore *store; /* that knows the weights, or NULL */
    VaeConfig config;
    Half      encoder, decoder;
    Conv      quant, post_quant; /* 1x1 */
};

/* ---- binding ----------------------------------------------------------------------------- */

static void bind_block(Block *block, Binder *binder, const char *place, int in, int out)
{
    *block = (Block){ .in = in, .out = out };
    binder_norm(binder, &block->norm1, in, "%s.norm1", place);
    binder_conv(binder, &block->conv1, in, out, 3, "%s.conv1", place);
    binder_norm(binder, &block->norm2, out, "%s.norm2", place);
    binder_conv(binder, &block->conv2, out, out, 3, "%s.conv2", place);
    if (in != out)
        binder_conv(binder, &block->shortcut, in, out, 1, "%s.nin_shortcut", place);
}

static void bind_middle(Half *half, Binder *binder, const char *side, int c)
{
    char place[64];
    for (int i = 0; i < 2; i++) {
        snprintf(place, sizeof place, "%s.mid.block_%d", side, i + 1);
        bind_block(&half->middle[i], binder, place, c, c);
    }
    half->attention.c = c;
    binder_norm(binder, &half->attention.norm, c, "%s.mid.attn_1.norm", side);
    binder_linear(binder, &half->attention.query, c, c, "%s.mid.attn_1.q", side);
    binder_linear(binder, &half->attention.key, c, c, "%s.mid.attn_1.k", side);
    binder_linear(binder, &half->attention.value, c, c, "%s.mid.attn_1.v", side);
    binder_linear(binder, &half->attention.out, c, c, "%s.mid.attn_1.proj_out", side);
}

static void bind_encoder(Vae *vae, Binder *binder)
{
    const VaeConfig *config = &vae->config;
    Half            *half = &vae->encoder;
    int              c = config->channels[0], z = config->z_channels;
    char             place[64];
    binder_conv(binder, &half->conv_in, 3, c, 3, "encoder.conv_in");
    for (int level = 0; level < config->levels; level++) {
        for (int i = 0; i < config->res_blocks; i++) {
            snprintf(place, sizeof place, "encoder.down.%d.block.%d", level, i);
            bind_block(&half->blocks[level][i], binder, place, c, config->channels[level]);
            c = config->channels[level];
        }
        if (level < config->levels - 1)
            binder_conv(binder, &half->resize[level], c, c, 3, "encoder.down.%d.downsample.conv", level);
    }
    bind_middle(half, binder, "encoder", c);
    binder_norm(binder, &half->norm_out, c, "encoder.norm_out");
    /* z means, then z log variances. */
    binder_conv(binder, &half->conv_out, c, 2 * z, 3, "encoder.conv_out");
    if (config->has_quant_conv)
        binder_conv(binder, &vae->quant, 2 * z, 2 * z, 1, "quant_conv");
}

static void bind_decoder(Vae *vae, Binder *binder)
{
    const VaeConfig *config = &vae->config;
    Half            *half = &vae->decoder;
    int              c = config->channels[config->levels - 1], z = config->z_channels;
    char             place[64];
    binder_conv(binder, &half->conv_in, z, c, 3, "decoder.conv_in");
    bind_middle(half, binder, "decoder", c);
    /* Levels are numbered by size here: up.0 is the largest and runs last. */
    for (int level = config->levels - 1; level >= 0; level--) {
        for (int i = 0; i <= config->res_blocks; i++) {
            snprintf(place, sizeof place, "decoder.up.%d.block.%d", level, i);
            bind_block(&half->blocks[level][i], binder, place, c, config->channels[level]);
            c = config->channels[level];
        }
        if (level > 0)
            binder_conv(binder, &half->resize[level], c, c, 3, "decoder.up.%d.upsample.conv", level);
    }
    binder_norm(binder, &half->norm_out, c, "decoder.norm_out");
    binder_conv(binder, &half->conv_out, c, 3, 3, "decoder.conv_out");
    if (config->has_quant_conv)
        binder_conv(binder, &vae->post_quant, z, z, 1, "post_quant_conv");
}

/* A decoder without an encoder makes pictures; an encoder without a decoder is of no use. */
static Vae *walk(Binder *binder, const VaeConfig *config)
{
    Vae *vae = binder_new(binder, 1, sizeof *vae);
    int  faults = binder->faults;
    if (config->excess)
        binder_fault(binder, "%s", config->excess);
    if (!vae)
        return NULL;
    vae->config = *config;
    vae->store = binder->store;
    binder->part = PART_VAE;
    if (!config->excess && config->levels == 0)
        binder_fault(binder, "the VAE has no blocks");
    if (config->z_channels > CONFIG_MAX_LATENTS)
        binder_fault(binder, "the VAE's latents have %d channels; up to %d are known", config->z_channels,
                     CONFIG_MAX_LATENTS);
    if (binder->faults > faults)
        return vae;
    if (config->has_encoder)
        bind_encoder(vae, binder);
    bind_decoder(vae, binder);
    binder_groups(binder, "VAE", config->channels, config->levels, config->norm_groups);
    return vae;
}

void vae_collect(Binder *binder, const VaeConfig *config)
{
    vae_destroy(walk(binder, config));
}

Vae *vae_create(const Checkpoint *checkpoint, const VaeConfig *config, EngineError *error)
{
    Binder binder;
    binder_init_store(&binder, checkpoint, PART_VAE);
    Vae *vae = walk(&binder, config);
    if (binder_finish(&binder, error))
        return vae;
    vae_destroy(vae);
    return NULL;
}

void vae_destroy(Vae *vae)
{
    if (vae && vae->store)
        weight_store_forget(vae->store, PART_VAE);
    free(vae);
}

int vae_factor(const Vae *vae)
{
    return 1 << (vae->config.levels - 1);
}

/* ---- forward ----------------------------------------------------------------------------- */

/* The activation that goes through the network, and where it lies. */
typedef struct {
    Compute   *compute;
    int        groups;
    bool       wrap_x, wrap_y;
    Tensor     x;
    ArenaEnd   end;      /* of the arena that x lies at */
    ArenaMark  bottom;   /* before x was taken: giving x back means rewinding its end to here */
    Tensor     spare;    /* memory within x's that is free, n 0: none */
} Flow;

static ArenaEnd other(ArenaEnd end)
{
    return end == ARENA_LOW ? ARENA_HIGH : ARENA_LOW;
}

/* y, taken from the other end, becomes x; the old x is given back. */
static void move_on(Flow *flow, Tensor y, ArenaMark before_y)
{
    arena_rewind_end(flow->compute->scratch, flow->end, flow->bottom);
    flow->x = y;
    flow->end = other(flow->end);
    flow->bottom = before_y;
    flow->spare = (Tensor){ 0 };
}

static ConvSettings settings_of(const Flow *flow)
{
    return (ConvSettings){ .stride = 1, .wrap_x = flow->wrap_x, .wrap_y = flow->wrap_y };
}

/* y = conv(silu(norm(x))), or y += that. */
static void normed_conv(Flow *flow, Tensor y, Tensor x, const Norm *norm, const Conv *conv,
                        bool accumulate)
{
    Compute     *compute = flow->compute;
    ArenaMark    mark = arena_mark(compute->scratch);
    ConvSettings settings = settings_of(flow);
    settings.scale = tensor_new(compute, other(flow->end), 1, 1, 1, x.c);
    settings.shift = tensor_new(compute, other(flow->end), 1, 1, 1, x.c);
    group_norm_prepare(compute, settings.scale, settings.shift, x, norm, flow->groups, norm_eps);
    settings.before = ACTIVATION_SILU;
    settings.accumulate = accumulate;
    conv2d(compute, y, x, conv, &settings);
    arena_rewind(compute->scratch, mark);
}

/* band [1, c, rows, w] = rows [from, from + count) of x with one more at each side; rows beyond the
 * picture are left out, or wrapped around.
 *   above  [1, c, 1, w]   the row over the first one, as it was before it was written to
 *   first  [1, c, 1, w]   x's first row, likewise */
static void take_band(Flow *flow, Tensor band, int from, int count, Tensor above, Tensor first)
{
    Compute *compute = flow->compute;
    Tensor   x = flow->x;
    int      top = from > 0 || flow->wrap_y;
    if (top)
        copy(compute, tensor_rows(band, 0, 1), above);
    copy(compute, tensor_rows(band, top, count), tensor_rows(x, from, count));
    if (band.h > top + count)
        copy(compute, tensor_rows(band, top + count, 1),
             from + count < x.h ? tensor_rows(x, from + count, 1) : first);
}

/* A residual block that halves the channels (or more) inside its input's memory: the first planes
 * become conv1's output, the next ones the shortcut's, band by band; what a later band needs of the
 * old rows is kept aside. */
static void narrow_in_place(Flow *flow, const Block *block)
{
    Compute     *compute = flow->compute;
    ArenaMark    mark = arena_mark(compute->scratch);
    Tensor       x = flow->x;
    ArenaEnd     end = other(flow->end);
    ConvSettings settings = settings_of(flow);
    int          most = x.h < BAND_ROWS ? x.h : BAND_ROWS;
    settings.scale = tensor_new(compute, end, 1, 1, 1, x.c);
    settings.shift = tensor_new(compute, end, 1, 1, 1, x.c);
    Tensor above = tensor_new(compute, end, 1, x.c, 1, x.w);
    Tensor first = tensor_new(compute, end, 1, x.c, 1, x.w);
    Tensor band = tensor_new(compute, end, 1, x.c, most + 2, x.w);
    Tensor out = tensor_new(compute, end, 1, block->out, most + 2, x.w);
    Tensor hidden = tensor_channels(x, 0, block->out);
    Tensor narrow = tensor_channels(x, block->out, block->out);
    group_norm_prepare(compute, settings.scale, settings.shift, x, &block->norm1, flow->groups,
                       norm_eps);
    settings.before = ACTIVATION_SILU;
    settings.wrap_y = false; /* the bands carry their own neighbours */
    copy(compute, first, tensor_rows(x, 0, 1));
    copy(compute, above, tensor_rows(x, x.h - 1, 1));
    for (int row = 0; row < x.h; row += most) {
        int    count = x.h - row < most ? x.h - row : most, skip = row > 0 || flow->wrap_y;
        int    rows = count + skip + (row + count < x.h || flow->wrap_y);
        Tensor part = tensor_as(band, 1, x.c, rows, x.w);
        Tensor result = tensor_as(out, 1, block->out, rows, x.w);
        Tensor inner = tensor_rows(result, skip, count);
        take_band(flow, part, row, count, above, first);
        /* Before this band's rows are written over: the next band looks up to the last of them. */
        copy(compute, above, tensor_rows(x, row + count - 1, 1));
        conv2d(compute, result, part, &block->conv1, &settings);
        copy(compute, tensor_rows(hidden, row, count), inner);
        conv2d(compute, result, part, &block->shortcut, &(ConvSettings){ .stride = 1 });
        copy(compute, tensor_rows(narrow, row, count), inner);
    }
    arena_rewind(compute->scratch, mark);
    flow->x = narrow;
    normed_conv(flow, narrow, hidden, &block->norm2, &block->conv2, true);
    flow->spare = hidden;
}

/* last: no later layer is larger than x, so that x may work in its own memory. */
static void block_forward(Flow *flow, const Block *block, bool last)
{
    Compute  *compute = flow->compute;
    Tensor    x = flow->x;
    ArenaEnd  end = other(flow->end);
    ArenaMark before = arena_mark(compute->scratch);
    if (last && 2 * block->out <= block->in) {
        narrow_in_place(flow, block);
        return;
    }
    /* The same width: added to x in place, with conv1's output in what narrow_in_place() has left
     * free, where it fits.  Another width: y from the other end, and x is given back. */
    if (block->in == block->out) {
        bool   fits = flow->spare.n && tensor_count(flow->spare) >= tensor_count(x);
        Tensor hidden = fits ? tensor_as(flow->spare, 1, x.c, x.h, x.w)
                             : tensor_new(compute, end, 1, x.c, x.h, x.w);
        normed_conv(flow, hidden, x, &block->norm1, &block->conv1, false);
        normed_conv(flow, x, hidden, &block->norm2, &block->conv2, true);
        arena_rewind(compute->scratch, before);
        return;
    }
    Tensor    y = tensor_new(compute, end, 1, block->out, x.h, x.w);
    ArenaMark after_y = arena_mark(compute->scratch);
    Tensor    hidden = tensor_new(compute, end, 1, block->out, x.h, x.w);
    normed_conv(flow, hidden, x, &block->norm1, &block->conv1, false);
    conv2d(compute, y, x, &block->shortcut, &(ConvSettings){ .stride = 1 });
    normed_conv(flow, y, hidden, &block->norm2, &block->conv2, true);
    arena_rewind_end(compute->scratch, end, after_y);
    move_on(flow, y, before);
}

/* x += proj_out(attention(norm(x))). */
static void attention_forward(Flow *flow, const Attention *layer)
{
    Compute  *compute = flow->compute;
    Tensor    x = flow->x;
    ArenaEnd  end = other(flow->end);
    ArenaMark mark = arena_mark(compute->scratch);
    /* Four times [t, c] beside x; t is the latents' area, 16384 for a picture of 1024 x 1024. */
    int       t = x.h * x.w, c = layer->c;
    Tensor    scale = tensor_new(compute, end, 1, 1, 1, c);
    Tensor    shift = tensor_new(compute, end, 1, 1, 1, c);
    Tensor    tokens = tensor_new(compute, end, 1, 1, t, c);
    Tensor    query = tensor_new(compute, end, 1, 1, t, c);
    Tensor    key = tensor_new(compute, end, 1, 1, t, c);
    Tensor    value = tensor_new(compute, end, 1, 1, t, c);
    Tensor    normed = tensor_as(query, 1, c, x.h, x.w); /* query's memory, before it is one */
    group_norm_prepare(compute, scale, shift, x, &layer->norm, flow->groups, norm_eps);
    affine(compute, normed, x, scale, shift, ACTIVATION_NONE);
    image_to_tokens(compute, tokens, normed);
    linear(compute, query, tokens, &layer->query, false);
    linear(compute, key, tokens, &layer->key, false);
    linear(compute, value, tokens, &layer->value, false);
    attention(compute, tokens, query, key, value, 1, false);
    linear(compute, query, tokens, &layer->out, false);
    tokens_to_image(compute, x, query, true);
    arena_rewind(compute->scratch, mark);
}

static void middle_forward(Flow *flow, const Half *half)
{
    block_forward(flow, &half->middle[0], false);
    attention_forward(flow, &half->attention);
    block_forward(flow, &half->middle[1], false);
}

/* A first layer: x is what it makes. */
static Flow begin(Compute *compute, const Vae *vae, Tensor input, const Conv *conv, int channels,
                  bool wrap_x, bool wrap_y)
{
    Flow flow = { .compute = compute, .groups = vae->config.norm_groups, .wrap_x = wrap_x,
                  .wrap_y = wrap_y, .end = ARENA_LOW, .bottom = arena_mark(compute->scratch) };
    ConvSettings settings = settings_of(&flow);
    flow.x = tensor_new(compute, ARENA_LOW, 1, channels, input.h, input.w);
    conv2d(compute, flow.x, input, conv, &settings);
    return flow;
}

/* A layer between sizes. */
static void resize(Flow *flow, const Conv *conv, bool up)
{
    Compute     *compute = flow->compute;
    ConvSettings settings = settings_of(flow);
    ArenaMark    before = arena_mark(compute->scratch);
    Tensor       x = flow->x;
    settings.upsample = up;
    settings.stride = up ? 1 : 2;
    /* LDM's Downsample pads (0, 1, 0, 1).  With a pixel on every side each halving would see the
     * picture a pixel off, and latents would lie beside what they stand for. */
    settings.pad_right_bottom_only = !up;
    Tensor y = tensor_new(compute, other(flow->end), 1, x.c, up ? 2 * x.h : x.h / 2,
                          up ? 2 * x.w : x.w / 2);
    conv2d(compute, y, x, conv, &settings);
    move_on(flow, y, before);
}

/* y = x * times + plus of each channel, in place. */
static void apply_statistics(Compute *compute, const VaeConfig *config, Tensor x, float scale, bool undo)
{
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    times = tensor_new(compute, ARENA_LOW, 1, 1, 1, x.c);
    Tensor    plus = tensor_new(compute, ARENA_LOW, 1, 1, 1, x.c);
    float     factors[CONFIG_MAX_LATENTS], shifts[CONFIG_MAX_LATENTS];
    for (int c = 0; c < x.c; c++) {
        float mean = config->latents_mean[c], deviation = config->latents_std[c];
        factors[c] = undo ? deviation : 1 / deviation;
        shifts[c] = undo ? mean : -mean * scale / deviation;
    }
    upload(compute, times, factors);
    upload(compute, plus, shifts);
    affine(compute, x, x, times, plus, ACTIVATION_NONE);
    arena_rewind(compute->scratch, mark);
}

static bool has_statistics(const VaeConfig *config)
{
    bool has = false;
    for (int c = 0; c < config->z_channels; c++)
        has = has || config->latents_mean[c] != 0 || config->latents_std[c] != 1;
    return has;
}

void vae_whiten(Compute *compute, const Vae *vae, Tensor latents, float scale)
{
    if (has_statistics(&vae->config))
        apply_statistics(compute, &vae->config, latents, scale, false);
}

void vae_colour(Compute *compute, const Vae *vae, Tensor z)
{
    if (has_statistics(&vae->config))
        apply_statistics(compute, &vae->config, z, 1, true);
}

void vae_decode(Compute *compute, const Vae *vae, Tensor picture, Tensor z, bool wrap_x,
                bool wrap_y)
{
    const VaeConfig *config = &vae->config;
    const Half      *half = &vae->decoder;
    ArenaMark        mark = arena_mark(compute->scratch);
    int              deepest = config->levels - 1;
    assert(config->has_decoder && z.n == 1 && picture.h == z.h * vae_factor(vae));

    /* [1, z, h, w] -> [1, channels[deepest], h, w] */
    Tensor input = z;
    if (config->has_quant_conv) {
        input = tensor_new(compute, ARENA_LOW, 1, z.c, z.h, z.w);
        conv2d(compute, input, z, &vae->post_quant, &(ConvSettings){ .stride = 1 });
    }
    Flow flow = begin(compute, vae, input, &half->conv_in, config->channels[deepest], wrap_x,
                      wrap_y);
    middle_forward(&flow, half);

    /* Up: [1, channels[level], h * 2^(deepest - level), …] */
    for (int level = deepest; level >= 0; level--) {
        for (int i = 0; i <= config->res_blocks; i++)
            block_forward(&flow, &half->blocks[level][i], level == 0);
        if (level > 0)
            resize(&flow, &half->resize[level], true);
    }
    normed_conv(&flow, picture, flow.x, &half->norm_out, &half->conv_out, false);
    arena_rewind(compute->scratch, mark);
}

void vae_encode(Compute *compute, const Vae *vae, Tensor moments, Tensor picture, bool wrap_x,
                bool wrap_y)
{
    const VaeConfig *config = &vae->config;
    const Half      *half = &vae->encoder;
    ArenaMark        mark = arena_mark(compute->scratch);
    int              deepest = config->levels - 1;
    assert(config->has_encoder && picture.n == 1 && picture.h == moments.h * vae_factor(vae));

    Tensor output = moments;
    if (config->has_quant_conv)
        output = tensor_new(compute, ARENA_LOW, 1, moments.c, moments.h, moments.w);
    Flow flow = begin(compute, vae, picture, &half->conv_in, config->channels[0], wrap_x, wrap_y);
    for (int level = 0; level <= deepest; level++) {
        for (int i = 0; i < config->res_blocks; i++)
            block_forward(&flow, &half->blocks[level][i], false);
        if (level < deepest)
            resize(&flow, &half->resize[level], false);
    }
    middle_forward(&flow, half);
    normed_conv(&flow, output, flow.x, &half->norm_out, &half->conv_out, false);
    if (config->has_quant_conv)
        conv2d(compute, moments, output, &vae->quant, &(ConvSettings){ .stride = 1 });
    arena_rewind(compute->scratch, mark);
}
