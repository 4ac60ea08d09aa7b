/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 3 };

typedef struct {
    const Checkpoint *checkpoint;
    CheckpointPart    part;
    int               faults;
    char             *list; /* [CONFIG_FAULTS_SIZE], the first few, for the sentence */
} Check;

__attribute__((format(printf, 2, 3))) static void add_fault(Check *check, const char *format, ...)
{
    size_t  at = strlen(check->list);
    va_list arguments;
    if (check->faults++ >= SHOWN)
        return;
    if (at > 0)
        at += (size_t)snprintf(check->list + at, CONFIG_FAULTS_SIZE - at, "; ");
    va_start(arguments, format);
    vsnprintf(check->list + at, CONFIG_FAULTS_SIZE - at, format, arguments);
    va_end(arguments);
}

/* One tensor; d1 … d3 are 1 where it has no such dimension. */
static void want_exactly(Check *check, const char *name, int d0, int d1, int d2, int d3)
{
    Weight      weight;
    EngineError error = { 0 };
    int         shape[TENSOR_MAX_RANK];
    char        file_name[256];
    if (checkpoint_bind(check->checkpoint, check->part, name, &weight, d0, d1, d2, d3, &error))
        return;
    checkpoint_file_name(check->checkpoint, check->part, name, file_name);
    if (!checkpoint_entry(check->checkpoint, check->part, name))
        add_fault(check, "'%.120s' is missing", file_name);
    else if (checkpoint_has(check->checkpoint, check->part, name, shape) &&
             (shape[0] != d0 || shape[1] != d1 || shape[2] != d2 || shape[3] != d3))
        add_fault(check, "'%.120s' is [%d, %d, %d, %d] and should be [%d, %d, %d, %d]", file_name,
                  shape[0], shape[1], shape[2], shape[3], d0, d1, d2, d3);
    else
        add_fault(check, "'%.120s' cannot be computed with", file_name);
}

__attribute__((format(printf, 6, 7))) static void want(Check *check, int d0, int d1, int d2, int d3,
                                                       const char *format, ...)
{
    char    name[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    want_exactly(check, name, d0, d1, d2, d3);
}

/* A weight and its bias. */
__attribute__((format(printf, 5, 6))) static void want_layer(Check *check, int out, int in, int kernel,
                                                             const char *format, ...)
{
    char    name[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    want(check, out, in, kernel, kernel, "%s.weight", name);
    want(check, out, 1, 1, 1, "%s.bias", name);
}

/* ---- U-Net --------------------------------------------------------------------------------- */

static void want_resnet(Check *check, const UnetConfig *unet, const char *place, int in, int out)
{
    want_layer(check, in, 1, 1, "%s.in_layers.0", place);
    want_layer(check, out, in, 3, "%s.in_layers.2", place);
    want_layer(check, out, unet->time_width, 1, "%s.emb_layers.1", place);
    want_layer(check, out, 1, 1, "%s.out_layers.0", place);
    want_layer(check, out, out, 3, "%s.out_layers.3", place);
    if (in != out)
        want_layer(check, out, in, 1, "%s.skip_connection", place);
}

static void want_transformer(Check *check, const UnetConfig *unet, const char *place, int width,
                             int depth)
{
    want_layer(check, width, 1, 1, "%s.norm", place);
    want_layer(check, width, width, 1, "%s.proj_in", place);
    want_layer(check, width, width, 1, "%s.proj_out", place);
    for (int i = 0; i < depth; i++)
        for (int k = 1; k <= 3; k++) {
            char block[96];
            snprintf(block, sizeof block, "%s.transformer_blocks.%d", place, i);
            want_layer(check, width, 1, 1, "%s.norm%d", block, k);
            if (k == 3) {
                want_layer(check, 8 * width, width, 1, "%s.ff.net.0.proj", block);
                want_layer(check, width, 4 * width, 1, "%s.ff.net.2", block);
                continue;
            }
            int source = k == 1 ? width : unet->context_width;
            want(check, width, width, 1, 1, "%s.attn%d.to_q.weight", block, k);
            want(check, width, source, 1, 1, "%s.attn%d.to_k.weight", block, k);
            want(check, width, source, 1, 1, "%s.attn%d.to_v.weight", block, k);
            want_layer(check, width, width, 1, "%s.attn%d.to_out.0", block, k);
        }
}

/* Widths of what goes down wait in `skips` for the way up. */
typedef struct {
    int width[CONFIG_MAX_LEVELS * (CONFIG_MAX_BLOCKS + 1) + 1];
    int count;
} Skips;

static int want_down(Check *check, const UnetConfig *unet, Skips *skips)
{
    int  width = unet->model_channels, index = 1;
    char place[64];
    skips->width[skips->count++] = width;
    for (int level = 0; level < unet->levels; level++) {
        for (int block = 0; block < unet->res_blocks[level]; block++, index++) {
            snprintf(place, sizeof place, "input_blocks.%d.0", index);
            want_resnet(check, unet, place, width, unet->channels[level]);
            width = unet->channels[level];
            snprintf(place, sizeof place, "input_blocks.%d.1", index);
            if (unet->down_depth[level][block])
                want_transformer(check, unet, place, width, unet->down_depth[level][block]);
            skips->width[skips->count++] = width;
        }
        if (level == unet->levels - 1)
            break;
        want_layer(check, width, width, 3, "input_blocks.%d.0.op", index++);
        skips->width[skips->count++] = width;
    }
    return width;
}

static void want_up(Check *check, const UnetConfig *unet, Skips *skips, int width)
{
    int  index = 0;
    char place[64];
    for (int level = unet->levels - 1; level >= 0; level--)
        for (int block = 0; block <= unet->res_blocks[level]; block++, index++) {
            int depth = unet->up_depth[level][block];
            snprintf(place, sizeof place, "output_blocks.%d.0", index);
            want_resnet(check, unet, place, width + skips->width[--skips->count], unet->channels[level]);
            width = unet->channels[level];
            snprintf(place, sizeof place, "output_blocks.%d.1", index);
            if (depth)
                want_transformer(check, unet, place, width, depth);
            if (level > 0 && block == unet->res_blocks[level])
                want_layer(check, width, width, 3, "output_blocks.%d.%d.conv", index, depth ? 2 : 1);
        }
}

static void want_unet(Check *check, const UnetConfig *unet)
{
    Skips skips = { .count = 0 };
    check->part = PART_UNET;
    want_layer(check, unet->model_channels, unet->in_channels, 3, "input_blocks.0.0");
    want_layer(check, unet->time_width, unet->model_channels, 1, "time_embed.0");
    want_layer(check, unet->time_width, unet->time_width, 1, "time_embed.2");
    if (unet->adm_width) {
        want_layer(check, unet->time_width, unet->adm_width, 1, "label_emb.0.0");
        want_layer(check, unet->time_width, unet->time_width, 1, "label_emb.0.2");
    }
    int width = want_down(check, unet, &skips);
    want_resnet(check, unet, "middle_block.0", width, width);
    if (unet->middle_depth)
        want_transformer(check, unet, "middle_block.1", width, unet->middle_depth);
    want_resnet(check, unet, unet->middle_depth ? "middle_block.2" : "middle_block.1", width, width);
    want_up(check, unet, &skips, width);
    want_layer(check, unet->model_channels, 1, 1, "out.0");
    want_layer(check, unet->out_channels, unet->model_channels, 3, "out.2");
}

/* ---- VAE ----------------------------------------------------------------------------------- */

static void want_vae_resnet(Check *check, const char *place, int in, int out)
{
    want_layer(check, in, 1, 1, "%s.norm1", place);
    want_layer(check, out, in, 3, "%s.conv1", place);
    want_layer(check, out, 1, 1, "%s.norm2", place);
    want_layer(check, out, out, 3, "%s.conv2", place);
    if (in != out)
        want_layer(check, out, in, 1, "%s.nin_shortcut", place);
}

static void want_vae_middle(Check *check, const char *side, int width)
{
    static const char *const layers[] = { "q", "k", "v", "proj_out" };
    char                     place[64];
    for (int i = 1; i <= 2; i++) {
        snprintf(place, sizeof place, "%s.mid.block_%d", side, i);
        want_vae_resnet(check, place, width, width);
    }
    want_layer(check, width, 1, 1, "%s.mid.attn_1.norm", side);
    for (int i = 0; i < 4; i++)
        want_layer(check, width, width, 1, "%s.mid.attn_1.%s", side, layers[i]);
}

static void want_encoder(Check *check, const VaeConfig *vae)
{
    int  width = vae->channels[0];
    char place[64];
    want_layer(check, width, 3, 3, "encoder.conv_in");
    for (int level = 0; level < vae->levels; level++) {
        for (int block = 0; block < vae->res_blocks; block++) {
            snprintf(place, sizeof place, "encoder.down.%d.block.%d", level, block);
            want_vae_resnet(check, place, width, vae->channels[level]);
            width = vae->channels[level];
        }
        if (level < vae->levels - 1)
            want_layer(check, width, width, 3, "encoder.down.%d.downsample.conv", level);
    }
    want_vae_middle(check, "encoder", width);
    want_layer(check, width, 1, 1, "encoder.norm_out");
    want_layer(check, 2 * vae->z_channels, width, 3, "encoder.conv_out");
    if (vae->has_quant_conv)
        want_layer(check, 2 * vae->z_channels, 2 * vae->z_channels, 1, "quant_conv");
}

static void want_decoder(Check *check, const VaeConfig *vae)
{
    int  width = vae->channels[vae->levels - 1];
    char place[64];
    want_layer(check, width, vae->z_channels, 3, "decoder.conv_in");
    want_vae_middle(check, "decoder", width);
    for (int level = vae->levels - 1; level >= 0; level--) {
        for (int block = 0; block <= vae->res_blocks; block++) {
            snprintf(place, sizeof place, "decoder.up.%d.block.%d", level, block);
            want_vae_resnet(check, place, width, vae->channels[level]);
            width = vae->channels[level];
        }
        if (level > 0)
            want_layer(check, width, width, 3, "decoder.up.%d.upsample.conv", level);
    }
    want_layer(check, width, 1, 1, "decoder.norm_out");
    want_layer(check, 3, width, 3, "decoder.conv_out");
    if (vae->has_quant_conv)
        want_layer(check, vae->z_channels, vae->z_channels, 1, "post_quant_conv");
}

/* ---- text ---------------------------------------------------------------------------------- */

static void want_text(Check *check, const Checkpoint *checkpoint, CheckpointPart part,
                      const TextConfig *text)
{
    static const char *const attention[] = { "q_proj", "k_proj", "v_proj", "out_proj" };
    int                      d = text->width;
    check->part = part;
    want(check, text->vocabulary, d, 1, 1, "text_model.embeddings.token_embedding.weight");
    want(check, text->positions, d, 1, 1, "text_model.embeddings.position_embedding.weight");
    for (int i = 0; i < text->layers; i++) {
        for (int k = 0; k < 4; k++)
            want_layer(check, d, d, 1, "text_model.encoder.layers.%d.self_attn.%s", i, attention[k]);
        for (int k = 1; k <= 2; k++)
            want_layer(check, d, 1, 1, "text_model.encoder.layers.%d.layer_norm%d", i, k);
        want_layer(check, text->feed_forward, d, 1, "text_model.encoder.layers.%d.mlp.fc1", i);
        want_layer(check, d, text->feed_forward, 1, "text_model.encoder.layers.%d.mlp.fc2", i);
    }
    want_layer(check, d, 1, 1, "text_model.final_layer_norm");
    bool transposed = checkpoint_is_transposed(checkpoint, part, "text_projection.weight");
    if (text->projection)
        want(check, transposed ? d : text->projection, transposed ? text->projection : d, 1, 1,
             "text_projection.weight");
}

/* ---- what shapes cannot say ---------------------------------------------------------------- */

static void check_groups(Check *check, const char *part, const int *channels, int levels, int groups)
{
    for (int i = 0; i < levels; i++)
        if (groups <= 0 || channels[i] % groups) {
            add_fault(check, "the %s's %d channels do not divide into %d norm groups", part, channels[i],
                      groups);
            return;
        }
}

static bool has_attention(const UnetConfig *unet, int level)
{
    int depth = level == unet->levels - 1 ? unet->middle_depth : 0;
    for (int i = 0; i <= unet->res_blocks[level]; i++)
        depth += (i < unet->res_blocks[level] ? unet->down_depth[level][i] : 0) +
                 unet->up_depth[level][i];
    return depth > 0;
}

static void check_numbers(Check *check, const ModelConfig *config)
{
    const UnetConfig *unet = &config->unet;
    if (unet->in_channels != 4 && unet->in_channels != 8 && unet->in_channels != 9)
        add_fault(check, "the U-Net takes %d channels; 4 (base), 8 (instruct) and 9 (inpaint) are known",
                  unet->in_channels);
    if (config->vae.z_channels != 4 || unet->out_channels != 4)
        add_fault(check, "latents have %d channels in the VAE and %d in the U-Net instead of 4",
                  config->vae.z_channels, unet->out_channels);
    check_groups(check, "U-Net", unet->channels, unet->levels, unet->norm_groups);
    check_groups(check, "VAE", config->vae.channels, config->vae.levels, config->vae.norm_groups);
    for (int i = 0; i < unet->levels; i++)
        if (has_attention(unet, i) && (unet->heads[i] <= 0 || unet->channels[i] % unet->heads[i])) {
            add_fault(check, "level %d's %d channels do not divide into %d heads", i, unet->channels[i],
                      unet->heads[i]);
            break;
        }
    int context = config->text[0].width;
    for (int i = 0; i < config->text_count; i++)
        if (config->text[i].heads <= 0 || config->text[i].width % config->text[i].heads)
            add_fault(check, "the text encoder's width %d does not divide into %d heads",
                      config->text[i].width, config->text[i].heads);
    if (config->text_count == 2)
        context += config->text[1].width;
    if (unet->context_width != context && unet->context_width > 0)
        add_fault(check, "the U-Net wants text of width %d and the text encoders make %d",
                  unet->context_width, context);
    /* Six numbers (sizes and crop) stand behind the pooled text, each as cosines and sines. */
    int sizes = unet->adm_width - config->text[1].projection;
    if (config->text_count == 2 && (sizes <= 0 || sizes % 12))
        add_fault(check, "the U-Net wants a vector of %d and the second text encoder gives %d of it",
                  unet->adm_width, config->text[1].projection);
    if (unet->adm_width > 0 && config->text_count != 2)
        add_fault(check, "the U-Net is SDXL's and its second text encoder is missing");
}

/* Nothing stands where the walk along the blocks has stopped: else one in between is missing. */
static void check_gaps(Check *check, const UnetConfig *unet)
{
    int index = 1;
    for (int i = 0; i < unet->levels; i++)
        index += unet->res_blocks[i] + (i < unet->levels - 1);
    for (int i = index + 1; i < 64; i++) {
        char name[64];
        snprintf(name, sizeof name, "input_blocks.%d.0.in_layers.2.weight", i);
        if (checkpoint_entry(check->checkpoint, PART_UNET, name)) {
            add_fault(check, "'input_blocks.%d.0.in_layers.2.weight' is missing", index);
            return;
        }
    }
}

int config_faults(const ModelConfig *config, const Checkpoint *checkpoint,
                  char text[CONFIG_FAULTS_SIZE])
{
    Check check = { .checkpoint = checkpoint, .list = text };
    text[0] = '\0';
    if (!checkpoint_has_part(checkpoint, PART_UNET))
        add_fault(&check, "'model.diffusion_model.input_blocks.0.0.weight' (U-Net) is missing");
    if (!checkpoint_has_part(checkpoint, PART_VAE))
        add_fault(&check, "'first_stage_model.decoder.conv_in.weight' (VAE) is missing");
    if (!checkpoint_has_part(checkpoint, PART_TEXT))
        add_fault(&check, "'cond_stage_model.transformer.text_model.embeddings.token_embedding.weight' "
                          "(text encoder) is missing");
    if (check.faults > 0)
        return check.faults;
    check_gaps(&check, &config->unet);
    want_unet(&check, &config->unet);
    check.part = PART_VAE;
    if (config->vae.levels > 0 && config->vae.has_encoder)
        want_encoder(&check, &config->vae);
    if (config->vae.levels > 0)
        want_decoder(&check, &config->vae);
    want_text(&check, checkpoint, PART_TEXT, &config->text[0]);
    if (config->text_count == 2)
        want_text(&check, checkpoint, PART_TEXT_2, &config->text[1]);
    check_numbers(&check, config);
    size_t at = strlen(text);
    if (check.faults > SHOWN)
        snprintf(text + at, CONFIG_FAULTS_SIZE - at, "; and %d more", check.faults - SHOWN);
    return check.faults;
}
