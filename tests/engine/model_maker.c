/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_maker.h"

#include "compute/tensor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One safetensors file under way: its header, and bytes behind it. */
typedef struct {
    char    *header;
    float   *data;
    size_t   length, header_size, count, data_size; /* count, data_size: floats */
    bool     hf;     /* diffusers' names */
    bool     calm;   /* see Sketch */
    char     prefix[48];
    uint64_t random;
} Writer;

Sketch sketch_small(void)
{
    return (Sketch){
        .in_channels = 4, .out_channels = 4, .levels = 2, .channels = { 8, 16 }, .blocks = { 1, 1 },
        .depth = { 1, 1 }, .middle_depth = 1, .heads = 2, .groups = 4, .time_width = 12,
        .context_width = 8, .z = 4, .vae_levels = 4, .vae_blocks = 1, .vae_groups = 4,
        .vae_channels = { 4, 4, 8, 8 }, .encoder = true, .decoder = true, .quant = true,
        .text_count = 1, .text_width = { 8, 0 }, .text_layers = 2, .text_heads = 2, .positions = 77,
        .vocabulary = 99, .seed = 1,
    };
}

Sketch sketch_two_towers(void)
{
    Sketch sketch = sketch_small();
    sketch.text_count = 2;
    sketch.text_width[1] = 12;
    sketch.context_width = 20;
    sketch.projection = 12;
    sketch.label_width = 12 + 6 * 4;
    sketch.linear_projections = true;
    return sketch;
}

/* ---- writing -------------------------------------------------------------------------------- */

static float next_random(Writer *writer)
{
    writer->random = writer->random * 6364136223846793005u + 1442695040888963407u;
    return ((float)(writer->random >> 40) / 16777216.0f - 0.5f) * 0.4f;
}

static void *grown(void *memory, size_t bytes)
{
    void *larger = realloc(memory, bytes);
    if (!larger)
        abort();
    return larger;
}

/* One tensor of F32; dimensions end at the first -1. */
static void put_shape(Writer *writer, const char *name, const int shape[4])
{
    size_t count = 1;
    if (writer->header_size < writer->length + 1024)
        writer->header = grown(writer->header, writer->header_size += 1 << 16);
    char *to = writer->header + writer->length;
    to += sprintf(to, "%s\"%s%s\":{\"dtype\":\"F32\",\"shape\":[", writer->length > 1 ? "," : "",
                  writer->prefix, name);
    for (int i = 0; i < 4 && shape[i] >= 0; i++) {
        to += sprintf(to, "%s%d", i ? "," : "", shape[i]);
        count *= (size_t)shape[i];
    }
    to += sprintf(to, "],\"data_offsets\":[%zu,%zu]}", 4 * writer->count, 4 * (writer->count + count));
    writer->length = (size_t)(to - writer->header);
    if (writer->data_size < writer->count + count)
        writer->data = grown(writer->data, (writer->data_size = 2 * (writer->count + count)) * 4);
    bool gain = count == (size_t)shape[0] && strstr(name, "norm") && strstr(name, "weight");
    float spread = writer->calm && strstr(name, "norm") ? 0.5f : 1;
    for (size_t i = 0; i < count; i++)
        writer->data[writer->count++] = spread * next_random(writer) + (float)gain;
}

__attribute__((format(printf, 6, 7))) static void put(Writer *writer, int d0, int d1, int d2, int d3,
                                                      const char *format, ...)
{
    char    name[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    put_shape(writer, name, (int[]){ d0, d1, d2, d3 });
}

static void put_conv(Writer *writer, const char *place, const char *name, int in, int out, int kernel)
{
    put(writer, out, in, kernel, kernel, "%s%s.weight", place, name);
    put(writer, out, -1, -1, -1, "%s%s.bias", place, name);
}

static void put_linear(Writer *writer, const char *place, const char *name, int in, int out)
{
    put(writer, out, in, -1, -1, "%s%s.weight", place, name);
    put(writer, out, -1, -1, -1, "%s%s.bias", place, name);
}

static void put_norm(Writer *writer, const char *place, const char *name, int c)
{
    put(writer, c, -1, -1, -1, "%s%s.weight", place, name);
    put(writer, c, -1, -1, -1, "%s%s.bias", place, name);
}

/* ---- U-Net ---------------------------------------------------------------------------------- */

static void put_res_block(Writer *writer, const char *ldm, const char *hf, int in, int out, int time)
{
    static const char *const names[2][6] = {
        { "in_layers.0", "in_layers.2", "emb_layers.1", "out_layers.0", "out_layers.3",
          "skip_connection" },
        { "norm1", "conv1", "time_emb_proj", "norm2", "conv2", "conv_shortcut" },
    };
    const char *const *of = names[writer->hf];
    const char        *place = writer->hf ? hf : ldm;
    put_norm(writer, place, of[0], in);
    put_conv(writer, place, of[1], in, out, 3);
    put_linear(writer, place, of[2], time, out);
    put_norm(writer, place, of[3], out);
    put_conv(writer, place, of[4], out, out, 3);
    if (in != out)
        put_conv(writer, place, of[5], in, out, 1);
}

static void put_transformer(Writer *writer, const Sketch *sketch, const char *place, int c, int depth)
{
    int kernel = sketch->linear_projections ? -1 : 1;
    put_norm(writer, place, "norm", c);
    for (int i = 0; i < 2; i++) {
        put(writer, c, c, kernel, kernel, "%s%s.weight", place, i ? "proj_out" : "proj_in");
        put(writer, c, -1, -1, -1, "%s%s.bias", place, i ? "proj_out" : "proj_in");
    }
    for (int layer = 0; layer < depth; layer++) {
        char name[96];
        snprintf(name, sizeof name, "%stransformer_blocks.%d.", place, layer);
        for (int i = 1; i <= 2; i++) {
            int from = i == 1 ? c : sketch->context_width;
            put(writer, c, c, -1, -1, "%sattn%d.to_q.weight", name, i);
            put(writer, c, from, -1, -1, "%sattn%d.to_k.weight", name, i);
            put(writer, c, from, -1, -1, "%sattn%d.to_v.weight", name, i);
            put_linear(writer, name, i == 1 ? "attn1.to_out.0" : "attn2.to_out.0", c, c);
        }
        put_norm(writer, name, "norm1", c);
        put_norm(writer, name, "norm2", c);
        put_norm(writer, name, "norm3", c);
        put_linear(writer, name, "ff.net.0.proj", c, 8 * c);
        put_linear(writer, name, "ff.net.2", 4 * c, c);
    }
}

typedef struct {
    int widths[SKETCH_LEVELS * 90];
    int count;
} Skips;

/* A residual block with its transformer: LDM counts all blocks, diffusers those of a level. */
static void put_block(Writer *writer, const Sketch *sketch, bool down, int index, int level, int block,
                      int in, int out, int depth)
{
    char        ldm[64], hf[64];
    const char *side = down ? "down_blocks" : "up_blocks";
    snprintf(ldm, sizeof ldm, "%s.%d.0.", down ? "input_blocks" : "output_blocks", index);
    snprintf(hf, sizeof hf, "%s.%d.resnets.%d.", side, level, block);
    put_res_block(writer, ldm, hf, in, out, sketch->time_width);
    snprintf(ldm, sizeof ldm, "%s.%d.1.", down ? "input_blocks" : "output_blocks", index);
    snprintf(hf, sizeof hf, "%s.%d.attentions.%d.", side, level, block);
    if (depth > 0)
        put_transformer(writer, sketch, writer->hf ? hf : ldm, out, depth);
}

static int put_down(Writer *writer, const Sketch *sketch, Skips *skips, int c)
{
    int  index = 1;
    char place[64];
    skips->widths[skips->count++] = c;
    for (int level = 0; level < sketch->levels; level++) {
        for (int i = 0; i < sketch->blocks[level]; i++, index++) {
            put_block(writer, sketch, true, index, level, i, c, sketch->channels[level],
                      sketch->depth[level]);
            skips->widths[skips->count++] = c = sketch->channels[level];
        }
        if (level == sketch->levels - 1)
            break;
        snprintf(place, sizeof place, writer->hf ? "down_blocks.%d.downsamplers.0.conv"
                                                 : "input_blocks.%d.0.op", writer->hf ? level : index);
        index++;
        put_conv(writer, place, "", c, c, 3);
        skips->widths[skips->count++] = c;
    }
    return c;
}

static void put_up(Writer *writer, const Sketch *sketch, Skips *skips, int c)
{
    int  index = 0;
    char place[64];
    for (int level = sketch->levels - 1; level >= 0; level--)
        for (int i = 0; i <= sketch->blocks[level]; i++, index++) {
            int depth = sketch->depth[level], up = sketch->levels - 1 - level;
            put_block(writer, sketch, false, index, up, i, c + skips->widths[--skips->count],
                      sketch->channels[level], depth);
            c = sketch->channels[level];
            if (level == 0 || i < sketch->blocks[level])
                continue;
            if (writer->hf)
                snprintf(place, sizeof place, "up_blocks.%d.upsamplers.0.conv", up);
            else
                snprintf(place, sizeof place, "output_blocks.%d.%d.conv", index, depth ? 2 : 1);
            put_conv(writer, place, "", c, c, 3);
        }
}

static void put_unet(Writer *writer, const Sketch *sketch)
{
    int   first = sketch->model_channels ? sketch->model_channels : sketch->channels[0];
    int   wide = sketch->time_width;
    bool  hf = writer->hf;
    Skips skips = { .count = 0 };
    put_linear(writer, hf ? "time_embedding.linear_1" : "time_embed.0", "", first, wide);
    put_linear(writer, hf ? "time_embedding.linear_2" : "time_embed.2", "", wide, wide);
    if (sketch->label_width) {
        put_linear(writer, hf ? "add_embedding.linear_1" : "label_emb.0.0", "", sketch->label_width, wide);
        put_linear(writer, hf ? "add_embedding.linear_2" : "label_emb.0.2", "", wide, wide);
    }
    put_conv(writer, hf ? "conv_in" : "input_blocks.0.0", "", sketch->in_channels, first, 3);
    int c = put_down(writer, sketch, &skips, first);
    put_res_block(writer, "middle_block.0.", "mid_block.resnets.0.", c, c, wide);
    if (sketch->middle_depth)
        put_transformer(writer, sketch, hf ? "mid_block.attentions.0." : "middle_block.1.", c,
                        sketch->middle_depth);
    put_res_block(writer, sketch->middle_depth ? "middle_block.2." : "middle_block.1.",
                  "mid_block.resnets.1.", c, c, wide);
    put_up(writer, sketch, &skips, c);
    put_norm(writer, hf ? "conv_norm_out" : "out.0", "", sketch->channels[0]);
    put_conv(writer, hf ? "conv_out" : "out.2", "", sketch->channels[0], sketch->out_channels, 3);
}

/* ---- VAE, text, TAESD ------------------------------------------------------------------------ */

static void put_vae_block(Writer *writer, const char *place, int in, int out)
{
    put_norm(writer, place, "norm1", in);
    put_conv(writer, place, "conv1", in, out, 3);
    put_norm(writer, place, "norm2", out);
    put_conv(writer, place, "conv2", out, out, 3);
    if (in != out)
        put_conv(writer, place, writer->hf ? "conv_shortcut" : "nin_shortcut", in, out, 1);
}

static void put_vae_middle(Writer *writer, const char *side, int c)
{
    static const char *const names[2][5] = { { "norm", "q", "k", "v", "proj_out" },
                                             { "group_norm", "to_q", "to_k", "to_v", "to_out.0" } };
    char                     place[64];
    for (int i = 0; i < 2; i++) {
        if (writer->hf)
            snprintf(place, sizeof place, "%s.mid_block.resnets.%d.", side, i);
        else
            snprintf(place, sizeof place, "%s.mid.block_%d.", side, i + 1);
        put_vae_block(writer, place, c, c);
    }
    snprintf(place, sizeof place, "%s.%s.", side, writer->hf ? "mid_block.attentions.0" : "mid.attn_1");
    put_norm(writer, place, names[writer->hf][0], c);
    for (int i = 1; i < 5; i++)
        put_linear(writer, place, names[writer->hf][i], c, c);
}

static void put_vae_half(Writer *writer, const Sketch *sketch, bool encoder)
{
    const char *side = encoder ? "encoder" : "decoder", *way = encoder ? "down" : "up";
    int         deepest = sketch->vae_levels - 1, c = sketch->vae_channels[encoder ? 0 : deepest];
    char        place[64];
    snprintf(place, sizeof place, "%s.", side);
    put_conv(writer, place, "conv_in", encoder ? 3 : sketch->z, c, 3);
    for (int step = 0; step <= deepest; step++) {
        int level = encoder ? step : deepest - step, number = writer->hf ? step : level;
        for (int i = 0; i < sketch->vae_blocks + !encoder; i++) {
            snprintf(place, sizeof place, "%s.%s%s.%d.%s.%d.", side, way, writer->hf ? "_blocks" : "", number,
                     writer->hf ? "resnets" : "block", i);
            put_vae_block(writer, place, c, sketch->vae_channels[level]);
            c = sketch->vae_channels[level];
        }
        snprintf(place, sizeof place, "%s.%s%s.%d.%ssample%s.", side, way, writer->hf ? "_blocks" : "",
                 number, way, writer->hf ? "rs.0" : "");
        if (step < deepest)
            put_conv(writer, place, "conv", c, c, 3);
    }
    put_vae_middle(writer, side, sketch->vae_channels[deepest]);
    snprintf(place, sizeof place, "%s.", side);
    put_norm(writer, place, writer->hf ? "conv_norm_out" : "norm_out", c);
    put_conv(writer, place, "conv_out", c, encoder ? 2 * sketch->z : 3, 3);
}

static void put_vae(Writer *writer, const Sketch *sketch)
{
    if (sketch->encoder)
        put_vae_half(writer, sketch, true);
    if (sketch->decoder)
        put_vae_half(writer, sketch, false);
    if (sketch->quant && sketch->encoder)
        put_conv(writer, "quant_conv", "", 2 * sketch->z, 2 * sketch->z, 1);
    if (sketch->quant && sketch->decoder)
        put_conv(writer, "post_quant_conv", "", sketch->z, sketch->z, 1);
}

static void put_text(Writer *writer, const Sketch *sketch, int d, int projection)
{
    static const char *const attention[] = { "q_proj", "k_proj", "v_proj", "out_proj" };
    put(writer, sketch->vocabulary, d, -1, -1, "text_model.embeddings.token_embedding.weight");
    put(writer, sketch->positions, d, -1, -1, "text_model.embeddings.position_embedding.weight");
    for (int layer = 0; layer < sketch->text_layers; layer++) {
        char place[80], inner[96];
        snprintf(place, sizeof place, "text_model.encoder.layers.%d.", layer);
        snprintf(inner, sizeof inner, "%sself_attn.", place);
        for (int i = 0; i < 4; i++)
            put_linear(writer, inner, attention[i], d, d);
        put_norm(writer, place, "layer_norm1", d);
        put_norm(writer, place, "layer_norm2", d);
        put_linear(writer, place, "mlp.fc1", d, 2 * d);
        put_linear(writer, place, "mlp.fc2", 2 * d, d);
    }
    put_norm(writer, "text_model.", "final_layer_norm", d);
    if (projection)
        put(writer, projection, d, -1, -1, "text_projection.weight");
}

/* ---- files ----------------------------------------------------------------------------------- */

static void begin(Writer *writer, bool hf, uint64_t seed)
{
    *writer = (Writer){ .hf = hf, .random = seed * 2654435761u + 99, .length = 1 };
    writer->header = grown(NULL, writer->header_size = 1 << 16);
    writer->header[0] = '{';
}

static bool finish(Writer *writer, const char *path)
{
    writer->header[writer->length++] = '}';
    while (writer->length % 8)
        writer->header[writer->length++] = ' ';
    uint64_t length = writer->length; /* little-endian, as the machines that this runs on */
    FILE    *file = fopen(path, "wb");
    bool     ok = file && fwrite(&length, 8, 1, file) == 1 &&
              fwrite(writer->header, 1, writer->length, file) == writer->length &&
              fwrite(writer->data, 4, writer->count, file) == writer->count;
    ok = file && fclose(file) == 0 && ok;
    free(writer->header);
    free(writer->data);
    if (!ok)
        fprintf(stderr, "%s cannot be written\n", path);
    return ok;
}

/* {"norm_num_groups": 4, …} of a part, without what the sketch leaves open. */
static void config_text(char out[160], int groups, const char *heads_key, int heads)
{
    int at = snprintf(out, 160, "{\"by\": \"model_maker\"");
    if (groups)
        at += snprintf(out + at, 160 - (size_t)at, ", \"norm_num_groups\": %d", groups);
    if (heads)
        at += snprintf(out + at, 160 - (size_t)at, ", \"%s\": %d", heads_key, heads);
    snprintf(out + at, 160 - (size_t)at, "}");
}

/* `"config": TEXT` of the metadata, its quotes escaped. */
static void put_metadata(Writer *writer, const Sketch *sketch)
{
    char unet[160], vae[160], text[160], all[700];
    config_text(unet, sketch->groups, "num_attention_heads", sketch->heads);
    config_text(vae, sketch->vae_groups, "", 0);
    config_text(text, 0, "num_attention_heads", sketch->text_heads);
    snprintf(all, sizeof all, "{\"unet\": %s, \"vae\": %s, \"text_encoder\": %s, \"text_encoder_2\": %s}",
             unet, vae, text, text);
    char *to = writer->header + writer->length;
    to += sprintf(to, "\"__metadata__\":{\"config\":\"");
    for (const char *at = all; *at; at++) {
        if (*at == '"')
            *to++ = '\\';
        *to++ = *at;
    }
    to += sprintf(to, "\"");
    if (sketch->claim)
        to += sprintf(to, ",\"%s\":\"%s\"", sketch->claim, sketch->claimed);
    to += sprintf(to, "}");
    writer->length = (size_t)(to - writer->header);
}

static bool write_single(const Sketch *sketch, const char *path)
{
    static const char *const text[] = { "cond_stage_model.transformer.",
                                        "conditioner.embedders.0.transformer.",
                                        "conditioner.embedders.1.transformer." };
    Writer                   writer;
    begin(&writer, false, sketch->seed);
    writer.calm = sketch->calm;
    put_metadata(&writer, sketch);
    snprintf(writer.prefix, sizeof writer.prefix, "model.diffusion_model.");
    put_unet(&writer, sketch);
    snprintf(writer.prefix, sizeof writer.prefix, "first_stage_model.");
    put_vae(&writer, sketch);
    for (int i = 0; i < sketch->text_count; i++) {
        snprintf(writer.prefix, sizeof writer.prefix, "%s", text[i + (sketch->text_count == 2)]);
        put_text(&writer, sketch, sketch->text_width[i], i ? sketch->projection : 0);
    }
    return finish(&writer, path);
}

static bool write_text(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    bool  ok = file && fputs(text, file) >= 0;
    return file && fclose(file) == 0 && ok;
}

static const char *const parts[] = { "unet", "vae", "text_encoder", "text_encoder_2" };
static const char *const weights[] = { "diffusion_pytorch_model.safetensors",
                                       "diffusion_pytorch_model.safetensors", "model.safetensors",
                                       "model.safetensors" };

static bool write_part(const Sketch *sketch, const char *folder, int part)
{
    char   inner[256], path[512], config[160];
    Writer writer;
    snprintf(inner, sizeof inner, "%s/%s", folder, parts[part]);
    snprintf(path, sizeof path, "%s/%s", inner, weights[part]);
    mkdir(inner, 0700);
    begin(&writer, true, sketch->seed + (uint64_t)part);
    if (part == 0) {
        config_text(config, sketch->groups, "num_attention_heads", sketch->heads);
        put_unet(&writer, sketch);
    } else if (part == 1) {
        config_text(config, sketch->vae_groups, "", 0);
        put_vae(&writer, sketch);
    } else {
        config_text(config, 0, "num_attention_heads", sketch->text_heads);
        put_text(&writer, sketch, sketch->text_width[part - 2], part == 3 ? sketch->projection : 0);
    }
    return write_text(inner, "config.json", config) && finish(&writer, path);
}

bool sketch_write(const Sketch *sketch, const char *path, bool folder)
{
    if (!folder)
        return write_single(sketch, path);
    bool ok = mkdir(path, 0700) == 0 && write_text(path, "model_index.json", "{}");
    for (int part = 0; part < 2 + sketch->text_count && ok; part++)
        ok = write_part(sketch, path, part);
    char inner[256];
    snprintf(inner, sizeof inner, "%s/scheduler", path);
    if (ok && sketch->scheduler)
        ok = mkdir(inner, 0700) == 0 && write_text(inner, "scheduler_config.json", sketch->scheduler);
    return ok;
}

bool sketch_write_taesd(const char *path, int width, uint64_t seed)
{
    Writer writer;
    char   place[64];
    begin(&writer, false, seed);
    for (int side = 0; side < 2; side++) {
        int last = side ? 10 : 7;
        for (int i = side; i <= last; i++) {
            snprintf(place, sizeof place, "taesd_%s.%d", side ? "decoder" : "encoder", i);
            bool resize = side ? i == 4 || i == 6 || i == 8 : i == 2 || i == 4 || i == 6;
            if (i == side || i == last)
                put_conv(&writer, place, "", i < last ? (side ? 4 : 3) : width,
                         i < last ? width : side ? 3 : 4, 3);
            else if (resize)
                put(&writer, width, width, 3, 3, "%s.weight", place);
            else if (!(side && (i == 2 || i == 5 || i == 7)))
                for (int k = 0; k < 3; k++) {
                    char name[16];
                    snprintf(name, sizeof name, ".conv.%d", 2 * k);
                    put_conv(&writer, place, name, width, width, 3);
                }
        }
    }
    return finish(&writer, path);
}

void sketch_remove(const char *path, bool folder)
{
    char inner[256], file[512];
    for (int part = 0; part < 4 && folder; part++) {
        snprintf(inner, sizeof inner, "%s/%s", path, parts[part]);
        snprintf(file, sizeof file, "%s/%s", inner, weights[part]);
        unlink(file);
        snprintf(file, sizeof file, "%s/config.json", inner);
        unlink(file);
        rmdir(inner);
    }
    if (folder) {
        snprintf(file, sizeof file, "%s/scheduler/scheduler_config.json", path);
        unlink(file);
        snprintf(file, sizeof file, "%s/scheduler", path);
        rmdir(file);
        snprintf(file, sizeof file, "%s/model_index.json", path);
        unlink(file);
        rmdir(path);
    } else {
        unlink(path);
    }
}
