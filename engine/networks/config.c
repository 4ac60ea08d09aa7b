/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "../weights/kind.h"
#include "clip.h"
#include "config_noise.h"
#include "denoiser.h"
#include "vae.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 256 bytes, each also as the end of a word, 48894 merges, start and end. */
enum { CLIP_VOCABULARY = 49408 };
/* input_blocks there may be: conv_in, and each level's blocks and downsampler. */
enum { SEARCH_LIMIT = CONFIG_MAX_LEVELS * (CONFIG_MAX_BLOCKS + 1) + 1 };

typedef struct {
    const Checkpoint *checkpoint;
    CheckpointPart    part;
    int               shape[TENSOR_MAX_RANK]; /* of the tensor that was asked for last */
    const char       *excess;                 /* the first thing there is too much of, or NULL */
} Look;

/* Is there a tensor of this name? */
__attribute__((format(printf, 2, 3))) static bool look(Look *at, const char *format, ...)
{
    char    name[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    return checkpoint_has(at->checkpoint, at->part, name, at->shape);
}

/* A positive whole number of a config, or the fallback. */
static int config_int(const Json *config, const char *key, int fallback)
{
    int64_t value;
    return json_integer(json_member(config, key), &value) && value > 0 && value <= 1 << 24 ? (int)value
                                                                                            : fallback;
}

static bool config_is(const Json *config, const char *key, const char *word)
{
    const char *text = json_string(json_member(config, key));
    return text && strcmp(text, word) == 0;
}

/* ---- U-Net --------------------------------------------------------------------------------- */

/* More than `most`: the part is not read any further. */
static bool exceeds(Look *at, int count, int most, const char *what)
{
    if (count > most && !at->excess)
        at->excess = what;
    return count > most;
}

/* Layers of the transformer that stands at this place, 0 where there is none. */
static int transformer_depth(Look *at, const char *place)
{
    int depth = 0;
    while (look(at, "%s.transformer_blocks.%d.attn1.to_q.weight", place, depth))
        if (exceeds(at, ++depth, CONFIG_MAX_DEPTH, "a transformer of the U-Net has more than 64 layers"))
            return CONFIG_MAX_DEPTH;
    return depth;
}

/* Walks input_blocks: a block with in_layers is a res block, one with op ends its level. */
static void read_down(UnetConfig *unet, Look *at)
{
    unet->levels = 1;
    for (int i = 1; i < SEARCH_LIMIT; i++) {
        char place[64];
        int  level = unet->levels - 1, block = unet->res_blocks[level];
        if (look(at, "input_blocks.%d.0.op.weight", i)) {
            if (exceeds(at, unet->levels + 1, CONFIG_MAX_LEVELS, "the U-Net has more than 8 levels"))
                return;
            unet->levels++;
        } else if (look(at, "input_blocks.%d.0.in_layers.2.weight", i)) {
            if (exceeds(at, block + 1, CONFIG_MAX_BLOCKS, "a level of the U-Net has more than 8 blocks"))
                return;
            unet->channels[level] = at->shape[0];
            unet->res_blocks[level]++;
            snprintf(place, sizeof place, "input_blocks.%d.1", i);
            unet->down_depth[level][block] = transformer_depth(at, place);
        } else {
            return;
        }
    }
}

/* output_blocks are numbered from the deepest level up, each level with one block more than on its
 * way down: the skip of conv_in or of the downsampler before it. */
static void read_up(UnetConfig *unet, Look *at)
{
    int index = 0;
    for (int level = unet->levels - 1; level >= 0; level--)
        for (int block = 0; block <= unet->res_blocks[level]; block++, index++) {
            char place[64];
            snprintf(place, sizeof place, "output_blocks.%d.1", index);
            unet->up_depth[level][block] = transformer_depth(at, place);
        }
}

/* Distilled models have left blocks of the middle out; behind an attention there is always one. */
static void read_middle(UnetConfig *unet, Look *at)
{
    unet->middle_depth = transformer_depth(at, "middle_block.1");
    unet->has_middle = unet->middle_depth > 0 || look(at, "middle_block.0.in_layers.2.weight") ||
                       look(at, "middle_block.0.out_layers.3.weight");
    if (unet->middle_depth > 0 || look(at, "middle_block.2.in_layers.2.weight"))
        unet->middle_end = 2;
    else if (look(at, "middle_block.1.in_layers.2.weight"))
        unet->middle_end = 1;
}

/* The first attention, which tells the width of the text and the kind of projections. */
static void read_attention(UnetConfig *unet, Look *at)
{
    char place[64] = "middle_block.1";
    for (int i = 1; i < SEARCH_LIMIT; i++)
        if (look(at, "input_blocks.%d.1.proj_in.weight", i)) {
            snprintf(place, sizeof place, "input_blocks.%d.1", i);
            break;
        }
    char name[96];
    snprintf(name, sizeof name, "%s.proj_in.weight", place);
    const SafetensorsEntry *entry = checkpoint_entry(at->checkpoint, PART_UNET, name);
    unet->linear_projections = entry && entry->rank == 2;
    if (look(at, "%s.transformer_blocks.0.attn2.to_k.weight", place))
        unet->context_width = at->shape[1];
}

/* Heads of each level: config.json's, whose attention_head_dim is a count of heads for historical
 * reasons (diffusers, unet_2d_condition.py), else 64-wide heads with linear projections, else 8. */
static void read_heads(UnetConfig *unet, const Json *config)
{
    const Json *heads = json_member(config, "num_attention_heads");
    if (json_is_null(heads))
        heads = json_member(config, "attention_head_dim");
    const Json *item = json_is_array(heads) ? json_first(heads) : heads;
    for (int level = 0; level < unet->levels; level++) {
        int64_t count;
        bool    told = json_integer(item, &count);
        /* A count that is told and makes no sense becomes 0, which the walk refuses by its level; a
         * default in its place would draw wrong pictures without a word. */
        bool    sane = told && count > 0 && count <= CONFIG_MAX_WIDTH;
        unet->heads[level] = told                       ? sane ? (int)count : 0
                             : unet->linear_projections ? unet->channels[level] / 64
                                                         : 8;
        if (json_is_array(heads))
            item = json_next(item);
    }
}

static void check_widths(const UnetConfig *unet, Look *at)
{
    static const char what[] = "a layer of the U-Net is wider than 65536";
    for (int i = 0; i < unet->levels; i++)
        exceeds(at, unet->channels[i], CONFIG_MAX_WIDTH, what);
    exceeds(at, unet->model_channels, CONFIG_MAX_WIDTH, what);
    exceeds(at, unet->in_channels, CONFIG_MAX_WIDTH, what);
    exceeds(at, unet->out_channels, CONFIG_MAX_WIDTH, what);
    exceeds(at, unet->time_width, CONFIG_MAX_WIDTH, what);
    exceeds(at, unet->adm_width, CONFIG_MAX_WIDTH, what);
    exceeds(at, unet->guidance_width, CONFIG_MAX_GUIDANCE, "the guidance embedding is wider than 1024");
    exceeds(at, unet->context_width, CONFIG_MAX_WIDTH, what);
}

static void read_unet(UnetConfig *unet, const Checkpoint *checkpoint)
{
    Look        at = { .checkpoint = checkpoint, .part = PART_UNET };
    const Json *config = checkpoint_config(checkpoint, PART_UNET);
    double      eps;
    if (look(&at, "input_blocks.0.0.weight")) {
        unet->model_channels = at.shape[0];
        unet->in_channels = at.shape[1];
    }
    /* What stands in for a tensor that is missing only keeps the walk going: it names the
     * tensor. */
    unet->out_channels = look(&at, "out.2.weight") ? at.shape[0] : 4;
    unet->time_width = look(&at, "time_embed.0.weight") ? at.shape[0] : 4 * unet->model_channels;
    unet->adm_width = look(&at, "label_emb.0.0.weight") ? at.shape[1] : 0;
    read_down(unet, &at);
    read_up(unet, &at);
    read_middle(unet, &at);
    unet->guidance_width = look(&at, "time_embed.cond_proj.weight") ? at.shape[1] : 0;
    read_attention(unet, &at);
    read_heads(unet, config);
    unet->norm_groups = config_int(config, "norm_num_groups", 32);
    unet->norm_eps = json_number(json_member(config, "norm_eps"), &eps) && eps > 0 && eps < 1 ? (float)eps
                                                                                              : 1e-5f;
    check_widths(unet, &at);
    unet->excess = at.excess;
}

/* ---- VAE ----------------------------------------------------------------------------------- */

/* latents_mean and latents_std (Playground v2.5), or one shift for all (shift_factor); 0 and 1. */
static void read_statistics(VaeConfig *vae, const Json *config)
{
    const Json *mean = json_first(json_member(config, "latents_mean"));
    const Json *deviation = json_first(json_member(config, "latents_std"));
    double      shift = 0;
    if (!json_number(json_member(config, "shift_factor"), &shift) || !isfinite(shift))
        shift = 0;
    for (int i = 0; i < CONFIG_MAX_LATENTS; i++) {
        double value;
        vae->latents_mean[i] = json_number(mean, &value) ? (float)value : (float)shift;
        vae->latents_std[i] = json_number(deviation, &value) && value > 0 ? (float)value : 1;
        mean = mean ? json_next(mean) : NULL;
        deviation = deviation ? json_next(deviation) : NULL;
    }
}

static void read_vae(VaeConfig *vae, const Checkpoint *checkpoint, float scale)
{
    Look        at = { .checkpoint = checkpoint, .part = PART_VAE };
    const Json *config = checkpoint_config(checkpoint, PART_VAE);
    const char *too_wide = "a layer of the VAE is wider than 65536";
    double      factor;
    /* Levels and blocks are counted on the encoder.  A decoder alone is counted on its own side,
     * which has one more block a level. */
    vae->has_encoder = look(&at, "encoder.conv_in.weight");
    vae->has_decoder = look(&at, "decoder.conv_in.weight");
    vae->z_channels = vae->has_decoder ? at.shape[1] : 4;
    exceeds(&at, vae->z_channels, CONFIG_MAX_WIDTH, too_wide);
    for (int i = 0; look(&at, vae->has_encoder ? "encoder.down.%d.block.0.conv1.weight"
                                               : "decoder.up.%d.block.0.conv1.weight", i); i++) {
        if (exceeds(&at, at.shape[0], CONFIG_MAX_WIDTH, too_wide) ||
            exceeds(&at, i + 1, CONFIG_MAX_LEVELS, "the VAE has more than 8 levels"))
            break;
        vae->channels[vae->levels++] = at.shape[0];
    }
    while (look(&at, vae->has_encoder ? "encoder.down.0.block.%d.conv1.weight"
                                      : "decoder.up.0.block.%d.conv1.weight", vae->res_blocks))
        /* the decoder has one more */
        if (exceeds(&at, ++vae->res_blocks, CONFIG_MAX_BLOCKS + !vae->has_encoder,
                    "a level of the VAE has more than 8 blocks"))
            break;
    if (!vae->has_encoder && vae->res_blocks > 0)
        vae->res_blocks--;
    read_statistics(vae, config);
    vae->excess = at.excess;
    vae->has_quant_conv = look(&at, vae->has_encoder ? "quant_conv.weight" : "post_quant_conv.weight");
    vae->norm_groups = config_int(config, "norm_num_groups", 32);
    vae->scale_factor = json_number(json_member(config, "scaling_factor"), &factor) && factor > 0 &&
                                factor < 1000
                            ? (float)factor
                            : scale;
}

/* ---- text ---------------------------------------------------------------------------------- */

/* Which layer is the output, -1 for the last.  SD 2.x and SDXL were trained on the one before the last of 24,
 * which is left away in diffusers' folders of SD 2.x and in trimmed files: their last is the one.  A config
 * that counts fewer layers than there are has the last word. */
static int output_layer(const TextConfig *text, const Checkpoint *checkpoint, const Json *config,
                        bool openclip, bool two_towers)
{
    int told = config_int(config, "num_hidden_layers", text->layers);
    int unused = told < text->layers ? text->layers - told : 0;
    if (two_towers)
        return -2 - (unused < text->layers - 1 ? unused : 0);
    if (openclip)
        return text->layers == 23 ? -1 : -2;
    if (unused > 0)
        return -1 - unused;
    return text->width == 1024 && text->layers == 24 && !checkpoint_is_folder(checkpoint) ? -2 : -1;
}

static void read_text(TextConfig *text, const Checkpoint *checkpoint, CheckpointPart part,
                      bool two_towers)
{
    Look        at = { .checkpoint = checkpoint, .part = part };
    const Json *config = checkpoint_config(checkpoint, part);
    bool        openclip = checkpoint_is_openclip(checkpoint, part);
    if (look(&at, "text_model.embeddings.token_embedding.weight")) {
        text->vocabulary = at.shape[0];
        text->width = at.shape[1];
    }
    text->positions = look(&at, "text_model.embeddings.position_embedding.weight") ? at.shape[0] : 77;
    while (look(&at, "text_model.encoder.layers.%d.layer_norm1.weight", text->layers))
        if (exceeds(&at, ++text->layers, CONFIG_MAX_LAYERS, "a text encoder has more than 256 layers"))
            break;
    text->feed_forward = look(&at, "text_model.encoder.layers.0.mlp.fc1.weight") ? at.shape[0] : 0;
    /* 64 wide in all of them: 12 of 768 in CLIP-L, 16 of 1024 in OpenCLIP-H, 20 of 1280 in bigG. */
    text->heads = config_int(config, "num_attention_heads", text->width / 64);

    /* OpenCLIP's towers have the exact gelu, and so has the second one of SDXL under HF's names;
     * a first tower as wide as OpenCLIP-H is SD 2.x's. */
    bool clip_l = !openclip && part == PART_TEXT && text->width != 1024;
    text->quick_gelu = json_string(json_member(config, "hidden_act"))
                           ? config_is(config, "hidden_act", "quick_gelu")
                           : clip_l;
    if (part == PART_TEXT_2 && look(&at, "text_projection.weight"))
        text->projection = at.shape[checkpoint_is_transposed(checkpoint, part, "text_projection.weight")];
    text->output_layer = output_layer(text, checkpoint, config, openclip, two_towers);
    text->final_norm = !two_towers;
    /* Words that a model adds have ids behind the public ones; a cut vocabulary keeps its end last. */
    text->end_token = text->vocabulary > CLIP_VOCABULARY ? CLIP_VOCABULARY - 1 : text->vocabulary - 1;
    /* What fills a chunk: OpenCLIP's tokenizer pads with zeros, CLIP-L's with end tokens.  The
     * other one's padding is other text to the U-Net. */
    text->pad_token = clip_l ? text->end_token : 0;
    exceeds(&at, text->vocabulary, CONFIG_MAX_VOCABULARY, "a text encoder has more than 1048576 words");
    exceeds(&at, text->positions, CONFIG_MAX_WIDTH, "a text encoder has more than 65536 positions");
    exceeds(&at, text->width, CONFIG_MAX_WIDTH, "a layer of a text encoder is wider than 65536");
    exceeds(&at, text->feed_forward, CONFIG_MAX_WIDTH, "a layer of a text encoder is wider than 65536");
    exceeds(&at, text->projection, CONFIG_MAX_WIDTH, "a layer of a text encoder is wider than 65536");
    text->excess = at.excess;
}

/* ---- the model ----------------------------------------------------------------------------- */

/* "1024x768" or "512". */
static void read_resolution(ModelConfig *config, const char *text)
{
    int size[2] = { 0, 0 }, count = 0;
    for (; text && *text && count < 2; count++) {
        for (; *text >= '0' && *text <= '9' && size[count] < 100000; text++)
            size[count] = size[count] * 10 + (*text - '0');
        if (*text == 'x' || *text == 'X')
            text++;
        else if (*text)
            return;
    }
    if (count == 1)
        size[1] = size[0];
    if (count == 0 || size[0] < 64 || size[1] < 64 || size[0] > 16384 || size[1] > 16384)
        return;
    config->native_width = size[0] / 8 * 8;
    config->native_height = size[1] / 8 * 8;
}

/* sample_size counts latents, modelspec.resolution pixels; the latter is the file's own word and
 * goes first.  Without either: the size that the family was trained at. */
static void read_native_size(ModelConfig *config, const Checkpoint *checkpoint, int fallback)
{
    int factor = 1 << (config->vae.levels > 0 ? config->vae.levels - 1 : 3);
    int latent = config_int(checkpoint_config(checkpoint, PART_UNET), "sample_size", 0);
    config->native_width = config->native_height = fallback;
    if (latent >= 8 && latent <= 2048 && factor <= 16)
        config->native_width = config->native_height = latent * factor;
    read_resolution(config, checkpoint_metadata(checkpoint, "modelspec.resolution"));
}

/* Reads all that is there; whether it is enough and fits, collect() tells. */
static void read_all(ModelConfig *config, const Checkpoint *checkpoint)
{
    *config = (ModelConfig){ .text_count = 1, .parametrisation = parametrisation_default() };
    read_unet(&config->unet, checkpoint);
    bool two = config->unet.adm_width > 0 && checkpoint_has_part(checkpoint, PART_TEXT_2);
    config->text_count = two ? 2 : 1;
    read_text(&config->text[0], checkpoint, PART_TEXT, two);
    if (two)
        read_text(&config->text[1], checkpoint, PART_TEXT_2, true);
    /* Where no config tells the scale it is the family's.  With SD 1.x's an SDXL model's latents
     * would be decoded at 0.7 of their size. */
    read_vae(&config->vae, checkpoint, config->unet.adm_width > 0 ? 0.13025f : 0.18215f);
    bool second = !two && config->unet.linear_projections;
    snprintf(config->family, sizeof config->family, "%s",
             config->unet.adm_width > 0 ? "SDXL" : second ? "SD 2.x" : "SD 1.x");
    noise_from_checkpoint(config, checkpoint, second);
    read_native_size(config, checkpoint, two ? 1024 : config->parametrisation.predicts == PREDICTS_V && second ? 768 : 512);
    bool zeros = two;
    json_bool(json_member(checkpoint_model_index(checkpoint), "force_zeros_for_empty_prompt"), &zeros);
    config->zero_empty_negative = two && zeros;
    config->has_taesd = checkpoint_has_part(checkpoint, PART_TAESD);
}

/* ---- is it whole, and does it fit? ---------------------------------------------------------- */

/* Nothing stands where the walk along the blocks has stopped: else one in between is missing. */
static void check_gaps(const ModelConfig *config, Binder *binder)
{
    const UnetConfig *unet = &config->unet;
    Look              at = { .checkpoint = binder->checkpoint, .part = PART_UNET };
    int               index = 1;
    for (int i = 0; i < unet->levels; i++)
        index += unet->res_blocks[i] + (i < unet->levels - 1);
    for (int i = index + 1; i < SEARCH_LIMIT && !unet->excess; i++)
        if (look(&at, "input_blocks.%d.0.in_layers.2.weight", i)) {
            binder_fault(binder, "'input_blocks.%d.0.in_layers.2.weight' is missing", index);
            break;
        }
    /* Both halves of the VAE are walked with the encoder's numbers. */
    const VaeConfig *vae = &config->vae;
    at.part = PART_VAE;
    if (look(&at, "decoder.up.%d.block.0.conv1.weight", vae->levels) ||
        look(&at, "decoder.up.0.block.%d.conv1.weight", vae->res_blocks + 1))
        binder_fault(binder, "the VAE's decoder is larger than its encoder");
}

static void check_text(const ModelConfig *config, const DenoiserCapabilities *can, Binder *binder)
{
    int context = 0, last = config->text_count - 1;
    for (int i = 0; i < config->text_count; i++)
        context += config->text[i].width;
    if (can->context_width != context && can->context_width > 0)
        binder_fault(binder, "the %s wants text of width %d and the text encoders make %d", can->network,
                     can->context_width, context);
    /* Six numbers (sizes and crop) stand behind the pooled text, each as cosines and sines. */
    int pooled = config->text[last].projection, sizes = can->label_width - pooled;
    if (last == 1 && (pooled == 0 || sizes <= 0 || sizes % 12))
        binder_fault(binder, "the %s wants a vector of %d and the second text encoder gives %d of it",
                     can->network, can->label_width, pooled);
    if (can->label_width > 0 && last == 0)
        binder_fault(binder, "the U-Net is SDXL's and its second text encoder is missing");
}

static void check_latents(const ModelConfig *config, const DenoiserCapabilities *can, Binder *binder)
{
    const VaeConfig *vae = &config->vae;
    if (vae->z_channels != can->latent_channels || vae->z_channels > CONFIG_MAX_LATENTS)
        binder_fault(binder, "latents have %d channels in the VAE and %d in the %s", vae->z_channels,
                     can->latent_channels, can->network);
    if (config->has_taesd && vae->z_channels != TAESD_CHANNELS)
        binder_fault(binder, "latents have %d channels in the TAESD and %d in the VAE", TAESD_CHANNELS,
                     vae->z_channels);
    if (config->has_taesd && vae->levels > 0 && 1 << (vae->levels - 1) != TAESD_FACTOR)
        binder_fault(binder, "the TAESD's pictures are %d times as large as latents and the VAE's %d times",
                     TAESD_FACTOR, 1 << (vae->levels - 1));
}

static void check_parts(const Checkpoint *checkpoint, Binder *binder)
{
    if (!checkpoint_has_part(checkpoint, PART_UNET))
        binder_fault(binder, "'model.diffusion_model.input_blocks.0.0.weight' (U-Net) is missing");
    if (!checkpoint_has_part(checkpoint, PART_VAE))
        binder_fault(binder, "'first_stage_model.decoder.conv_in.weight' (VAE) is missing");
    if (!checkpoint_has_part(checkpoint, PART_TEXT))
        binder_fault(binder, "'cond_stage_model.transformer.text_model.embeddings.token_embedding.weight' "
                             "(text encoder) is missing");
}

/* Every network is walked once, and its faults are told together. */
static void collect(const ModelConfig *config, Binder *binder)
{
    DenoiserCapabilities can = denoiser_capabilities(config);
    check_parts(binder->checkpoint, binder);
    if (binder->faults > 0)
        return;
    check_gaps(config, binder);
    denoiser_collect(binder, config);
    vae_collect(binder, &config->vae);
    for (int i = 0; i < config->text_count; i++)
        clip_collect(binder, i ? PART_TEXT_2 : PART_TEXT, &config->text[i]);
    if (*config->noise_fault)
        binder_fault(binder, "%s", config->noise_fault);
    check_latents(config, &can, binder);
    check_text(config, &can, binder);
}

bool config_from_checkpoint(ModelConfig *config, const Checkpoint *checkpoint, EngineError *error)
{
    Binder    binder;
    ModelKind kind = kind_of(checkpoint);
    binder_init(&binder, checkpoint, PART_UNET);
    read_all(config, checkpoint);
    collect(config, &binder);
    /* A file of another kind (a LoRA, a VAE) is named as that before any tensor is called missing.
     * Short of memory the walk has seen too little to say what the file is. */
    return (binder.no_memory || kind_check(checkpoint, &kind, error)) && binder_finish(&binder, error);
}
