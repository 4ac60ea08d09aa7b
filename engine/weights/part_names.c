/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "part_names.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *from, *to;
} Renaming;

/* Reads "12." and steps past it; -1 when there is no number. */
static int take_number(const char **text)
{
    const char *at = *text;
    int         number = 0;
    if (*at < '0' || *at > '9')
        return -1;
    for (; *at >= '0' && *at <= '9'; at++)
        number = number < 10000 ? number * 10 + (*at - '0') : 10000;
    if (*at == '.')
        at++;
    *text = at;
    return number;
}

static bool take(const char **text, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*text, word, length) != 0)
        return false;
    *text += length;
    return true;
}

/* Replaces a beginning of the name; the rest stays. NULL-terminated table, longest first. */
static bool rename_start(const Renaming *table, const char *name, const char **to, const char **rest)
{
    for (; table->from; table++) {
        *rest = name;
        if (take(rest, table->from)) {
            *to = table->to;
            return true;
        }
    }
    return false;
}

/* Did snprintf() have room? */
static bool fits(int written)
{
    return written > 0 && written < PART_NAME_SIZE;
}

/* ---- U-Net --------------------------------------------------------------------------------- */

static const Renaming unet_ends[] = {
    { "time_embed.0.", "time_embedding.linear_1." },
    { "time_embed.2.", "time_embedding.linear_2." },
    { "time_embed.cond_proj.", "time_embedding.cond_proj." },
    { "label_emb.0.0.", "add_embedding.linear_1." },
    { "label_emb.0.2.", "add_embedding.linear_2." },
    { "input_blocks.0.0.", "conv_in." },
    { "out.0.", "conv_norm_out." },
    { "out.2.", "conv_out." },
    { "middle_block.1.", "mid_block.attentions.0." },
    { NULL, NULL },
};

static const Renaming unet_resnet[] = {
    { "in_layers.0.", "norm1." },         { "in_layers.2.", "conv1." },
    { "emb_layers.1.", "time_emb_proj." }, { "out_layers.0.", "norm2." },
    { "out_layers.3.", "conv2." },        { "skip_connection.", "conv_shortcut." },
    { NULL, NULL },
};

/* Level and block of input_blocks.index: conv_in is 0; each level has its blocks and then, but for the
 * last, a downsampler (block = res_blocks of the level). */
static bool unet_down(const PartNames *names, int index, int *level, int *block)
{
    int at = 1;
    for (int i = 0; i < names->levels; at += names->res_blocks[i] + 1, i++)
        if (index < at + names->res_blocks[i] + (i < names->levels - 1)) {
            *level = i;
            *block = index - at;
            return index >= at;
        }
    return false;
}

/* Going up: from the last level to the first, one block more than going down. */
static bool unet_up(const PartNames *names, int index, int *level, int *block)
{
    int at = 0;
    for (int i = names->levels - 1; i >= 0; at += names->res_blocks[i] + 1, i--)
        if (index <= at + names->res_blocks[i]) {
            *level = names->levels - 1 - i;
            *block = index - at;
            return true;
        }
    return false;
}

static bool unet_block(const char *side, int level, const char *kind, int block, const char *rest,
                       const char *prefix, char out[PART_NAME_SIZE])
{
    return fits(snprintf(out, PART_NAME_SIZE, "%s%s.%d.%s.%d.%s", prefix, side, level, kind, block,
                             rest));
}

static bool unet_name(const PartNames *names, const char *name, char out[PART_NAME_SIZE])
{
    const char *to, *rest, *prefix = names->prefix;
    char        resnet[PART_NAME_SIZE];
    if (rename_start(unet_ends, name, &to, &rest))
        return fits(snprintf(out, PART_NAME_SIZE, "%s%s%s", prefix, to, rest));
    bool down = take(&name, "input_blocks."), up = !down && take(&name, "output_blocks.");
    bool middle = !down && !up && take(&name, "middle_block.");
    int  index = down || up ? take_number(&name) : 0, layer = take_number(&name);
    int  level = 0, block = 0;
    if (index < 0 || layer < 0 || layer > 2 || !(down || up || middle) ||
        (down && !unet_down(names, index, &level, &block)) ||
        (up && !unet_up(names, index, &level, &block)))
        return false;
    const char *side = down ? "down_blocks" : "up_blocks";
    if (down && block == names->res_blocks[level])
        return layer == 0 && take(&name, "op.") &&
               unet_block(side, level, "downsamplers", 0, "conv.", prefix, resnet) &&
               fits(snprintf(out, PART_NAME_SIZE, "%s%s", resnet, name));
    if (up && layer > 0 && strncmp(name, "conv.", 5) == 0)
        return unet_block(side, level, "upsamplers", 0, name, prefix, out);
    if (layer == 1 && !middle)
        return unet_block(side, level, "attentions", block, name, prefix, out);
    if ((layer != 0 && !middle) || !rename_start(unet_resnet, name, &to, &rest) ||
        !fits(snprintf(resnet, sizeof resnet, "%s%s", to, rest)))
        return false;
    if (middle)
        return fits(snprintf(out, PART_NAME_SIZE, "%smid_block.resnets.%d.%s", prefix, layer / 2,
                                 resnet));
    return unet_block(side, level, "resnets", block, resnet, prefix, out);
}

/* ---- VAE ----------------------------------------------------------------------------------- */

static const Renaming vae_middle[] = {
    { "mid.block_1.", "mid_block.resnets.0." },
    { "mid.block_2.", "mid_block.resnets.1." },
    { "norm_out.", "conv_norm_out." },
    { NULL, NULL },
};

static const Renaming vae_attention[] = {
    { "norm.", "group_norm." }, { "q.", "to_q." }, { "k.", "to_k." },
    { "v.", "to_v." },          { "proj_out.", "to_out.0." }, { NULL, NULL },
};

static const Renaming vae_old_attention[] = {
    { "norm.", "group_norm." }, { "q.", "query." }, { "k.", "key." },
    { "v.", "value." },         { "proj_out.", "proj_attn." }, { NULL, NULL },
};

static bool vae_level(const PartNames *names, const char *side, const char *name,
                      char out[PART_NAME_SIZE])
{
    bool        encoder = side[0] == 'e';
    int         level = take_number(&name);
    const char *place = encoder ? "down" : "up", *prefix = names->prefix;
    if (level < 0 || level >= names->levels)
        return false;
    level = encoder ? level : names->levels - 1 - level;
    if (take(&name, "block.")) {
        int         block = take_number(&name);
        const char *rest = name;
        bool        shortcut = take(&rest, "nin_shortcut.");
        return block >= 0 &&
               fits(snprintf(out, PART_NAME_SIZE, "%s%s.%s_blocks.%d.resnets.%d.%s%s", prefix, side,
                                 place, level, block, shortcut ? "conv_shortcut." : "", rest));
    }
    if (take(&name, encoder ? "downsample." : "upsample."))
        return fits(snprintf(out, PART_NAME_SIZE, "%s%s.%s_blocks.%d.%ssamplers.0.%s", prefix, side,
                                 place, level, place, name));
    return false;
}

static bool vae_name(const PartNames *names, const char *name, char out[PART_NAME_SIZE])
{
    const char *whole = name, *to, *rest;
    const char *side = take(&name, "encoder.") ? "encoder" : take(&name, "decoder.") ? "decoder" : NULL;
    if (!side)
        return fits(snprintf(out, PART_NAME_SIZE, "%s%s", names->prefix, whole));
    if (take(&name, side[0] == 'e' ? "down." : "up."))
        return vae_level(names, side, name, out);
    const Renaming *attention = names->old_attention ? vae_old_attention : vae_attention;
    if (take(&name, "mid.attn_1."))
        return rename_start(attention, name, &to, &rest) &&
               fits(snprintf(out, PART_NAME_SIZE, "%s%s.mid_block.attentions.0.%s%s", names->prefix,
                                 side, to, rest));
    if (!rename_start(vae_middle, name, &to, &rest)) {
        to = "";
        rest = name;
    }
    return fits(snprintf(out, PART_NAME_SIZE, "%s%s.%s%s", names->prefix, side, to, rest));
}

/* LDM's names but for the attention: converters go half of the way back from diffusers'. */
static bool converted_name(const PartNames *names, const char *name, char out[PART_NAME_SIZE])
{
    const char *to, *rest, *layer = strstr(name, "mid.attn_1.");
    layer = layer ? layer + strlen("mid.attn_1.") : name;
    bool renamed = layer != name && rename_start(vae_attention, layer, &to, &rest) &&
                   (names->group_norm || strncmp(layer, "norm.", 5) != 0);
    return fits(snprintf(out, PART_NAME_SIZE, "%s%.*s%s%s", names->prefix, (int)(layer - name), name,
                         renamed ? to : "", renamed ? rest : layer));
}

/* ---- text ---------------------------------------------------------------------------------- */

static const Renaming openclip_whole[] = {
    { "text_model.embeddings.token_embedding.weight", "token_embedding.weight" },
    { "text_model.embeddings.position_embedding.weight", "positional_embedding" },
    { "text_model.final_layer_norm.weight", "ln_final.weight" },
    { "text_model.final_layer_norm.bias", "ln_final.bias" },
    { "text_projection.weight", "text_projection" },
    { NULL, NULL },
};

static const Renaming openclip_layer[] = {
    { "layer_norm1.", "ln_1." },
    { "layer_norm2.", "ln_2." },
    { "mlp.fc1.", "mlp.c_fc." },
    { "mlp.fc2.", "mlp.c_proj." },
    { "self_attn.out_proj.", "attn.out_proj." },
    { "self_attn.q_proj.", "attn.in_proj_" },
    { "self_attn.k_proj.", "attn.in_proj_" },
    { "self_attn.v_proj.", "attn.in_proj_" },
    { NULL, NULL },
};

static bool openclip_name(const PartNames *names, const char *name, char out[PART_NAME_SIZE],
                          int *third)
{
    const char *to, *rest;
    if (names->out_first && strcmp(name, "text_projection.weight") == 0)
        return fits(snprintf(out, PART_NAME_SIZE, "%s%s", names->prefix, name));
    if (rename_start(openclip_whole, name, &to, &rest) && !*rest)
        return fits(snprintf(out, PART_NAME_SIZE, "%s%s", names->prefix, to));
    if (!take(&name, "text_model.encoder.layers."))
        return false;
    int layer = take_number(&name);
    if (layer < 0 || !rename_start(openclip_layer, name, &to, &rest))
        return false;
    if (strcmp(to, "attn.in_proj_") == 0)
        *third = name[10] == 'q' ? 0 : name[10] == 'k' ? 1 : 2;
    return fits(snprintf(out, PART_NAME_SIZE, "%stransformer.resblocks.%d.%s%s", names->prefix,
                             layer, to, rest));
}

static bool plain_name(const PartNames *names, const char *name, char out[PART_NAME_SIZE])
{
    if (names->new_attention)
        return converted_name(names, name, out);
    if (names->no_text_model)
        take(&name, "text_model.");
    return fits(snprintf(out, PART_NAME_SIZE, "%s%s", names->prefix, name));
}

static bool taesd_name(const PartNames *names, const char *name, char out[PART_NAME_SIZE])
{
    if (!take(&name, "encoder.") && !take(&name, "decoder."))
        return false;
    int layer = take_number(&name);
    return layer >= names->shift && fits(snprintf(out, PART_NAME_SIZE, "%s%d.%s", names->prefix,
                                                      layer - names->shift, name));
}

bool part_name(const PartNames *names, const char *name, char out[PART_NAME_SIZE], int *third)
{
    *third = -1;
    switch (names->layout) {
    case LAYOUT_PLAIN:
        return plain_name(names, name, out);
    case LAYOUT_UNET:
        return unet_name(names, name, out);
    case LAYOUT_VAE:
        return vae_name(names, name, out);
    case LAYOUT_OPENCLIP:
        return openclip_name(names, name, out, third);
    case LAYOUT_TAESD:
        return taesd_name(names, name, out);
    case LAYOUT_NONE:
        break;
    }
    return false;
}
