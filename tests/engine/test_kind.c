/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are no checkpoint, by the names that real ones have: each is named for what it is, in one
 * sentence.  And layouts that checkpoints come in: each draws what the plain layout draws. */
#include "demo_help.h"
#include "files/safetensors.h"
#include "files_help.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HERE "this engine runs Stable Diffusion 1.x, 2.x and SDXL"
#define PICTURES "it makes pictures with another network; " HERE
#define VIDEOS "it makes videos; " HERE
#define OTHERS "it belongs to models that are not run here; " HERE

#define IP_ADAPTER "is an IP-Adapter: it lets a picture guide a checkpoint, which is not done here yet"
#define CONTROLNET                                                                                    \
    "is a ControlNet: it guides a checkpoint by lines, depth or poses, which is not done here yet"
#define T2I_ADAPTER                                                                                   \
    "is a T2I-Adapter: it guides a checkpoint by lines, depth or poses, which is not done here yet"
#define LORA "is a LoRA: it changes what a checkpoint of its family draws, which is not done here yet"
#define UPSCALER "is an upscaler: it enlarges finished pictures, which is not done here yet"
#define VISION                                                                                        \
    "is a CLIP vision model: it reads pictures for IP-Adapters, which are not used here yet"
#define T5                                                                                            \
    "is a T5 text encoder: it reads prompts for Flux, Stable Diffusion 3 and the like; " HERE
#define LANGUAGE "is a language model: newer picture models read prompts with it; " HERE
#define QUANTISED                                                                                     \
    "is a model quantised to 4 or 8 bits (bitsandbytes, GPTQ, SVDQuant): its numbers only mean "      \
    "something to the library that made them; get the F16 or F8 version"
#define VAE "is a VAE alone: it turns latents into pictures; give it as the VAE of a checkpoint"

typedef struct {
    const char    *what; /* the real file */
    EngineFileKind kind;
    const char    *reason;
    const char    *names[8];
} Case;

static const Case cases[] = {
    /* ---- LoRAs ---- */
    { "kohya", ENGINE_FILE_LORA, LORA,
      { "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight",
        "lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight",
        "lora_te_text_model_encoder_layers_0_mlp_fc1.alpha" } },
    { "peft", ENGINE_FILE_LORA, LORA,
      { "base_model.model.unet.down_blocks.0.attentions.0.to_q.lora_A.default.weight",
        "base_model.model.unet.down_blocks.0.attentions.0.to_q.lora_B.default.weight" } },
    { "diffusers 0.14", ENGINE_FILE_LORA, LORA,
      { "unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight" } },
    { "cloneofsimo, numbered", ENGINE_FILE_LORA, LORA, { "unet:0:up", "unet:0:down", "unet:1:up" } },
    { "cloneofsimo, numbered, text", ENGINE_FILE_LORA, LORA,
      { "text_encoder:0:down", "text_encoder:0:up" } },
    { "LyCORIS", ENGINE_FILE_LORA, LORA, { "lycoris_unet_down_blocks_0.hada_w1_a" } },
    { "of Flux, by XLabs", ENGINE_FILE_LORA, LORA,
      { "double_blocks.0.processor.proj_lora1.down.weight", "double_blocks.0.processor.proj_lora1.up.weight" } },
    { "of Flux, by kohya", ENGINE_FILE_LORA, LORA,
      { "lora_unet_double_blocks_0_img_attn_proj.lora_down.weight" } },
    { "hypernetwork", ENGINE_FILE_LORA,
      "is a hypernetwork: it changes what a Stable Diffusion 1.x checkpoint draws, which is not done here; "
      "LoRAs have taken its place",
      { "320.0.linear.0.weight", "320.0.linear.0.bias", "768.1.linear.3.weight" } },
    { "embedding of A1111", ENGINE_FILE_EMBEDDING,
      "is a textual inversion embedding: it adds a word to a checkpoint of its family, which is not done "
      "here yet",
      { "emb_params" } },

    /* ---- what guides ---- */
    { "ControlNet 1.1", ENGINE_FILE_CONTROLNET, CONTROLNET,
      { "control_model.zero_convs.0.0.weight", "control_model.time_embed.0.weight",
        "control_model.input_blocks.0.0.weight" } },
    { "ControlNet, whole as its authors wrote it", ENGINE_FILE_CONTROLNET, CONTROLNET,
      { "control_model.zero_convs.0.0.weight", "model.diffusion_model.input_blocks.0.0.weight",
        "first_stage_model.decoder.up.0.block.0.conv1.weight",
        "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight" } },
    { "ControlNet without its prefix", ENGINE_FILE_CONTROLNET, CONTROLNET,
      { "zero_convs.0.0.weight", "input_blocks.0.0.weight", "input_hint_block.0.weight" } },
    { "ControlNet of diffusers", ENGINE_FILE_CONTROLNET, CONTROLNET,
      { "controlnet_cond_embedding.conv_in.weight", "controlnet_down_blocks.0.weight",
        "down_blocks.0.resnets.0.conv1.weight" } },
    { "ControlNet of Flux and SD 3", ENGINE_FILE_CONTROLNET, CONTROLNET,
      { "controlnet_blocks.0.weight", "transformer_blocks.0.attn.add_q_proj.weight" } },
    { "control-LoRA", ENGINE_FILE_CONTROLNET, CONTROLNET,
      { "lora_controlnet", "input_blocks.1.1.proj_in.up", "input_blocks.1.1.proj_in.down" } },
    { "ControlNet-LLLite", ENGINE_FILE_CONTROLNET,
      "is a ControlNet-LLLite: it guides a checkpoint by lines or poses, which is not done here yet",
      { "lllite_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.conditioning1.0.weight" } },
    { "T2I-Adapter of TencentARC", ENGINE_FILE_CONTROLNET, T2I_ADAPTER,
      { "body.0.block1.weight", "body.0.block1.bias", "body.0.block2.weight", "conv_in.weight" } },
    { "T2I-Adapter, light", ENGINE_FILE_CONTROLNET, T2I_ADAPTER,
      { "body.0.in_conv.weight", "body.0.body.0.block1.weight" } },
    { "T2I-Adapter of diffusers", ENGINE_FILE_CONTROLNET, T2I_ADAPTER,
      { "adapter.body.0.resnets.0.block1.weight", "adapter.conv_in.weight" } },
    { "T2I style adapter", ENGINE_FILE_CONTROLNET, T2I_ADAPTER,
      { "style_embedding", "transformer_layes.0.attn.in_proj_weight" } },
    { "IP-Adapter", ENGINE_FILE_CONTROLNET, IP_ADAPTER,
      { "image_proj.proj.weight", "ip_adapter.1.to_k_ip.weight" } },
    { "IP-Adapter FaceID", ENGINE_FILE_CONTROLNET, IP_ADAPTER,
      { "image_proj.proj.0.weight", "ip_adapter.0.to_q_lora.down.weight", "ip_adapter.1.to_k_ip.weight" } },
    { "GLIGEN", ENGINE_FILE_CONTROLNET,
      "is a GLIGEN model: it puts things into boxes of a picture, which is not done here",
      { "position_net.linears.0.weight", "input_blocks.1.1.transformer_blocks.0.fuser.attn.to_q.weight" } },
    { "AnimateDiff", ENGINE_FILE_OTHER_MODEL,
      "is an AnimateDiff motion module: it makes a checkpoint draw videos; " HERE,
      { "down_blocks.0.motion_modules.0.temporal_transformer.norm.weight" } },

    /* ---- other picture models ---- */
    { "Flux", ENGINE_FILE_OTHER_MODEL, "is a Flux model: " PICTURES,
      { "model.diffusion_model.double_blocks.0.img_attn.qkv.weight", "vae.decoder.conv_in.weight" } },
    { "Flux, whole", ENGINE_FILE_OTHER_MODEL, "is a Flux model: " PICTURES,
      { "model.diffusion_model.double_blocks.0.img_attn.qkv.weight",
        "text_encoders.clip_l.transformer.text_model.embeddings.token_embedding.weight",
        "text_encoders.t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q.weight",
        "vae.decoder.up.0.block.0.conv1.weight" } },
    { "Flux of diffusers", ENGINE_FILE_OTHER_MODEL, "is a Flux model: " PICTURES,
      { "single_transformer_blocks.0.attn.to_q.weight", "transformer_blocks.0.attn.add_q_proj.weight" } },
    { "SD 3", ENGINE_FILE_OTHER_MODEL, "is a Stable Diffusion 3 model: " PICTURES,
      { "model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight",
        "first_stage_model.decoder.up.0.block.0.conv1.weight" } },
    { "SD 3.5 of diffusers", ENGINE_FILE_OTHER_MODEL, "is a Stable Diffusion 3 model: " PICTURES,
      { "transformer_blocks.0.attn.add_q_proj.weight", "transformer_blocks.0.attn.norm_added_k.weight" } },
    { "Qwen-Image", ENGINE_FILE_OTHER_MODEL, "is a Qwen-Image model: " PICTURES,
      { "transformer_blocks.0.attn.add_q_proj.weight", "transformer_blocks.0.img_mod.1.weight",
        "txt_norm.weight" } },
    { "PixArt", ENGINE_FILE_OTHER_MODEL, "is a PixArt model: " PICTURES,
      { "blocks.0.cross_attn.q_linear.weight", "t_block.1.weight", "y_embedder.y_proj.fc1.weight" } },
    { "PixArt of diffusers", ENGINE_FILE_OTHER_MODEL, "is a PixArt model: " PICTURES,
      { "adaln_single.linear.weight", "pos_embed.proj.weight" } },
    { "Sana", ENGINE_FILE_OTHER_MODEL, "is a Sana model: " PICTURES,
      { "blocks.0.mlp.inverted_conv.conv.weight", "t_block.1.weight" } },
    { "Sana of diffusers", ENGINE_FILE_OTHER_MODEL, "is a Sana model: " PICTURES,
      { "transformer_blocks.0.ff.conv_inverted.weight", "caption_norm.weight" } },
    { "HunyuanDiT", ENGINE_FILE_OTHER_MODEL, "is a HunyuanDiT model: " PICTURES,
      { "blocks.0.attn1.Wqkv.weight", "blocks.0.default_modulation.1.weight", "mlp_t5.0.weight" } },
    { "HunyuanDiT of diffusers", ENGINE_FILE_OTHER_MODEL, "is a HunyuanDiT model: " PICTURES,
      { "blocks.0.attn1.to_q.weight", "time_extra_emb.pooler.k_proj.weight" } },
    { "AuraFlow", ENGINE_FILE_OTHER_MODEL, "is an AuraFlow model: " PICTURES,
      { "model.double_layers.0.attn.w1q.weight" } },
    { "Lumina 2", ENGINE_FILE_OTHER_MODEL, "is a Lumina 2 or Z-Image model: " PICTURES,
      { "model.diffusion_model.context_refiner.0.attention.qkv.weight" } },
    { "Stable Cascade", ENGINE_FILE_OTHER_MODEL, "is a Stable Cascade model: " PICTURES,
      { "clip_txt_mapper.weight", "down_blocks.0.0.depthwise.weight" } },
    { "Kandinsky 2.2", ENGINE_FILE_OTHER_MODEL, "is a Kandinsky model: " PICTURES,
      { "down_blocks.0.resnets.0.conv1.weight", "encoder_hid_proj.image_embeds.weight" } },
    { "Kolors", ENGINE_FILE_OTHER_MODEL, "is a Kolors model: it reads prompts with ChatGLM; " HERE,
      { "down_blocks.0.resnets.0.conv1.weight", "encoder_hid_proj.weight" } },
    { "AltDiffusion", ENGINE_FILE_OTHER_MODEL, "is an AltDiffusion model: it reads prompts with XLM-R; " HERE,
      { "model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.decoder.up.0.block.0.conv1.weight",
        "cond_stage_model.roberta.encoder.layer.0.attention.self.query.weight" } },
    { "Stable unCLIP, whole", ENGINE_FILE_OTHER_MODEL,
      "is a Stable unCLIP model: it makes variations of a picture that CLIP has seen; " HERE,
      { "model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.decoder.up.0.block.0.conv1.weight",
        "cond_stage_model.model.token_embedding.weight",
        "embedder.model.visual.transformer.resblocks.0.attn.in_proj_weight" } },
    { "depth-to-image", ENGINE_FILE_OTHER_MODEL,
      "is a depth-to-image checkpoint: it needs a depth map beside the picture; " HERE,
      { "depth_model.model.pretrained.model.cls_token", "model.diffusion_model.input_blocks.0.0.weight" } },

    /* ---- videos ---- */
    { "Wan", ENGINE_FILE_OTHER_MODEL, "is a Wan video model: " VIDEOS,
      { "model.diffusion_model.blocks.0.self_attn.norm_k.weight" } },
    { "HunyuanVideo", ENGINE_FILE_OTHER_MODEL, "is a HunyuanVideo model: " VIDEOS,
      { "txt_in.individual_token_refiner.blocks.0.norm1.weight", "double_blocks.0.img_attn.qkv.weight" } },
    { "LTX-Video", ENGINE_FILE_OTHER_MODEL, "is an LTX-Video model: " VIDEOS,
      { "model.diffusion_model.patchify_proj.weight", "model.diffusion_model.adaln_single.linear.weight" } },
    { "Stable Video Diffusion", ENGINE_FILE_OTHER_MODEL, "is a Stable Video Diffusion model: " VIDEOS,
      { "model.diffusion_model.input_blocks.0.0.weight",
        "model.diffusion_model.input_blocks.1.1.time_stack.0.attn1.to_q.weight",
        "first_stage_model.decoder.up.0.block.0.conv1.weight" } },
    { "VAE of Wan", ENGINE_FILE_OTHER_MODEL, "is the VAE of a video model or of Qwen-Image: " OTHERS,
      { "decoder.middle.0.residual.0.gamma", "decoder.conv1.weight" } },
    { "VAE of Qwen-Image, diffusers", ENGINE_FILE_OTHER_MODEL,
      "is the VAE of a video model or of Qwen-Image: " OTHERS,
      { "decoder.up_blocks.0.resnets.0.conv1.weight", "decoder.up_blocks.0.resnets.0.norm1.gamma" } },
    { "DC-AE", ENGINE_FILE_OTHER_MODEL, "is an autoencoder of another family: " OTHERS,
      { "decoder.stages.0.op_list.0.main.conv1.conv.weight", "encoder.project_in.weight" } },

    /* ---- upscalers and text ---- */
    { "ESRGAN", ENGINE_FILE_UPSCALER, UPSCALER, { "model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight" } },
    { "Real-ESRGAN", ENGINE_FILE_UPSCALER, UPSCALER,
      { "params_ema.conv_first.weight", "params_ema.body.0.rdb1.conv1.weight" } },
    { "SwinIR", ENGINE_FILE_UPSCALER, UPSCALER,
      { "conv_first.weight", "layers.0.residual_group.blocks.0.attn.qkv.weight" } },
    { "DAT", ENGINE_FILE_UPSCALER, UPSCALER,
      { "conv_first.weight", "layers.0.blocks.0.attn.attns.0.rpe_biases" } },
    { "GFPGAN", ENGINE_FILE_OTHER_MODEL,
      "is a face restorer: it mends faces in finished pictures, which is not done here",
      { "stylegan_decoder.style_conv1.weight" } },
    { "CLIP vision", ENGINE_FILE_OTHER_MODEL, VISION,
      { "vision_model.encoder.layers.0.self_attn.q_proj.weight", "visual_projection.weight" } },
    { "T5", ENGINE_FILE_OTHER_MODEL, T5,
      { "shared.weight", "encoder.block.0.layer.0.SelfAttention.q.weight" } },
    { "XLM-R", ENGINE_FILE_OTHER_MODEL, "is the text encoder of AltDiffusion (XLM-R): " OTHERS,
      { "roberta.encoder.layer.0.attention.self.query.weight", "transformation.weight" } },
    { "Qwen", ENGINE_FILE_OTHER_MODEL, LANGUAGE, { "model.layers.0.self_attn.q_proj.weight" } },
    { "NF4", ENGINE_FILE_OTHER_MODEL, QUANTISED,
      { "double_blocks.0.img_attn.qkv.weight", "double_blocks.0.img_attn.qkv.weight.quant_map",
        "double_blocks.0.img_attn.qkv.weight.absmax" } },
    { "nothing known", ENGINE_FILE_UNKNOWN,
      "is a file of an unknown kind: none of its tensors is one of a Stable Diffusion checkpoint",
      { "some.weight", "other.bias" } },
};

/* A file of small F32 tensors with these names. */
static const char *file_of(const char *const *names)
{
    static const float zeros[64];
    SafetensorsItem    items[64];
    size_t             count = 0;
    EngineError        error = { 0 };
    const char        *path = temporary_path("kind.safetensors");
    for (; names[count]; count++)
        items[count] = (SafetensorsItem){ .name = names[count], .rank = 2, .shape = { 4, 4 },
                                          .type = TYPE_F32, .data = zeros };
    if (!CHECK(safetensors_write(path, items, count, &error)))
        printf("     %s\n", error.message);
    return path;
}

static void every_kind_is_named_in_one_sentence(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        EngineModelInfo info;
        EngineError     error = { 0 };
        bool ok = CHECK(engine_inspect(file_of(cases[i].names), &info, &error)) &&
                  CHECK_INT(info.kind, cases[i].kind) && CHECK_STRING(info.reason, cases[i].reason) &&
                      CHECK(!info.runnable && info.summary[0]);
        if (!ok)
            printf("     %s: %s\n", cases[i].what, error.message);
    }
}

/* Convolutions and slopes alone: Real-ESRGAN's "general" and "anime video" networks. */
static void a_row_of_convolutions_is_an_upscaler(void)
{
    const char     *path = temporary_path("srvgg.safetensors");
    FileBuilder     file = { 0 };
    EngineModelInfo info;
    EngineError     error = { 0 };
    builder_add(&file, "body.0.weight", "F32", 4, 64, 3, 3, 3);
    builder_add(&file, "body.0.bias", "F32", 4, 64, 0, 0, 0);
    builder_add(&file, "body.1.weight", "F32", 4, 64, 0, 0, 0);
    builder_add(&file, "body.2.weight", "F32", 4, 48, 64, 3, 3);
    builder_write(&file, path);
    if (CHECK(engine_inspect(path, &info, &error)))
        CHECK_STRING(info.reason, UPSCALER);
    CHECK_INT(info.kind, ENGINE_FILE_UPSCALER);
}

/* By shapes: { width, sentence } of the tensor that tells. */
static void inspect_shape(const char *tensor, int d0, int d1, int kernel, const char *landmark,
                          const char *reason)
{
    const char     *path = temporary_path("shape.safetensors");
    FileBuilder     file = { 0 };
    EngineModelInfo info;
    EngineError     error = { 0 };
    builder_add(&file, tensor, "F16", 2, d0, d1, kernel, kernel);
    if (landmark)
        builder_add(&file, landmark, "F16", 2, 8, 4, kernel ? kernel : 3, kernel ? kernel : 3);
    builder_write(&file, path);
    if (CHECK(engine_inspect(path, &info, &error)) && CHECK_STRING(info.reason, reason))
        CHECK_INT(info.kind, strcmp(reason, VAE) ? ENGINE_FILE_OTHER_MODEL : ENGINE_FILE_VAE);
}

static void shapes_tell_what_names_cannot(void)
{
    const char *const vae = "decoder.up.0.block.0.conv1.weight";
    inspect_shape("decoder.conv_in.weight", 8, 4, 3, vae, VAE);
    inspect_shape("decoder.conv_in.weight", 8, 16, 3, vae,
                  "is a VAE of 16 channels (Flux, Stable Diffusion 3): a checkpoint of Stable Diffusion "
                  "1.x, 2.x or SDXL needs one of 4");
    inspect_shape("decoder.conv_in.weight", 8, 32, 3, vae, "is an autoencoder of another family: " OTHERS);
    inspect_shape("model.diffusion_model.label_emb.0.0.weight", 1536, 2560, 0,
                  "model.diffusion_model.input_blocks.0.0.weight",
                  "is an SDXL refiner: it only finishes pictures of an SDXL base model; use that");
    inspect_shape("model.diffusion_model.input_blocks.0.0.weight", 8, 7, 3, NULL,
                  "is a Stable Diffusion x4 upscaler: it enlarges pictures by a prompt; " HERE);
    inspect_shape("model.diffusion_model.input_blocks.0.0.weight", 8, 5, 3, NULL,
                  "is a depth-to-image checkpoint: it needs a depth map beside the picture; " HERE);
}

/* ---- layouts of checkpoints ---------------------------------------------------------------- */

static const char *golden(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/golden/models/%s", getenv("TEST_DATA"), name);
    return path;
}

static const char *prompt = ""; /* of draw() */

/* Two steps of a small picture; the caller clears. */
static bool draw(const char *path, const EngineOptions *options, EnginePicture *picture)
{
    EngineError error = { 0 };
    Engine     *engine = demo_try(path, options, 0, &error);
    bool        ok = engine != NULL;
    if (ok) {
        EngineRequest request = engine_request_default(engine);
        request.width = request.height = 64;
        request.steps = 2;
        request.seed = 3;
        request.prompt = prompt;
        ok = engine_generate(engine, &request, picture, &error);
    }
    demo_close(engine);
    if (!CHECK(ok))
        printf("     %s\n", error.message);
    return ok;
}

/* The file at `path` draws what `model` draws: to the bit, or within a bound where the numbers lie in
 * another order. */
static bool draws_within(const char *path, const char *model, double bound)
{
    EngineOptions options = engine_options_default();
    EnginePicture want = { 0 }, got = { 0 };
    bool          ok = draw(model, &options, &want) && draw(path, &options, &got) &&
              CHECK(want.width == got.width && want.height == got.height) &&
              CHECK_NEAR(got.pixels, want.pixels, 3 * 64 * 64, bound);
    engine_picture_clear(&want);
    engine_picture_clear(&got);
    return ok;
}

static bool draws_the_same(const char *path, const char *model)
{
    return draws_within(path, model, 0);
}

/* Puts `to` where `from` stands in the name. */
static bool replace(RewrittenTensor *tensor, const char *from, const char *to)
{
    char  rest[256], *at = strstr(tensor->name, from);
    if (!at)
        return false;
    snprintf(rest, sizeof rest, "%s", at + strlen(from));
    snprintf(at, sizeof tensor->name - (size_t)(at - tensor->name), "%s%s", to, rest);
    return true;
}

static bool to_sgm(RewrittenTensor *tensor)
{
    replace(tensor, "cond_stage_model.", "conditioner.embedders.0.");
    return true;
}

/* SD-Turbo's layout was taken for an SDXL refiner. */
static void sd2_in_sgm_names_is_no_refiner(void)
{
    const char     *path = temporary_path("sgm.safetensors");
    EngineModelInfo info;
    EngineError     error = { 0 };
    file_rewrite(path, golden("sd2.safetensors"), to_sgm, NULL);
    CHECK(engine_inspect(path, &info, &error) && info.runnable);
    CHECK_STRING(info.family, "SD 2.x");
    draws_the_same(path, golden("sd2.safetensors"));
}

/* [in, out] to [out, in], numbers of two bytes. */
static bool to_linear(RewrittenTensor *tensor)
{
    size_t rows = (size_t)tensor->shape[0], columns = (size_t)tensor->shape[1];
    size_t length = strlen(tensor->name), end = strlen(".text_projection");
    if (length < end || strcmp(tensor->name + length - end, ".text_projection") != 0)
        return true;
    strcat(tensor->name, ".weight");
    uint16_t *copy = malloc(tensor->bytes);
    for (size_t r = 0; copy && r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            memcpy(copy + c * rows + r, tensor->data + 2 * (r * columns + c), 2);
    if (CHECK(copy && tensor->bytes == 2 * rows * columns))
        memcpy(tensor->data, copy, tensor->bytes);
    free(copy);
    tensor->shape[0] = columns;
    tensor->shape[1] = rows;
    return true;
}

static void text_projection_may_stand_as_a_linear_layer(void)
{
    const char *path = temporary_path("linear.safetensors");
    file_rewrite(path, golden("sdxl.safetensors"), to_linear, NULL);
    draws_within(path, golden("sdxl.safetensors"), 1e-5);
}

static bool to_converted(RewrittenTensor *tensor)
{
    if (!replace(tensor, "mid.attn_1.q.", "mid.attn_1.to_q.") &&
        !replace(tensor, "mid.attn_1.k.", "mid.attn_1.to_k.") &&
        !replace(tensor, "mid.attn_1.v.", "mid.attn_1.to_v."))
        replace(tensor, "mid.attn_1.proj_out.", "mid.attn_1.to_out.0.");
    return true;
}

static bool to_converted_norm(RewrittenTensor *tensor)
{
    replace(tensor, "mid.attn_1.norm.", "mid.attn_1.group_norm.");
    return to_converted(tensor);
}

static void vae_attention_may_have_diffusers_names(void)
{
    const char *path = temporary_path("converted.safetensors");
    file_rewrite(path, golden("sd1.safetensors"), to_converted, NULL);
    draws_the_same(path, golden("sd1.safetensors"));
    file_rewrite(path, golden("sd1.safetensors"), to_converted_norm, NULL);
    draws_the_same(path, golden("sd1.safetensors"));
}

static const char *wrapper; /* what wrap() puts before every name */

static bool wrap(RewrittenTensor *tensor)
{
    char name[sizeof tensor->name];
    snprintf(name, sizeof name, "%s%.200s", wrapper, tensor->name);
    memcpy(tensor->name, name, sizeof name);
    return true;
}

static void names_may_be_wrapped(void)
{
    static const char *const wrappers[] = { "state_dict.", "module.", "state_dict.module.", "_orig_mod." };
    const char              *path = temporary_path("wrapped.safetensors");
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        wrapper = wrappers[i];
        file_rewrite(path, golden("sd1.safetensors"), wrap, NULL);
        if (!draws_the_same(path, golden("sd1.safetensors")))
            printf("     %s\n", wrapper);
    }
}

static void a_stray_tensor_does_not_outvote_a_checkpoint(void)
{
    static const char *const strays[] = {
        "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight",
        "cond_stage_model.transformer.vision_model.encoder.layers.0.mlp.fc1.weight",
        "encoder.block.0.layer.0.SelfAttention.q.weight",
    };
    const char *path = temporary_path("stray.safetensors");
    for (size_t i = 0; i < sizeof strays / sizeof *strays; i++) {
        file_rewrite(path, golden("sd1.safetensors"), NULL, strays[i]);
        if (!draws_the_same(path, golden("sd1.safetensors")))
            printf("     %s\n", strays[i]);
    }
}

/* ---- parts that are given ------------------------------------------------------------------ */

static bool only_vae(RewrittenTensor *tensor)
{
    return strncmp(tensor->name, "first_stage_model.", 18) == 0;
}

static bool no_vae(RewrittenTensor *tensor)
{
    return !only_vae(tensor);
}

static bool only_text(RewrittenTensor *tensor)
{
    return strncmp(tensor->name, "cond_stage_model.", 17) == 0;
}

static bool no_text(RewrittenTensor *tensor)
{
    return !only_text(tensor);
}

static bool only_unet(RewrittenTensor *tensor)
{
    return no_vae(tensor) && no_text(tensor);
}

static void check_reason(const char *path, const char *reason)
{
    EngineModelInfo info;
    EngineError     error = { 0 };
    if (!CHECK(engine_inspect(path, &info, &error) && !info.runnable))
        printf("     %s\n", error.message);
    CHECK_STRING(info.reason, reason);
}

static void draws_with(const char *path, const char *vae, const char *text)
{
    EngineOptions options = engine_options_default(), none = options;
    EnginePicture want = { 0 }, got = { 0 };
    options.vae_path = vae;
    options.text_encoder_path = text;
    if (draw(golden("sd1.safetensors"), &none, &want) && draw(path, &options, &got))
        CHECK_NEAR(got.pixels, want.pixels, 3 * 64 * 64, 0);
    engine_picture_clear(&want);
    engine_picture_clear(&got);
}

static void a_checkpoint_without_a_vae_takes_one(void)
{
    const char *path = temporary_path("novae.safetensors"), *vae = temporary_path("other.safetensors");
    file_rewrite(path, golden("sd1.safetensors"), no_vae, NULL);
    check_reason(path, "is an incomplete checkpoint: it has no VAE, which can be given; as "
                       "'novae.vae.safetensors' beside it a VAE is taken by itself");
    file_rewrite(vae, golden("sd1.safetensors"), only_vae, NULL);
    draws_with(path, vae, NULL);

    EngineModelInfo info;
    EngineError     error = { 0 };
    CHECK(engine_inspect(path, &info, &error) && info.lacks_vae && !info.lacks_text_encoder);
    file_rewrite(temporary_path("novae.vae.safetensors"), golden("sd1.safetensors"), only_vae, NULL);
    CHECK(engine_inspect(path, &info, &error) && info.runnable && !info.lacks_vae);
    CHECK_STRING(info.vae, "novae.vae.safetensors");
    draws_with(path, NULL, NULL);
}

static void a_checkpoint_without_a_text_encoder_takes_one(void)
{
    const char *path = temporary_path("notext.safetensors"), *text = temporary_path("text.safetensors");
    file_rewrite(path, golden("sd1.safetensors"), no_text, NULL);
    check_reason(path, "is an incomplete checkpoint: it has no text encoder, which can be given");
    file_rewrite(text, golden("sd1.safetensors"), only_text, NULL);
    draws_with(path, NULL, text);
    draws_with(path, NULL, golden("sd1")); /* a whole model's folder */
    draws_with(path, NULL, golden("sd1.safetensors"));
}

static void a_unet_alone_takes_both(void)
{
    const char *path = temporary_path("unet.safetensors");
    file_rewrite(path, golden("sd1.safetensors"), only_unet, NULL);
    check_reason(path, "is a U-Net alone: it has no VAE and no text encoder, which can be given; as "
                       "'unet.vae.safetensors' beside it a VAE is taken by itself");
    char model[1024];
    snprintf(model, sizeof model, "%s", golden("sd1.safetensors"));
    draws_with(path, model, model);
}

static void a_vae_of_another_family_is_blamed_itself(void)
{
    const char   *path = temporary_path("flux-vae.safetensors");
    EngineOptions options = engine_options_default();
    EngineError   error = { 0 };
    FileBuilder   file = { 0 };
    char          sentence[1200];
    builder_add(&file, "decoder.conv_in.weight", "F32", 4, 8, 16, 3, 3);
    builder_add(&file, "decoder.up.0.block.0.conv1.weight", "F32", 4, 8, 8, 3, 3);
    builder_write(&file, path);
    options.vae_path = path;
    Engine *engine = demo_try(golden("sd1.safetensors"), &options, 0, &error);
    CHECK(engine == NULL);
    demo_close(engine);
    snprintf(sentence, sizeof sentence,
             "%s: is a VAE of 16 channels, and checkpoints of Stable Diffusion 1.x, 2.x and SDXL need one of 4",
             path);
    CHECK_STRING(error.message, sentence);
}

/* ---- words of the model's own -------------------------------------------------------------- */

enum { ROW = 2 * 64, PUBLIC_WORDS = 49408 }; /* bytes of a golden embedding */

/* The embedding of 200 words grown to the public vocabulary and two words more: start and end are where
 * they always are, "a" (320) is row 7, and so is the first of the added words. */
static bool grow_vocabulary(RewrittenTensor *tensor)
{
    const char *end = "token_embedding.weight";
    size_t      length = strlen(tensor->name);
    if (length < strlen(end) || strcmp(tensor->name + length - strlen(end), end) != 0)
        return true;
    unsigned char last[2 * ROW], seventh[ROW];
    CHECK(tensor->bytes == 200 * ROW);
    memcpy(last, tensor->data + 198 * ROW, sizeof last);
    memcpy(seventh, tensor->data + 7 * ROW, sizeof seventh);
    tensor->shape[0] = PUBLIC_WORDS + 2;
    tensor->bytes = (size_t)tensor->shape[0] * ROW;
    memcpy(tensor->data + (PUBLIC_WORDS - 2) * ROW, last, sizeof last);
    memcpy(tensor->data + 320 * ROW, seventh, ROW);
    memcpy(tensor->data + PUBLIC_WORDS * ROW, seventh, ROW);
    memcpy(tensor->data + (PUBLIC_WORDS + 1) * ROW, last, ROW);
    return true;
}

static const char *file_in_folders(const char *name);

static void words_that_a_model_adds_work_and_the_end_stays(void)
{
    static const char *const links[] = { "model_index.json", "scheduler", "unet", "vae" };
    static const char        words[] = "{\"<cat-toy>\": 49408, \"<|endoftext|>\": 49407}";
    EngineOptions            options = engine_options_default();
    EnginePicture            want = { 0 }, got = { 0 };
    char                     from[1200], folder[1024];
    file_rewrite(temporary_path("words.safetensors"), golden("sd1.safetensors"), grow_vocabulary, NULL);
    draws_the_same(temporary_path("words.safetensors"), golden("sd1.safetensors"));

    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        char name[64];
        snprintf(name, sizeof name, "words/%s", links[i]);
        snprintf(from, sizeof from, "%s/%s", golden("sd1"), links[i]);
        CHECK(symlink(from, file_in_folders(name)) == 0);
    }
    snprintf(from, sizeof from, "%s/text_encoder/config.json", golden("sd1"));
    CHECK(symlink(from, file_in_folders("words/text_encoder/config.json")) == 0);
    snprintf(from, sizeof from, "%s/text_encoder/model.safetensors", golden("sd1"));
    file_rewrite(file_in_folders("words/text_encoder/model.safetensors"), from, grow_vocabulary, NULL);
    write_bytes(file_in_folders("words/tokenizer/added_tokens.json"), words, sizeof words - 1);
    snprintf(folder, sizeof folder, "%s", temporary_path("words"));
    draws_the_same(folder, golden("sd1"));
    prompt = "a (a:1.3)";
    bool ok = draw(folder, &options, &want);
    prompt = "<cat-toy> (<CAT-TOY>:1.3)";
    if (ok && draw(folder, &options, &got))
        CHECK_NEAR(got.pixels, want.pixels, 3 * 64 * 64, 0);
    prompt = "";
    engine_picture_clear(&want);
    engine_picture_clear(&got);
}

/* ---- what is no safetensors file ----------------------------------------------------------- */

static void check_refusal(const char *bytes, size_t size, const char *sentence)
{
    const char     *path = temporary_path("refused.safetensors");
    EngineModelInfo info;
    EngineError     error = { 0 };
    write_bytes(path, bytes, size);
    CHECK(!engine_inspect(path, &info, &error));
    if (CHECK(strlen(error.message) > strlen(path)))
        CHECK_STRING(error.message + strlen(path), sentence);
}

static void a_failed_download_is_quoted(void)
{
#define TEXT(text) text, sizeof text - 1
    check_refusal(TEXT("Access to model some/model is restricted. You must have access to it.\n"),
                  ": is a text and no model, so the download has failed: \"Access to model some/model is "
                  "restricted. You must have access to it.\"");
    check_refusal(TEXT("Entry not found"),
                  ": is a text and no model, so the download has failed: \"Entry not found\"");
    check_refusal(TEXT("Invalid username or password.\r\nmore"),
                  ": is a text and no model, so the download has failed: \"Invalid username or password.\"");
    check_refusal(TEXT("\x08\x07\x12\x07pytorch\x1a\x03" "2.1"),
                  ": is no safetensors file but an ONNX model, another format for weights; get the "
                  "safetensors version");
    check_refusal(TEXT("GGUF\x03\0\0\0\0\0\0\0"),
                  ": is no safetensors file but a GGUF file, another format for weights; get the "
                  "safetensors version");
#undef TEXT
}

static void a_cut_file_says_how_much_is_there(void)
{
    Bytes whole = bytes_of_file("{\"a\":{\"dtype\":\"F32\",\"shape\":[250],\"data_offsets\":[0,1000]}}", -1, 1000);
    char  sentence[200];
    snprintf(sentence, sizeof sentence,
             ": ends at byte %zu, and its header speaks of %zu, so %.1f %% of it is there: the download is "
             "incomplete or still running",
             whole.size - 800, whole.size, 100.0 * (double)(whole.size - 800) / (double)whole.size);
    check_refusal((const char *)whole.bytes, whole.size - 800, sentence);
    bytes_free(&whole);
}

/* ---- folders ------------------------------------------------------------------------------- */

/* Makes all folders on the way to a file. */
static const char *file_in_folders(const char *name)
{
    const char *path = temporary_path(name);
    char        folder[1024];
    for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        snprintf(folder, sizeof folder, "%.*s", (int)(at - path), path);
        mkdir(folder, 0700);
    }
    return path;
}

#define SNAPSHOT "models--owner--some--model/snapshots/0123abc/"

static void cache_folders_of_the_hub_open_under_their_name(void)
{
    static const char *const files[] = { "model_index.json", "scheduler", "text_encoder", "unet", "vae" };
    EngineModelInfo          info;
    EngineError              error = { 0 };
    char                     hub[1024];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[256];
        snprintf(name, sizeof name, SNAPSHOT "%s", files[i]);
        char from[1200];
        snprintf(from, sizeof from, "%s/%s", golden("sd1"), files[i]);
        CHECK(symlink(from, file_in_folders(name)) == 0);
    }
    write_bytes(file_in_folders("models--owner--some--model/refs/main"), "0123abc\n", 8);
    file_in_folders("models--owner--some--model/snapshots/4567def/x");
    snprintf(hub, sizeof hub, "%s", temporary_path("models--owner--some--model"));
    CHECK(engine_inspect(hub, &info, &error) && info.runnable);
    CHECK_STRING(info.title, "owner/some--model");
    draws_the_same(hub, golden("sd1"));
    CHECK(engine_inspect(temporary_path(SNAPSHOT "model_index.json"), &info, &error) && info.runnable);
    CHECK_STRING(info.title, "owner/some--model");
}

static void foreign_folders_are_named_by_their_class(void)
{
    static const struct {
        const char *class_name, *reason;
    } folders[] = {
        { "FluxPipeline", "is a Flux model: " PICTURES },
        { "StableDiffusion3Pipeline", "is a Stable Diffusion 3 model: " PICTURES },
        { "PixArtAlphaPipeline", "is a PixArt model: " PICTURES },
        { "PixArtSigmaPipeline", "is a PixArt model: " PICTURES },
        { "WanPipeline", "is a Wan video model: " VIDEOS },
        { "KolorsPipeline", "is a Kolors model: it reads prompts with ChatGLM; " HERE },
        { "AltDiffusionPipeline", "is an AltDiffusion model: it reads prompts with XLM-R; " HERE },
        { "StableUnCLIPImg2ImgPipeline",
          "is a Stable unCLIP model: it makes variations of a picture that CLIP has seen; " HERE },
        { "QwenImagePipeline", "is a Qwen-Image model: " PICTURES },
        { "HunyuanDiTPipeline", "is a HunyuanDiT model: " PICTURES },
        { "SanaPipeline", "is a Sana model: " PICTURES },
        { "StableVideoDiffusionPipeline", "is a Stable Video Diffusion model: " VIDEOS },
        { "IFPipeline", "is a DeepFloyd IF model: it works on pixels without a VAE; " HERE },
    };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        EngineModelInfo info;
        EngineError     error = { 0 };
        char            json[200], name[64];
        int length = snprintf(json, sizeof json, "{\"_class_name\": \"%s\"}", folders[i].class_name);
        snprintf(name, sizeof name, "foreign-%zu/model_index.json", i);
        write_bytes(file_in_folders(name), json, (size_t)length);
        if (CHECK(engine_inspect(temporary_path(name), &info, &error)) &&
            CHECK_STRING(info.reason, folders[i].reason))
            CHECK_INT(info.kind, ENGINE_FILE_OTHER_MODEL);
    }
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(every_kind_is_named_in_one_sentence);
    RUN(a_row_of_convolutions_is_an_upscaler);
    RUN(shapes_tell_what_names_cannot);
    RUN(sd2_in_sgm_names_is_no_refiner);
    RUN(text_projection_may_stand_as_a_linear_layer);
    RUN(vae_attention_may_have_diffusers_names);
    RUN(names_may_be_wrapped);
    RUN(a_stray_tensor_does_not_outvote_a_checkpoint);
    RUN(a_checkpoint_without_a_vae_takes_one);
    RUN(a_checkpoint_without_a_text_encoder_takes_one);
    RUN(a_unet_alone_takes_both);
    RUN(a_vae_of_another_family_is_blamed_itself);
    RUN(words_that_a_model_adds_work_and_the_end_stays);
    RUN(a_failed_download_is_quoted);
    RUN(a_cut_file_says_how_much_is_there);
    RUN(cache_folders_of_the_hub_open_under_their_name);
    RUN(foreign_folders_are_named_by_their_class);
    files_help_end();
    return test_end();
}
