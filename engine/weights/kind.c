/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kind.h"

#include <string.h>

/* A mark is a piece of a name that only this kind has; the first kind in the table that has enough
 * marked tensors wins. */
static const struct {
    const char *begins, *holds, *ends; /* NULL: whatever */
    ModelKind   kind;
} marks[] = {
#define LORA(begins, holds, ends) { begins, holds, ends, { KIND_LORA, "a LoRA", "" } }
    LORA(NULL, NULL, ".lora_down.weight"),
    LORA(NULL, NULL, ".lora_up.weight"),
    LORA(NULL, ".lora_A.", NULL),
    LORA(NULL, ".lora_B.", NULL),
    LORA(NULL, ".lora.down.", NULL),
    LORA(NULL, ".lora.up.", NULL),
    LORA(NULL, "_lora.down.", NULL),
    LORA(NULL, "_lora.up.", NULL),
    LORA(NULL, ".lora_linear_layer.", NULL),
    LORA(NULL, NULL, ".hada_w1_a"),
    LORA(NULL, NULL, ".lokr_w1"),
    LORA(NULL, NULL, ".lokr_w1_a"),
    LORA(NULL, NULL, ".oft_blocks"),
    LORA(NULL, NULL, ".oft_diag"),
    LORA("lora_unet_", NULL, NULL),
    LORA("lora_te_", NULL, NULL),
    LORA("lora_te1_", NULL, NULL),
    LORA("lycoris_", NULL, NULL),
#undef LORA
#define CONTROL(begins) { begins, NULL, NULL, { KIND_CONTROLNET, "a ControlNet", "" } }
    CONTROL("control_model."),
    CONTROL("controlnet_cond_embedding."),
    CONTROL("controlnet_down_blocks."),
    CONTROL("controlnet_blocks."),
    CONTROL("lllite_"),
    { "zero_convs.", NULL, NULL, { KIND_CONTROLNET, "a ControlNet", "" } },
    { "adapter.body.", NULL, NULL, { KIND_CONTROLNET, "a T2I-Adapter", "" } },
    { "ip_adapter.", NULL, NULL, { KIND_CONTROLNET, "an IP-Adapter", "" } },
#undef CONTROL
#define OTHER(begins, holds, name) { begins, holds, NULL, { KIND_OTHER_MODEL, name, "" } }
    OTHER(NULL, "double_blocks.0.img_attn.", "a Flux model"),
    OTHER(NULL, "single_transformer_blocks.0.attn.", "a Flux model"),
    OTHER(NULL, "joint_blocks.0.x_block.", "a Stable Diffusion 3 model"),
    OTHER(NULL, "transformer_blocks.0.attn.add_q_proj.", "a Stable Diffusion 3 model"),
    OTHER(NULL, "blocks.0.cross_attn.norm_k.", "a Wan video model"),
    OTHER(NULL, "blocks.0.self_attn.norm_k.", "a Wan video model"),
    OTHER(NULL, "txt_in.individual_token_refiner.", "a HunyuanVideo model"),
    OTHER(NULL, "double_layers.0.attn.", "an AuraFlow model"),
    OTHER(NULL, "adaln_single.linear.", "a PixArt or LTX-Video model"),
    OTHER(NULL, "t_block.1.", "a PixArt model"),
    OTHER(NULL, "context_refiner.0.attention.", "a Lumina 2 or Z-Image model"),
    OTHER(NULL, "clip_txt_mapper.", "a Stable Cascade model"),
    OTHER(NULL, "effnet_mapper.", "a Stable Cascade model"),
    OTHER(NULL, "time_stack.", "a Stable Video Diffusion model"),
    OTHER(NULL, "time_mixer.mix_factor", "a Stable Video Diffusion model"),
    OTHER(NULL, "motion_modules.", "an AnimateDiff motion module"),
    OTHER(NULL, "encoder.block.0.layer.0.SelfAttention.", "a T5 text model"),
    OTHER(NULL, "model.layers.0.self_attn.q_proj.", "a language model"),
    OTHER(NULL, "vision_model.encoder.layers.0.", "a CLIP vision model"),
    OTHER(NULL, "visual.transformer.resblocks.0.", "a CLIP vision model"),
    OTHER("model.diffusion_model.transformer_blocks.0.", NULL, "a transformer for pictures of an unknown kind"),
#undef OTHER
#define UPSCALER(begins, holds) { begins, holds, NULL, { KIND_UPSCALER, "an upscaler", "" } }
    UPSCALER("model.1.sub.0.RDB1.", NULL),
    UPSCALER("body.0.rdb1.conv1.", NULL),
    UPSCALER("RRDB_trunk.0.RDB1.", NULL),
    UPSCALER("layers.0.residual_group.blocks.0.", NULL),
    UPSCALER("conv_before_upsample.", NULL),
    UPSCALER("dblocks.", NULL),
    UPSCALER("upsampler.end_conv.", NULL),
#undef UPSCALER
};

static bool has_end(const char *name, const char *end)
{
    size_t length = strlen(name), size = strlen(end);
    return length >= size && strcmp(name + length - size, end) == 0;
}

static bool is_marked(const char *name, size_t i)
{
    return (!marks[i].begins || strncmp(name, marks[i].begins, strlen(marks[i].begins)) == 0) &&
           (!marks[i].ends || has_end(name, marks[i].ends)) &&
           (!marks[i].holds || strstr(name, marks[i].holds));
}

/* The first of the table's marks that any name has; a LoRA of Flux is a LoRA. */
static bool find_mark(const Checkpoint *checkpoint, ModelKind *kind)
{
    size_t best = sizeof marks / sizeof *marks;
    for (size_t f = 0; f < checkpoint_file_count(checkpoint); f++) {
        const Safetensors *file = checkpoint_file(checkpoint, f);
        for (size_t t = 0; t < safetensors_count(file) && best > 0; t++) {
            const char *name = safetensors_at(file, t)->name;
            for (size_t i = 0; i < best; i++)
                if (is_marked(name, i))
                    best = i;
        }
    }
    if (best == sizeof marks / sizeof *marks)
        return false;
    *kind = marks[best].kind;
    return true;
}

/* Textual inversion: one or two vectors under names of the tool that made them. */
static bool is_embedding(const Checkpoint *checkpoint)
{
    static const char *const names[] = { "emb_params", "clip_l", "clip_g", "string_to_param.*" };
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

ModelKind kind_of(const Checkpoint *checkpoint)
{
    static const ModelKind whole = { KIND_CHECKPOINT, "a checkpoint", "" };
    static const ModelKind incomplete = { KIND_INCOMPLETE, "an incomplete checkpoint", "" };
    static const ModelKind refiner = { KIND_OTHER_MODEL, "an SDXL refiner",
                                       "it only finishes pictures of an SDXL base model; use that" };
    ModelKind kind;
    bool      unet = checkpoint_has_part(checkpoint, PART_UNET);
    bool      vae = checkpoint_has_part(checkpoint, PART_VAE);
    bool      text = checkpoint_has_part(checkpoint, PART_TEXT);
    bool      text_2 = checkpoint_has_part(checkpoint, PART_TEXT_2);
    if (checkpoint_file_count(checkpoint) == 0)
        return (ModelKind){ KIND_UNKNOWN, "a folder without weights", "" };
    if (safetensors_count(checkpoint_file(checkpoint, 0)) == 0)
        return (ModelKind){ KIND_UNKNOWN, "a file without tensors", "" };
    if (find_mark(checkpoint, &kind))
        return kind;
    if (unet && !text && safetensors_find(checkpoint_file(checkpoint, 0),
                                          "conditioner.embedders.0.model.token_embedding.weight"))
        return refiner;
    if (unet && vae && (text || text_2))
        return whole;
    if (unet && (vae || text || text_2 || checkpoint_is_folder(checkpoint)))
        return incomplete;
    if (unet)
        return (ModelKind){ KIND_UNET, "a U-Net alone", "it needs a text encoder and a VAE beside it" };
    if (vae && !text)
        return (ModelKind){ KIND_VAE, "a VAE alone", "give it as the VAE of a checkpoint" };
    if (vae)
        return incomplete;
    if (checkpoint_has_part(checkpoint, PART_TAESD))
        return (ModelKind){ KIND_TAESD, "a TAESD preview decoder alone", "give it as the TAESD" };
    if (text || text_2)
        return (ModelKind){ KIND_TEXT_ENCODER, "a text encoder alone", "" };
    if (is_embedding(checkpoint))
        return (ModelKind){ KIND_EMBEDDING, "a textual inversion embedding", "" };
    return (ModelKind){ KIND_UNKNOWN, "a file of an unknown kind", "" };
}
