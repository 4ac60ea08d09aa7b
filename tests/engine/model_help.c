/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_help.h"

#include "compute/dry.h"

#include "files/safetensors.h"
#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static const char *data_folder(void)
{
    const char *folder = getenv("TEST_DATA");
    return folder ? folder : "tests";
}

/* ---- numbers ----------------------------------------------------------------------------- */

static const SafetensorsEntry *find(const char *model, const char *what)
{
    static Safetensors *file;
    EngineError         error = { 0 };
    char                name[1024];
    snprintf(name, sizeof name, "%s/golden/models.safetensors", data_folder());
    if (!file && !(file = safetensors_open(name, &error)))
        die("%s", error.message);
    snprintf(name, sizeof name, "%s.%s", model, what);
    return safetensors_find(file, name);
}

bool golden_has(const char *model, const char *what)
{
    return find(model, what) != NULL;
}

static const SafetensorsEntry *get(const char *model, const char *what, TensorType type,
                                   int shape[TENSOR_MAX_RANK])
{
    const SafetensorsEntry *entry = find(model, what);
    if (!entry || entry->type != type || entry->rank > TENSOR_MAX_RANK ||
        (uintptr_t)entry->data % 4 != 0)
        die("golden '%s.%s' is not there, of another type, or not aligned", model, what);
    for (int i = 0; shape && i < TENSOR_MAX_RANK; i++)
        shape[i] = i < entry->rank ? (int)entry->shape[i] : 1;
    return entry;
}

const float *golden_numbers(const char *model, const char *what, int shape[TENSOR_MAX_RANK])
{
    return get(model, what, TYPE_F32, shape)->data;
}

Tensor golden_tensor(const char *model, const char *what)
{
    int                     shape[TENSOR_MAX_RANK];
    const SafetensorsEntry *entry = get(model, what, TYPE_F32, shape);
    float *data = (float *)(uintptr_t)entry->data; /* a view that nobody writes to */
    return entry->rank == 3 ? cpu_tensor(data, shape[0], 1, shape[1], shape[2])
                            : cpu_tensor(data, shape[0], shape[1], shape[2], shape[3]);
}

int *golden_tokens(const char *model, int shape[TENSOR_MAX_RANK])
{
    const SafetensorsEntry *entry = get(model, "tokens", TYPE_I64, shape);
    size_t                  count = (size_t)shape[0] * (size_t)shape[1];
    int                    *tokens = malloc(count * sizeof *tokens);
    for (size_t i = 0; i < count; i++) {
        int64_t token;
        memcpy(&token, (const char *)entry->data + 8 * i, sizeof token);
        tokens[i] = (int)token;
    }
    return tokens;
}

/* ---- models ------------------------------------------------------------------------------ */

const char *golden_path(char path[1024], const char *name)
{
    if (strcmp(name, "demo") == 0)
        snprintf(path, 1024, "%s/../models/gimp-diffusion-demo.safetensors", data_folder());
    else
        snprintf(path, 1024, "%s/golden/models/%s", data_folder(), name);
    return path;
}

static Checkpoint *with_config(Checkpoint *checkpoint, ModelConfig *config, EngineError *error)
{
    if (!checkpoint || !config_from_checkpoint(config, checkpoint, error))
        die("%s", error->message);
    return checkpoint;
}

Checkpoint *golden_checkpoint(const char *name, ModelConfig *config)
{
    char        path[1024];
    EngineError error = { 0 };
    return with_config(checkpoint_open(golden_path(path, name), NULL, &error), config,
                       &error);
}

Checkpoint *golden_skewed(const char *name, int skew, ModelConfig *config, void **memory)
{
    char        path[1024];
    EngineError error = { 0 };
    FILE       *stream = fopen(golden_path(path, name), "rb");
    if (!stream || fseek(stream, 0, SEEK_END) != 0)
        die("%s cannot be read", path);
    size_t         size = (size_t)ftell(stream);
    unsigned char *bytes = malloc(size + (size_t)skew);
    rewind(stream);
    if (fread(bytes + skew, 1, size, stream) != size)
        die("%s cannot be read", path);
    fclose(stream);
    *memory = bytes;
    Safetensors *file = safetensors_from_memory(path, bytes + skew, size, &error);
    if (!file)
        die("%s", error.message);
    return with_config(checkpoint_from_file(file, &error), config, &error);
}

/* ---- SD 1.5's shapes --------------------------------------------------------------------- */

typedef struct {
    char  *header;
    size_t length, size;
    size_t at; /* bytes of tensors so far */
} Header;

/* One tensor; unused dimensions are 0. */
__attribute__((format(printf, 6, 7))) static void put(Header *header, int d0, int d1, int d2,
                                                      int d3, const char *format, ...)
{
    char    name[256];
    int     shape[] = { d0, d1, d2, d3 };
    size_t  bytes = 2;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    char *to = header->header + header->length;
    to +=
        sprintf(to, "%s\"%s\":{\"dtype\":\"F16\",\"shape\":[", header->length > 1 ? "," : "", name);
    for (int i = 0; i < 4 && shape[i]; i++) {
        to += sprintf(to, "%s%d", i ? "," : "", shape[i]);
        bytes *= (size_t)shape[i];
    }
    to += sprintf(to, "],\"data_offsets\":[%zu,%zu]}", header->at, header->at + bytes);
    header->at += bytes;
    header->length = (size_t)(to - header->header);
    if (header->length + 1024 > header->size)
        die("the header of SD 1.5 needs more room");
}

static void put_conv(Header *header, const char *name, int in, int out, int kernel)
{
    put(header, out, in, kernel, kernel, "%s.weight", name);
    put(header, out, 0, 0, 0, "%s.bias", name);
}

static void put_linear(Header *header, const char *name, const char *suffix, int in, int out,
                       bool bias)
{
    put(header, out, in, 0, 0, "%s.%s.weight", name, suffix);
    if (bias)
        put(header, out, 0, 0, 0, "%s.%s.bias", name, suffix);
}

static void put_norm(Header *header, const char *name, const char *suffix, int c)
{
    put(header, c, 0, 0, 0, "%s.%s.weight", name, suffix);
    put(header, c, 0, 0, 0, "%s.%s.bias", name, suffix);
}

/* A residual block: of the U-Net with time > 0, of the VAE with 0. */
static void put_res_block(Header *header, const char *prefix, int in, int out, int time)
{
    static const char *const names[2][5] = {
        { "norm1", "conv1", "norm2", "conv2", "nin_shortcut" },
        { "in_layers.0", "in_layers.2", "out_layers.0", "out_layers.3", "skip_connection" }
    };
    const char *const *of = names[time > 0];
    char               name[200];
    put_norm(header, prefix, of[0], in);
    snprintf(name, sizeof name, "%s.%s", prefix, of[1]);
    put_conv(header, name, in, out, 3);
    if (time)
        put_linear(header, prefix, "emb_layers.1", time, out, true);
    put_norm(header, prefix, of[2], out);
    snprintf(name, sizeof name, "%s.%s", prefix, of[3]);
    put_conv(header, name, out, out, 3);
    snprintf(name, sizeof name, "%s.%s", prefix, of[4]);
    if (in != out)
        put_conv(header, name, in, out, 1);
}

static void put_transformer(Header *header, const char *prefix, int c, int context)
{
    char name[200];
    put_norm(header, prefix, "norm", c);
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s.%s", prefix, i ? "proj_out" : "proj_in");
        put_conv(header, name, c, c, 1);
    }
    for (int i = 1; i <= 2; i++) {
        snprintf(name, sizeof name, "%s.transformer_blocks.0.attn%d", prefix, i);
        put_linear(header, name, "to_q", c, c, false);
        put_linear(header, name, "to_k", i == 1 ? c : context, c, false);
        put_linear(header, name, "to_v", i == 1 ? c : context, c, false);
        put_linear(header, name, "to_out.0", c, c, true);
    }
    snprintf(name, sizeof name, "%s.transformer_blocks.0", prefix);
    put_linear(header, name, "ff.net.0.proj", c, 8 * c, true);
    put_linear(header, name, "ff.net.2", 4 * c, c, true);
    for (int i = 1; i <= 3; i++) {
        put(header, c, 0, 0, 0, "%s.norm%d.weight", name, i);
        put(header, c, 0, 0, 0, "%s.norm%d.bias", name, i);
    }
}

static void put_unet(Header *header)
{
    static const int channels[] = { 320, 640, 1280, 1280 };
    static const char prefix[] = "model.diffusion_model";
    int  time = 1280, skips[12] = { 320 }, count = 1, c = 320, index = 1;
    char name[160];
    put_linear(header, prefix, "time_embed.0", 320, time, true);
    put_linear(header, prefix, "time_embed.2", time, time, true);
    snprintf(name, sizeof name, "%s.input_blocks.0.0", prefix);
    put_conv(header, name, 4, 320, 3);
    for (int level = 0; level < 4; level++) {
        for (int i = 0; i < 2; i++, index++) {
            snprintf(name, sizeof name, "%s.input_blocks.%d.0", prefix, index);
            put_res_block(header, name, c, channels[level], time);
            skips[count++] = c = channels[level];
            snprintf(name, sizeof name, "%s.input_blocks.%d.1", prefix, index);
            if (level < 3)
                put_transformer(header, name, c, 768);
        }
        if (level < 3) {
            snprintf(name, sizeof name, "%s.input_blocks.%d.0.op", prefix, index++);
            put_conv(header, name, c, c, 3);
            skips[count++] = c;
        }
    }
    for (int i = 0; i < 3; i += 2) {
        snprintf(name, sizeof name, "%s.middle_block.%d", prefix, i);
        put_res_block(header, name, c, c, time);
    }
    snprintf(name, sizeof name, "%s.middle_block.1", prefix);
    put_transformer(header, name, c, 768);
    index = 0;
    for (int level = 3; level >= 0; level--)
        for (int i = 0; i < 3; i++, index++) {
            snprintf(name, sizeof name, "%s.output_blocks.%d.0", prefix, index);
            put_res_block(header, name, c + skips[--count], channels[level], time);
            c = channels[level];
            snprintf(name, sizeof name, "%s.output_blocks.%d.1", prefix, index);
            if (level < 3)
                put_transformer(header, name, c, 768);
            snprintf(name, sizeof name, "%s.output_blocks.%d.%d.conv", prefix, index,
                     level < 3 ? 2 : 1);
            if (i == 2 && level > 0)
                put_conv(header, name, c, c, 3);
        }
    put_norm(header, prefix, "out.0", 320);
    snprintf(name, sizeof name, "%s.out.2", prefix);
    put_conv(header, name, 320, 4, 3);
}

static void put_vae_half(Header *header, bool encoder)
{
    static const int channels[] = { 128, 256, 512, 512 };
    const char      *side = encoder ? "first_stage_model.encoder" : "first_stage_model.decoder";
    int              c = encoder ? 128 : 512, blocks = encoder ? 2 : 3;
    char             name[160];
    snprintf(name, sizeof name, "%s.conv_in", side);
    put_conv(header, name, encoder ? 3 : 4, c, 3);
    for (int step = 0; step < 4; step++) {
        int level = encoder ? step : 3 - step;
        for (int i = 0; i < blocks; i++) {
            snprintf(name, sizeof name, "%s.%s.%d.block.%d", side, encoder ? "down" : "up", level,
                     i);
            put_res_block(header, name, c, channels[level], 0);
            c = channels[level];
        }
        snprintf(name, sizeof name, "%s.%s.%d.%s.conv", side, encoder ? "down" : "up", level,
                 encoder ? "downsample" : "upsample");
        if (step < 3)
            put_conv(header, name, c, c, 3);
    }
    for (int i = 1; i <= 2; i++) {
        snprintf(name, sizeof name, "%s.mid.block_%d", side, i);
        put_res_block(header, name, 512, 512, 0);
    }
    for (int i = 0; i < 4; i++) {
        static const char *const parts[] = { "q", "k", "v", "proj_out" };
        snprintf(name, sizeof name, "%s.mid.attn_1.%s", side, parts[i]);
        put_conv(header, name, 512, 512, 1);
    }
    put_norm(header, side, "mid.attn_1.norm", 512);
    put_norm(header, side, "norm_out", c);
    snprintf(name, sizeof name, "%s.conv_out", side);
    put_conv(header, name, c, encoder ? 8 : 3, 3);
}

static void put_text(Header *header)
{
    static const char prefix[] = "cond_stage_model.transformer.text_model";
    char              name[160];
    put(header, 49408, 768, 0, 0, "%s.embeddings.token_embedding.weight", prefix);
    put(header, 77, 768, 0, 0, "%s.embeddings.position_embedding.weight", prefix);
    put_norm(header, prefix, "final_layer_norm", 768);
    for (int i = 0; i < 12; i++) {
        static const char *const parts[] = { "q_proj", "k_proj", "v_proj", "out_proj" };
        snprintf(name, sizeof name, "%s.encoder.layers.%d.self_attn", prefix, i);
        for (int k = 0; k < 4; k++)
            put_linear(header, name, parts[k], 768, 768, true);
        snprintf(name, sizeof name, "%s.encoder.layers.%d", prefix, i);
        put_norm(header, name, "layer_norm1", 768);
        put_norm(header, name, "layer_norm2", 768);
        put_linear(header, name, "mlp.fc1", 768, 3072, true);
        put_linear(header, name, "mlp.fc2", 3072, 768, true);
    }
}

Checkpoint *sd15_shapes(ModelConfig *config)
{
    char        path[] = "/tmp/sd15_shapes_XXXXXX";
    int         descriptor = mkstemp(path);
    Header      header = { .size = 1 << 18 };
    EngineError error = { 0 };
    header.header = malloc(header.size);
    header.header[header.length++] = '{';
    put_unet(&header);
    put_vae_half(&header, true);
    put_vae_half(&header, false);
    put_conv(&header, "first_stage_model.quant_conv", 8, 8, 1);
    put_conv(&header, "first_stage_model.post_quant_conv", 4, 4, 1);
    put_text(&header);
    header.header[header.length++] = '}';
    uint64_t length = header.length; /* little-endian, as the machines that this runs on */
    FILE    *stream = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (!stream || fwrite(&length, 8, 1, stream) != 1 ||
        fwrite(header.header, 1, header.length, stream) != header.length || fflush(stream) != 0 ||
        ftruncate(descriptor, (off_t)(8 + header.length + header.at)) != 0)
        die("%s cannot be written", path);
    fclose(stream);
    free(header.header);
    Checkpoint *checkpoint = checkpoint_open(path, NULL, &error);
    unlink(path);
    return with_config(checkpoint, config, &error);
}

/* ---- runs -------------------------------------------------------------------------------- */

Tensor test_tensor(int n, int c, int h, int w)
{
    Tensor shape = tensor_at(NULL, 0, TYPE_F32, n, c, h, w);
    float *data = malloc(tensor_bytes(shape));
    if (!data)
        die("no memory: %zu bytes", tensor_bytes(shape));
    return cpu_tensor(data, n, c, h, w);
}

void test_free(Tensor x)
{
    free(cpu_data(x));
}

size_t run_dry(int threads, void (*body)(Compute *compute, void *data), void *data)
{
    Cpu      cpu;
    Dry      dry;
    Arena    arena;
    Threads *pool = threads_create(threads);
    cpu_init(&cpu, pool, NULL, &(EngineError){ 0 });
    dry_init(&dry, &cpu.device);
    arena_init(&arena, &dry.device, 0);
    body(&(Compute){ .scratch = &arena }, data);
    CHECK(arena.low == 0 && arena.high == 0);
    threads_destroy(pool);
    return arena.peak;
}

size_t run_rehearsed(int threads, void (*body)(Compute *compute, void *data), void *data)
{
    Cpu      cpu;
    Arena    arena;
    size_t   peak = run_dry(threads, body, data);
    Threads *pool = threads_create(threads);
    cpu_init(&cpu, pool, NULL, &(EngineError){ 0 });
    if (!arena_init(&arena, &cpu.device, peak))
        die("no memory: %zu bytes", peak);
    body(&(Compute){ .scratch = &arena }, data);
    CHECK(arena.peak == peak);
    CHECK(arena.low == 0 && arena.high == 0);
    arena_finish(&arena);
    threads_destroy(pool);
    return peak;
}
