/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kind.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_LOOKED_AT = 1 << 15 }; /* of a file; the largest real ones have some 10,000 tensors */

#define HERE "this engine runs Stable Diffusion 1.x, 2.x and SDXL"
#define PICTURES "it makes pictures with another network; " HERE
#define VIDEOS "it makes videos; " HERE
#define WITH_OTHERS "it belongs to models that are not run here; " HERE

/* ---- kinds --------------------------------------------------------------------------------- */

/* What lies about in checkpoints: a name of this kind is outvoted by … */
typedef enum {
    SURE,       /* nothing */
    LEFT_OVER,  /* a U-Net or a VAE in the same file: merging tools leave strays */
    COMPANION,  /* these, and a text encoder: CLIP's other tower */
    ANY,
} Weakness;

typedef struct {
    ModelKind kind;
    Weakness  weakness;
} Known;

/* In the order of the marks below: the first kind that has a mark in the file wins. */
enum {
    IP_ADAPTER, CONTROLNET, CONTROL_LLLITE, T2I_ADAPTER, GLIGEN, MOTION, LORA, QUANTISED, UNCLIP, DEPTH,
    ALT_DIFFUSION, KOLORS, KANDINSKY, SVD, TEXT_TO_VIDEO, QWEN_IMAGE, CHROMA, HUNYUAN_VIDEO, HUNYUAN_DIT,
    FLUX, AURA_FLOW, SD3, WAN, SANA, LTX, PIXART, LUMINA, CASCADE, COG, HIDREAM, MOCHI, COSMOS,
    AUDIO, TRANSFORMER, VIDEO_VAE, OTHER_VAE, HYPERNETWORK, FACES, UPSCALER, VISION, T5, ROBERTA, LANGUAGE,
    X4_UPSCALER, DEEP_FLOYD, REFINER, VAE_16, TAESD_16, FOREIGN, KNOWN_COUNT
};

static const Known known[KNOWN_COUNT] = {
#define ADD_ON(kind, name, advice) { { kind, name, advice }, SURE }
#define OTHER(name, advice) { { ENGINE_FILE_OTHER_MODEL, name, advice }, SURE }
    [IP_ADAPTER] = ADD_ON(ENGINE_FILE_CONTROLNET, "an IP-Adapter",
                          "it lets a picture guide a checkpoint, which is not done here yet"),
    [CONTROLNET] = ADD_ON(ENGINE_FILE_CONTROLNET, "a ControlNet",
                          "it guides a checkpoint by lines, depth or poses, which is not done here yet"),
    [CONTROL_LLLITE] = ADD_ON(ENGINE_FILE_CONTROLNET, "a ControlNet-LLLite",
                              "it guides a checkpoint by lines or poses, which is not done here yet"),
    [T2I_ADAPTER] = ADD_ON(ENGINE_FILE_CONTROLNET, "a T2I-Adapter",
                           "it guides a checkpoint by lines, depth or poses, which is not done here yet"),
    [GLIGEN] = ADD_ON(ENGINE_FILE_CONTROLNET, "a GLIGEN model",
                      "it puts things into boxes of a picture, which is not done here"),
    [MOTION] = OTHER("an AnimateDiff motion module", "it makes a checkpoint draw videos; " HERE),
    [LORA] = { { ENGINE_FILE_LORA, "a LoRA",
                 "it changes what a checkpoint of its family draws, which is not done here yet" },
               LEFT_OVER },
    [QUANTISED] = OTHER("a model quantised to 4 or 8 bits (bitsandbytes, GPTQ, SVDQuant)",
                        "its numbers only mean something to the library that made them; get the F16 or "
                        "F8 version"),
    [UNCLIP] = OTHER("a Stable unCLIP model", "it makes variations of a picture that CLIP has seen; " HERE),
    [DEPTH] = OTHER("a depth-to-image checkpoint", "it needs a depth map beside the picture; " HERE),
    [ALT_DIFFUSION] = OTHER("an AltDiffusion model", "it reads prompts with XLM-R; " HERE),
    [KOLORS] = OTHER("a Kolors model", "it reads prompts with ChatGLM; " HERE),
    [KANDINSKY] = OTHER("a Kandinsky model", PICTURES),
    [SVD] = OTHER("a Stable Video Diffusion model", VIDEOS),
    [TEXT_TO_VIDEO] = OTHER("a ModelScope or Zeroscope video model", VIDEOS),
    [QWEN_IMAGE] = OTHER("a Qwen-Image model", PICTURES),
    [CHROMA] = OTHER("a Chroma model", PICTURES),
    [HUNYUAN_VIDEO] = OTHER("a HunyuanVideo model", VIDEOS),
    [HUNYUAN_DIT] = OTHER("a HunyuanDiT model", PICTURES),
    [FLUX] = OTHER("a Flux model", PICTURES),
    [AURA_FLOW] = OTHER("an AuraFlow model", PICTURES),
    [SD3] = OTHER("a Stable Diffusion 3 model", PICTURES),
    [WAN] = OTHER("a Wan video model", VIDEOS),
    [SANA] = OTHER("a Sana model", PICTURES),
    [LTX] = OTHER("an LTX-Video model", VIDEOS),
    [PIXART] = OTHER("a PixArt model", PICTURES),
    [LUMINA] = OTHER("a Lumina 2 or Z-Image model", PICTURES),
    [CASCADE] = OTHER("a Stable Cascade model", PICTURES),
    [COG] = OTHER("a CogView or CogVideoX model", PICTURES),
    [HIDREAM] = OTHER("a HiDream model", PICTURES),
    [MOCHI] = OTHER("a Mochi video model", VIDEOS),
    [COSMOS] = OTHER("a Cosmos model", VIDEOS),
    [AUDIO] = OTHER("a Stable Audio model", "it makes sound; " HERE),
    [TRANSFORMER] = OTHER("a transformer for pictures of an unknown kind", PICTURES),
    [VIDEO_VAE] = OTHER("the VAE of a video model or of Qwen-Image", WITH_OTHERS),
    [OTHER_VAE] = OTHER("an autoencoder of another family", WITH_OTHERS),
    [HYPERNETWORK] = { { ENGINE_FILE_LORA, "a hypernetwork",
                         "it changes what a Stable Diffusion 1.x checkpoint draws, which is not done here; "
                         "LoRAs have taken its place" },
                       LEFT_OVER },
    [FACES] = OTHER("a face restorer", "it mends faces in finished pictures, which is not done here"),
    [UPSCALER] = { { ENGINE_FILE_UPSCALER, "an upscaler",
                     "it enlarges finished pictures, which is not done here yet" }, LEFT_OVER },
    [VISION] = { { ENGINE_FILE_OTHER_MODEL, "a CLIP vision model",
                   "it reads pictures for IP-Adapters, which are not used here yet" }, COMPANION },
    [T5] = { { ENGINE_FILE_OTHER_MODEL, "a T5 text encoder",
               "it reads prompts for Flux, Stable Diffusion 3 and the like; " HERE }, LEFT_OVER },
    [ROBERTA] = OTHER("the text encoder of AltDiffusion (XLM-R)", WITH_OTHERS),
    [LANGUAGE] = { { ENGINE_FILE_OTHER_MODEL, "a language model",
                     "newer picture models read prompts with it; " HERE }, LEFT_OVER },
    [X4_UPSCALER] = OTHER("a Stable Diffusion x4 upscaler", "it enlarges pictures by a prompt; " HERE),
    [DEEP_FLOYD] = OTHER("a DeepFloyd IF model", "it works on pixels without a VAE; " HERE),
    [REFINER] = OTHER("an SDXL refiner", "it only finishes pictures of an SDXL base model; use that"),
    [VAE_16] = OTHER("a VAE of 16 channels (Flux, Stable Diffusion 3)",
                     "a checkpoint of Stable Diffusion 1.x, 2.x or SDXL needs one of 4"),
    [TAESD_16] = OTHER("a TAESD of 16 channels (Flux, Stable Diffusion 3)",
                       "a checkpoint of Stable Diffusion 1.x, 2.x or SDXL needs one of 4"),
    [FOREIGN] = OTHER("a pipeline of another kind", PICTURES),
#undef OTHER
#undef ADD_ON
};

/* ---- marks --------------------------------------------------------------------------------- */

/* A name that only this kind has; `*` stands for any text and `#` for a number. */
typedef struct {
    unsigned char known;
    const char   *pattern;
} Mark;

static const Mark marks[] = {
    { IP_ADAPTER, "ip_adapter.*" },
    { IP_ADAPTER, "ip_adapter_proj_model.*" },
    { IP_ADAPTER, "image_proj.*" },
    { IP_ADAPTER, "image_proj_model.*" },
    { IP_ADAPTER, "*.to_k_ip.weight" },
    { IP_ADAPTER, "*.ip_adapter_double_stream_k_proj.*" },
    { CONTROL_LLLITE, "lllite_*" },
    { CONTROLNET, "control_model.*" },
    { CONTROLNET, "controlnet_*" },
    { CONTROLNET, "zero_convs.#.*" },
    { CONTROLNET, "input_hint_block.#.*" },
    { CONTROLNET, "lora_controlnet" },
    { CONTROLNET, "ctrl_down_blocks.*" },
    { CONTROLNET, "control_add_embedding.*" },
    { T2I_ADAPTER, "adapter.body.*" },
    { T2I_ADAPTER, "body.#.block1.*" },
    { T2I_ADAPTER, "body.#.in_conv.*" },
    { T2I_ADAPTER, "body.#.body.#.block1.*" },
    { T2I_ADAPTER, "transformer_layes.#.*" }, /* written so in TencentARC's style adapter */
    { GLIGEN, "*position_net.*" },
    { GLIGEN, "*.fuser.attn.*" },
    { MOTION, "*motion_modules.#.*" },
    { MOTION, "*.temporal_attentions.#.*" },
    { LORA, "*.lora_down.weight" },
    { LORA, "*.lora_up.weight" },
    { LORA, "*.lora_A.*" },
    { LORA, "*.lora_B.*" },
    { LORA, "*.lora.down.*" },
    { LORA, "*.lora.up.*" },
    { LORA, "*_lora.down.*" },
    { LORA, "*_lora.up.*" },
    { LORA, "*_lora#.down.*" },
    { LORA, "*_lora#.up.*" },
    { LORA, "*.lora_linear_layer.*" },
    { LORA, "*.hada_w1_a" },
    { LORA, "*.lokr_w1" },
    { LORA, "*.lokr_w1_a" },
    { LORA, "*.oft_blocks" },
    { LORA, "*.oft_diag" },
    { LORA, "*.oft_R.weight" },
    { LORA, "lora_unet_*" },
    { LORA, "lora_te_*" },
    { LORA, "lora_te#_*" },
    { LORA, "lora_transformer_*" },
    { LORA, "lycoris_*" },
    { LORA, "unet:#:up" }, /* the first scripts that made LoRAs numbered them */
    { LORA, "unet:#:down" },
    { LORA, "text_encoder:#:up" },
    { LORA, "text_encoder:#:down" },
    { QUANTISED, "*.weight.quant_map" },
    { QUANTISED, "*.weight.absmax" },
    { QUANTISED, "*.weight.quant_state.bitsandbytes__*" },
    { QUANTISED, "*.SCB" },
    { QUANTISED, "*.qweight" },
    { QUANTISED, "*.wscales" },
    { UNCLIP, "embedder.model.visual.*" },
    { UNCLIP, "noise_augmentor.*" },
    { DEPTH, "depth_model.*" },
    { ALT_DIFFUSION, "cond_stage_model.roberta.*" },
    { KANDINSKY, "*encoder_hid_proj.image_embeds.*" },
    { KANDINSKY, "*add_embedding.image_proj.*" },
    { DEEP_FLOYD, "*add_embedding.pool.*" },
    { KOLORS, "encoder_hid_proj.weight" },
    { KOLORS, "unet.encoder_hid_proj.weight" },
    { KOLORS, "model.diffusion_model.encoder_hid_proj.weight" },
    { SVD, "*.time_stack.*" },
    { SVD, "*.time_mixer.mix_factor" },
    { SVD, "*.temporal_transformer_blocks.#.*" },
    { TEXT_TO_VIDEO, "*.temp_convs.#.*" },
    { TEXT_TO_VIDEO, "*.temopral_conv.*" }, /* ModelScope's own spelling */
    { TEXT_TO_VIDEO, "*.temporal_conv.*" },
    { QWEN_IMAGE, "*transformer_blocks.0.img_mod.*" },
    { CHROMA, "*distilled_guidance_layer.*" },
    { HUNYUAN_VIDEO, "*txt_in.individual_token_refiner.*" },
    { HUNYUAN_VIDEO, "*context_embedder.token_refiner.*" },
    { HUNYUAN_DIT, "*blocks.0.default_modulation.*" },
    { HUNYUAN_DIT, "*mlp_t5.0.*" },
    { HUNYUAN_DIT, "*time_extra_emb.*" },
    { FLUX, "*double_blocks.0.img_attn.*" },
    { FLUX, "*single_transformer_blocks.0.attn.*" },
    { FLUX, "*double_stream_modulation_img.*" },
    { AURA_FLOW, "*double_layers.0.attn.*" },
    { AURA_FLOW, "*joint_transformer_blocks.0.*" },
    { SD3, "*joint_blocks.0.x_block.*" },
    { SD3, "*transformer_blocks.0.attn.add_q_proj.*" },
    { SANA, "*.mlp.inverted_conv.*" },
    { SANA, "*.ff.conv_inverted.*" },
    { WAN, "*blocks.0.cross_attn.norm_k.*" },
    { WAN, "*blocks.0.self_attn.norm_k.*" },
    { WAN, "condition_embedder.time_embedder.*" },
    { LTX, "*patchify_proj.*" },
    { PIXART, "*adaln_single.linear.*" },
    { PIXART, "*t_block.1.*" },
    { LUMINA, "*context_refiner.0.*" },
    { CASCADE, "*clip_txt_mapper.*" },
    { CASCADE, "*clip_txt_pooled_mapper.*" },
    { CASCADE, "*effnet_mapper.*" },
    { COG, "patch_embed.text_proj.*" },
    { HIDREAM, "*double_stream_blocks.0.block.*" },
    { MOCHI, "*t5_yproj.*" },
    { MOCHI, "*transformer_blocks.0.norm1_context.*" },
    { COSMOS, "*blocks.block0.blocks.0.*" },
    { AUDIO, "*.transformer.layers.0.cross_attend_norm.*" },
    { TRANSFORMER, "model.diffusion_model.transformer_blocks.0.*" },
    { TRANSFORMER, "model.diffusion_model.blocks.0.*" },
    { VIDEO_VAE, "*.residual.0.gamma" },
    { VIDEO_VAE, "*.resnets.0.norm1.gamma" },
    { VIDEO_VAE, "*.resnets.0.conv1.conv.weight" },
    { OTHER_VAE, "*decoder.stages.#.*" },
    { OTHER_VAE, "*decoder.project_in.*" },
    { OTHER_VAE, "*down_blocks.0.depthwise.*" },
    { ROBERTA, "roberta.encoder.layer.0.*" },
    { HYPERNETWORK, "#.0.linear.0.*" },
    { HYPERNETWORK, "#.0.linear1.*" },
    { HYPERNETWORK, "#.1.linear.0.*" },
    { FACES, "stylegan_decoder.*" },
    { FACES, "fuse_convs_dict.*" },
    { UPSCALER, "model.1.sub.0.RDB1.*" },
    { UPSCALER, "body.0.rdb1.conv1.*" },
    { UPSCALER, "RRDB_trunk.0.RDB1.*" },
    { UPSCALER, "layers.0.residual_group.*" },
    { UPSCALER, "layers.0.blocks.0.attn.attns.*" }, /* DAT */
    { UPSCALER, "conv_before_upsample.*" },
    { UPSCALER, "dblocks.*" },
    { UPSCALER, "upsampler.end_conv.*" },
    { UPSCALER, "block_1.c1_r.*" }, /* SPAN */
    { UPSCALER, "residual_layer.0.residual_layer.*" }, /* OmniSR */
    { UPSCALER, "feats.0.weight" }, /* PLKSR */
    { UPSCALER, "m_head.0.weight" }, /* SCUNet */
    { UPSCALER, "sub_mean.weight" }, /* EDSR */
    { VISION, "*vision_model.encoder.layers.0.*" },
    { VISION, "*visual.transformer.resblocks.0.*" },
    { VISION, "vision_model.*" },
    { T5, "*encoder.block.0.layer.0.SelfAttention.*" },
    { T5, "blocks.0.pos_embedding.embedding.weight" }, /* UMT5 as Wan writes it */
    { LANGUAGE, "*model.layers.0.self_attn.q_proj.*" },
    { LANGUAGE, "*language_model.layers.0.*" },
    { LANGUAGE, "*transformer.encoder.layers.0.self_attention.query_key_value.*" },
};

/* Pipelines by the beginning of their `_class_name`; the first that fits. */
static const struct {
    const char   *begins;
    unsigned char known;
} classes[] = {
    { "Flux", FLUX },
    { "StableDiffusion3", SD3 },
    { "StableDiffusionUpscale", X4_UPSCALER },
    { "StableDiffusionLatentUpscale", X4_UPSCALER },
    { "StableDiffusionDepth2Img", DEPTH },
    { "StableDiffusionGLIGEN", GLIGEN },
    { "StableUnCLIP", UNCLIP },
    { "UnCLIP", UNCLIP },
    { "StableDiffusionImageVariation", UNCLIP },
    { "AltDiffusion", ALT_DIFFUSION },
    { "Kolors", KOLORS },
    { "Kandinsky", KANDINSKY },
    { "IF", DEEP_FLOYD },
    { "StableVideoDiffusion", SVD },
    { "TextToVideo", TEXT_TO_VIDEO },
    { "VideoToVideoSD", TEXT_TO_VIDEO },
    { "AnimateDiff", MOTION },
    { "QwenImage", QWEN_IMAGE },
    { "Chroma", CHROMA },
    { "HunyuanVideo", HUNYUAN_VIDEO },
    { "HunyuanDiT", HUNYUAN_DIT },
    { "AuraFlow", AURA_FLOW },
    { "Wan", WAN },
    { "Sana", SANA },
    { "LTX", LTX },
    { "PixArt", PIXART },
    { "Lumina", LUMINA },
    { "ZImage", LUMINA },
    { "StableCascade", CASCADE },
    { "Wuerstchen", CASCADE },
    { "CogV", COG },
    { "HiDream", HIDREAM },
    { "Mochi", MOCHI },
    { "Cosmos", COSMOS },
    { "StableAudio", AUDIO },
    { "AudioLDM", AUDIO },
    { "DiTPipeline", FOREIGN },
    { "OmniGen", FOREIGN },
    { "Bria", FOREIGN },
    { "Amused", FOREIGN },
    { "LDMTextToImage", FOREIGN },
    { "HunyuanImage", FOREIGN },
};

/* `*` any text, `#` one digit or more; tries the latest `*` again further right. */
static bool matches(const char *pattern, const char *name)
{
    const char *star = NULL, *again = NULL;
    for (;;) {
        if (*pattern == '*') {
            star = ++pattern;
            again = name;
            if (!*star)
                return true;
        } else if (*pattern == '#' && *name >= '0' && *name <= '9') {
            while (*name >= '0' && *name <= '9')
                name++;
            pattern++;
        } else if (*pattern == *name && *name) {
            pattern++;
            name++;
        } else if (!*pattern && !*name) {
            return true;
        } else {
            if (!star || !*again)
                return false;
            while (*++again && *star != '#' && *again != *star)
                ;
            pattern = star;
            name = again;
        }
    }
}

/* Steps past what trainers and torch put before every name. */
static const char *without_wrapper(const char *name)
{
    static const char *const wrappers[] = { "state_dict.", "module.", "_orig_mod.", "params_ema.",
                                            "params." };
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
        if (strncmp(name, wrappers[i], strlen(wrappers[i])) == 0) {
            name += strlen(wrappers[i]);
            i = (size_t)-1;
        }
    return name;
}

/* The first of the table's marks that any name has, of kinds that hold better than `outvoted`; a LoRA of
 * Flux is a LoRA.  -1: none. */
static int find_mark(const Checkpoint *checkpoint, Weakness outvoted)
{
    enum { COUNT = sizeof marks / sizeof *marks };
    int best = COUNT;
    for (size_t f = 0; f < checkpoint_file_count(checkpoint); f++) {
        const Safetensors *file = checkpoint_file(checkpoint, f);
        size_t             count = safetensors_count(file);
        for (size_t t = 0; t < count && t < NAMES_LOOKED_AT; t++) {
            const char *name = without_wrapper(safetensors_at(file, t)->name);
            for (int i = 0; i < best; i++)
                if (known[marks[i].known].weakness < outvoted && matches(marks[i].pattern, name))
                    best = i;
        }
    }
    return best < COUNT ? marks[best].known : -1;
}

static int find_class(const char *class_name)
{
    for (size_t i = 0; class_name && i < sizeof classes / sizeof *classes; i++)
        if (strncmp(class_name, classes[i].begins, strlen(classes[i].begins)) == 0)
            return classes[i].known;
    return -1;
}

bool kind_is_foreign(const char *class_name)
{
    return find_class(class_name) >= 0;
}

/* ---- by shapes ----------------------------------------------------------------------------- */

/* Textual inversion: one or two vectors under names of the tool that made them. */
static bool is_embedding(const Checkpoint *checkpoint)
{
    static const char *const names[] = { "emb_params", "clip_l", "clip_g", "string_to_param.*",
                                         "text_encoders_0" };
    const Safetensors       *file = checkpoint_file(checkpoint, 0);
    if (checkpoint_file_count(checkpoint) != 1 || safetensors_count(file) > 8)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const SafetensorsEntry *entry = safetensors_find(file, names[i]);
        if (entry && entry->rank <= 2)
            return true;
    }
    /* diffusers: one tensor, called as the word that stands for it: "<cat-toy>". */
    const SafetensorsEntry *only = safetensors_count(file) == 1 ? safetensors_at(file, 0) : NULL;
    return only && only->rank >= 1 && only->rank <= 2 && only->type <= TYPE_F64 &&
           !strchr(only->name, '.') &&
           (only->shape[only->rank - 1] == 768 || only->shape[only->rank - 1] == 1024 ||
            only->shape[only->rank - 1] == 1280);
}

/* Real-ESRGAN's small networks (SRVGG): convolutions and slopes in one row, and nothing else. */
static bool is_row_of_convolutions(const Checkpoint *checkpoint)
{
    const Safetensors *file = checkpoint_file(checkpoint, 0);
    size_t             count = safetensors_count(file), convolutions = 0;
    if (checkpoint_file_count(checkpoint) != 1 || count > 1024)
        return false;
    for (size_t i = 0; i < count; i++) {
        const SafetensorsEntry *entry = safetensors_at(file, i);
        const char             *name = without_wrapper(entry->name);
        if (!matches("body.#.weight", name) && !matches("body.#.bias", name))
            return false;
        convolutions += entry->rank == 4;
    }
    return convolutions >= 2;
}

/* A U-Net that takes what no checkpoint of ours has, by the channels of its input; -1: it does not.
 * An SDXL refiner has a single text encoder of 1280 and a label of 5 numbers behind its pooled text:
 * 1280 + 5 * 256 = 2560, where SDXL has 1280 + 6 * 256 = 2816. */
static int find_shape(const Checkpoint *checkpoint)
{
    int shape[TENSOR_MAX_RANK];
    if (!checkpoint_has(checkpoint, PART_UNET, "input_blocks.0.0.weight", shape))
        return -1;
    if (shape[1] == 5)
        return DEPTH;
    if (shape[1] == 7)
        return X4_UPSCALER;
    return checkpoint_has(checkpoint, PART_UNET, "label_emb.0.0.weight", shape) && shape[1] == 2560 ? REFINER
                                                                                                     : -1;
}

/* ---- the kind ------------------------------------------------------------------------------ */

static ModelKind kind_of_parts(const Checkpoint *checkpoint)
{
    static const ModelKind whole = { ENGINE_FILE_CHECKPOINT, "a checkpoint", "" };
    static const ModelKind incomplete = { ENGINE_FILE_INCOMPLETE, "an incomplete checkpoint", "" };
    bool                   unet = checkpoint_has_part(checkpoint, PART_UNET);
    bool                   vae = checkpoint_has_part(checkpoint, PART_VAE);
    bool                   text = checkpoint_has_part(checkpoint, PART_TEXT);
    bool                   text_2 = checkpoint_has_part(checkpoint, PART_TEXT_2);
    int                    shape[TENSOR_MAX_RANK];
    if (unet && vae && (text || text_2))
        return whole;
    if (unet && (vae || text || text_2 || checkpoint_model_index(checkpoint)))
        return incomplete;
    if (unet)
        return (ModelKind){ ENGINE_FILE_UNET, "a U-Net alone", "" };
    if (vae && !text && checkpoint_has(checkpoint, PART_VAE, "decoder.conv_in.weight", shape) &&
        shape[1] != 4)
        return known[shape[1] == 16 ? VAE_16 : OTHER_VAE].kind;
    if (vae && !text)
        return (ModelKind){ ENGINE_FILE_VAE, "a VAE alone",
                            "it turns latents into pictures; give it as the VAE of a checkpoint" };
    if (vae)
        return incomplete;
    if (checkpoint_has(checkpoint, PART_TAESD, "decoder.1.weight", shape) && shape[1] == 16)
        return known[TAESD_16].kind;
    if (checkpoint_has_part(checkpoint, PART_TAESD))
        return (ModelKind){ ENGINE_FILE_TAESD, "a TAESD alone",
                            "it makes quick previews; give it as the TAESD of a checkpoint" };
    if (text || text_2)
        return (ModelKind){ ENGINE_FILE_TEXT_ENCODER, "a text encoder alone",
                            "it reads prompts for a checkpoint that has none" };
    if (is_embedding(checkpoint))
        return (ModelKind){ ENGINE_FILE_EMBEDDING, "a textual inversion embedding",
                            "it adds a word to a checkpoint of its family, which is not done here yet" };
    if (is_row_of_convolutions(checkpoint))
        return known[UPSCALER].kind;
    return (ModelKind){ ENGINE_FILE_UNKNOWN, "a file of an unknown kind",
                        "none of its tensors is one of a Stable Diffusion checkpoint" };
}

ModelKind kind_of(const Checkpoint *checkpoint)
{
    const Json *index = checkpoint_model_index(checkpoint);
    int         found = find_class(json_string(json_member(index, "_class_name")));
    if (found >= 0)
        return known[found].kind;
    if (checkpoint_file_count(checkpoint) == 0)
        return (ModelKind){ ENGINE_FILE_UNKNOWN, "a folder without weights",
                            "a diffusers folder has them in unet, vae and text_encoder" };
    if (safetensors_count(checkpoint_file(checkpoint, 0)) == 0)
        return (ModelKind){ ENGINE_FILE_UNKNOWN, "a file without tensors", "get it again" };
    bool unet = checkpoint_has_part(checkpoint, PART_UNET);
    bool vae = checkpoint_has_part(checkpoint, PART_VAE), text = checkpoint_has_part(checkpoint, PART_TEXT);
    found = find_mark(checkpoint, unet || vae ? LEFT_OVER : text ? COMPANION : ANY);
    if (found < 0)
        found = find_shape(checkpoint);
    return found >= 0 ? known[found].kind : kind_of_parts(checkpoint);
}

/* ---- the sentence -------------------------------------------------------------------------- */

/* "NAME.vae.safetensors" of ".../NAME.safetensors". */
static void vae_name(char out[256], const char *path)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    size_t length = strlen(name), end = strlen(".safetensors");
    if (length > end && strcmp(name + length - end, ".safetensors") == 0)
        length -= end;
    snprintf(out, 256, "%.*s.vae.safetensors", (int)(length < 200 ? length : 200), name);
}

static bool refuse_incomplete(const Checkpoint *checkpoint, const ModelKind *kind, EngineError *error)
{
    const char *path = checkpoint_path(checkpoint);
    bool        vae = checkpoint_has_part(checkpoint, PART_VAE);
    bool        text = checkpoint_has_part(checkpoint, PART_TEXT) ||
                checkpoint_has_part(checkpoint, PART_TEXT_2);
    char name[256], beside[320] = "";
    vae_name(name, path);
    if (!vae && !checkpoint_is_folder(checkpoint))
        snprintf(beside, sizeof beside, "; as '%s' beside it a VAE is taken by itself", name);
    if (!checkpoint_has_part(checkpoint, PART_UNET))
        return fail(error, ENGINE_UNSUPPORTED, "%s: is %s: it has no U-Net, and nothing can stand in for it",
                    path, kind->name);
    return fail(error, ENGINE_UNSUPPORTED, "%s: is %s: it has no %s%s%s, which can be given%s", path,
                kind->name, vae ? "" : "VAE", vae || text ? "" : " and no ", text ? "" : "text encoder",
                beside);
}

bool kind_check(const Checkpoint *checkpoint, const ModelKind *kind, EngineError *error)
{
    if (kind->kind == ENGINE_FILE_CHECKPOINT)
        return true;
    if (kind->kind == ENGINE_FILE_INCOMPLETE || kind->kind == ENGINE_FILE_UNET)
        return refuse_incomplete(checkpoint, kind, error);
    return fail(error, ENGINE_UNSUPPORTED, "%s: is %s: %s", checkpoint_path(checkpoint), kind->name,
                kind->advice);
}
