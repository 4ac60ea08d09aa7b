/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "../weights/kind.h"
#include "config_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIP_VOCABULARY = 49408 };
enum { SEARCH_LIMIT = 64, DEPTH_LIMIT = 64, LAYER_LIMIT = 256 };

typedef struct {
    const Checkpoint *checkpoint;
    CheckpointPart    part;
    int               shape[TENSOR_MAX_RANK]; /* of the tensor that was asked for last */
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

/* Layers of the transformer that stands at this place, 0 where there is none. */
static int transformer_depth(Look *at, const char *place)
{
    int depth = 0;
    while (depth < DEPTH_LIMIT &&
           look(at, "%s.transformer_blocks.%d.attn1.to_q.weight", place, depth))
        depth++;
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
            if (unet->levels == CONFIG_MAX_LEVELS)
                return;
            unet->levels++;
        } else if (look(at, "input_blocks.%d.0.in_layers.2.weight", i)) {
            if (block == CONFIG_MAX_BLOCKS)
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
        bool    told = json_integer(item, &count) && count > 0 && count <= 4096;
        unet->heads[level] = told                        ? (int)count
                             : unet->linear_projections ? unet->channels[level] / 64
                                                         : 8;
        if (json_is_array(heads))
            item = json_next(item);
    }
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
    unet->out_channels = look(&at, "out.2.weight") ? at.shape[0] : 4;
    unet->time_width = look(&at, "time_embed.0.weight") ? at.shape[0] : 4 * unet->model_channels;
    unet->adm_width = look(&at, "label_emb.0.0.weight") ? at.shape[1] : 0;
    read_down(unet, &at);
    read_up(unet, &at);
    unet->middle_depth = transformer_depth(&at, "middle_block.1");
    read_attention(unet, &at);
    read_heads(unet, config);
    unet->norm_groups = config_int(config, "norm_num_groups", 32);
    unet->norm_eps = json_number(json_member(config, "norm_eps"), &eps) && eps > 0 && eps < 1 ? (float)eps
                                                                                              : 1e-5f;
}

/* ---- VAE ----------------------------------------------------------------------------------- */

static void read_vae(VaeConfig *vae, const Checkpoint *checkpoint, float scale)
{
    Look        at = { .checkpoint = checkpoint, .part = PART_VAE };
    const Json *config = checkpoint_config(checkpoint, PART_VAE);
    double      factor;
    vae->has_encoder = look(&at, "encoder.conv_in.weight");
    vae->has_decoder = look(&at, "decoder.conv_in.weight");
    vae->z_channels = vae->has_decoder ? at.shape[1] : 4;
    while (vae->levels < CONFIG_MAX_LEVELS &&
           look(&at, vae->has_encoder ? "encoder.down.%d.block.0.conv1.weight"
                                      : "decoder.up.%d.block.0.conv1.weight",
                vae->levels))
        vae->channels[vae->levels++] = at.shape[0];
    while (vae->res_blocks < SEARCH_LIMIT &&
           look(&at, vae->has_encoder ? "encoder.down.0.block.%d.conv1.weight"
                                      : "decoder.up.0.block.%d.conv1.weight",
                vae->res_blocks))
        vae->res_blocks++;
    if (!vae->has_encoder && vae->res_blocks > 0)
        vae->res_blocks--;
    vae->has_quant_conv = look(&at, vae->has_encoder ? "quant_conv.weight" : "post_quant_conv.weight");
    vae->norm_groups = config_int(config, "norm_num_groups", 32);
    vae->scale_factor = json_number(json_member(config, "scaling_factor"), &factor) && factor > 0 &&
                                factor < 1000
                            ? (float)factor
                            : scale;
}

/* ---- text ---------------------------------------------------------------------------------- */

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
    while (text->layers < LAYER_LIMIT &&
           look(&at, "text_model.encoder.layers.%d.layer_norm1.weight", text->layers))
        text->layers++;
    text->feed_forward = look(&at, "text_model.encoder.layers.0.mlp.fc1.weight") ? at.shape[0] : 0;
    text->heads = config_int(config, "num_attention_heads", text->width / 64);

    /* OpenCLIP's towers have the exact gelu, and so has the second one of SDXL under HF's names;
     * a first tower as wide as OpenCLIP-H is SD 2.x's. */
    bool clip_l = !openclip && part == PART_TEXT && text->width != 1024;
    text->quick_gelu = json_string(json_member(config, "hidden_act"))
                           ? config_is(config, "hidden_act", "quick_gelu")
                           : clip_l;
    if (part == PART_TEXT_2 && look(&at, "text_projection.weight"))
        text->projection = at.shape[checkpoint_is_transposed(checkpoint, part, "text_projection.weight")];
    /* SD 2.x and SDXL were trained on the layer before the last; diffusers' folders of SD 2.x leave the
     * last one away. */
    text->output_layer = two_towers || openclip ? -2 : -1;
    text->final_norm = !two_towers;
    /* Words that a model adds have ids behind the public ones; a cut vocabulary keeps its end last. */
    text->end_token = text->vocabulary > CLIP_VOCABULARY ? CLIP_VOCABULARY - 1 : text->vocabulary - 1;
    text->pad_token = clip_l ? text->end_token : 0;
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

static bool has_tensor(const Checkpoint *checkpoint, const char *name)
{
    return !checkpoint_is_folder(checkpoint) && checkpoint_file_count(checkpoint) > 0 &&
           safetensors_find(checkpoint_file(checkpoint, 0), name);
}

/* What the model predicts, from the surest source to the family's default.  Shapes cannot tell SD 2.x's
 * two kinds: 768-v is the default, 512-base has to be said (`modelspec`, config.json, an option). */
static void read_prediction(ModelConfig *config, const Checkpoint *checkpoint, bool second_family)
{
    const Json *scheduler = checkpoint_scheduler(checkpoint);
    const char *claim = checkpoint_metadata(checkpoint, "modelspec.prediction_type");
    const char *architecture = checkpoint_metadata(checkpoint, "modelspec.architecture");
    const char *prediction = json_string(json_member(scheduler, "prediction_type"));
    if (claim)
        config->v_prediction = strcmp(claim, "v") == 0 || strcmp(claim, "v_prediction") == 0;
    else if (prediction)
        config->v_prediction = strcmp(prediction, "v_prediction") == 0;
    else if (has_tensor(checkpoint, "v_pred"))
        config->v_prediction = true;
    else if (second_family)
        config->v_prediction = config->unet.in_channels == 4 &&
                               !(architecture && strstr(architecture, "512")) && !scheduler;
    bool rescaled = false;
    json_bool(json_member(scheduler, "rescale_betas_zero_snr"), &rescaled);
    config->zero_terminal_snr = rescaled || has_tensor(checkpoint, "ztsnr");
}

static void read_noise_range(ModelConfig *config, const Checkpoint *checkpoint)
{
    const Json *scheduler = checkpoint_scheduler(checkpoint);
    double      start, end;
    config->beta_start = 0.00085;
    config->beta_end = 0.012;
    if (json_number(json_member(scheduler, "beta_start"), &start) &&
        json_number(json_member(scheduler, "beta_end"), &end) && start > 0 && start < end && end < 1) {
        config->beta_start = start;
        config->beta_end = end;
    }
}

static void read_native_size(ModelConfig *config, const Checkpoint *checkpoint, int fallback)
{
    int factor = 1 << (config->vae.levels > 0 ? config->vae.levels - 1 : 3);
    int latent = config_int(checkpoint_config(checkpoint, PART_UNET), "sample_size", 0);
    config->native_width = config->native_height = fallback;
    if (latent >= 8 && latent <= 2048 && factor <= 16)
        config->native_width = config->native_height = latent * factor;
    read_resolution(config, checkpoint_metadata(checkpoint, "modelspec.resolution"));
}

/* Reads all that is there; whether it is enough and fits, config_check() tells. */
static void read_all(ModelConfig *config, const Checkpoint *checkpoint)
{
    *config = (ModelConfig){ .text_count = 1 };
    read_unet(&config->unet, checkpoint);
    bool two = config->unet.adm_width > 0 && checkpoint_has_part(checkpoint, PART_TEXT_2);
    config->text_count = two ? 2 : 1;
    read_text(&config->text[0], checkpoint, PART_TEXT, two);
    if (two)
        read_text(&config->text[1], checkpoint, PART_TEXT_2, true);
    read_vae(&config->vae, checkpoint, config->unet.adm_width > 0 ? 0.13025f : 0.18215f);
    bool second = !two && config->unet.linear_projections;
    snprintf(config->family, sizeof config->family, "%s",
             config->unet.adm_width > 0 ? "SDXL" : second ? "SD 2.x" : "SD 1.x");
    read_prediction(config, checkpoint, second);
    read_noise_range(config, checkpoint);
    read_native_size(config, checkpoint, two ? 1024 : config->v_prediction && second ? 768 : 512);
    bool zeros = two;
    json_bool(json_member(checkpoint_model_index(checkpoint), "force_zeros_for_empty_prompt"), &zeros);
    config->zero_empty_negative = two && zeros;
    config->has_taesd = checkpoint_has_part(checkpoint, PART_TAESD);
}

bool config_from_checkpoint(ModelConfig *config, const Checkpoint *checkpoint, EngineError *error)
{
    char        faults[CONFIG_FAULTS_SIZE];
    const char *path = checkpoint_path(checkpoint);
    ModelKind   kind = kind_of(checkpoint);
    read_all(config, checkpoint);
    int count = config_faults(config, checkpoint, faults);
    if (!kind_check(checkpoint, &kind, error))
        return false;
    return count == 0 || fail(error, ENGINE_UNSUPPORTED, "%s: cannot be run: %s", path, faults);
}
