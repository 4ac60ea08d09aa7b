/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_inspect(): what a model file is, from its header alone. */
#include "model_info.h"

#include "../networks/denoiser.h"
#include "../request_settings.h"
#include "../sample/schedule.h"
#include "../weights/kind.h"
#include "../weights/model_folder.h"
#include "../weights/sibling.h"

#include <stdio.h>
#include <string.h>

enum { ZERO_TAIL = 1 << 20 }; /* bytes of zeros at a file's end that no model has */

static void count_tensors(EngineModelInfo *info, const Checkpoint *checkpoint,
                          uint64_t bytes[TYPE_COUNT])
{
    for (size_t f = 0; f < checkpoint_file_count(checkpoint); f++) {
        const Safetensors *file = checkpoint_file(checkpoint, f);
        info->tensor_count += safetensors_count(file);
        for (size_t i = 0; i < safetensors_count(file); i++) {
            const SafetensorsEntry *entry = safetensors_at(file, i);
            bytes[entry->type] += entry->end - entry->begin;
            info->parameter_count +=
                (entry->end - entry->begin) * 8 / (uint64_t)tensor_type_bits(entry->type);
        }
    }
}

static int largest(const uint64_t bytes[TYPE_COUNT])
{
    int best = 0;
    for (int type = 1; type < TYPE_COUNT; type++)
        if (bytes[type] > bytes[best])
            best = type;
    return best;
}

/* The two formats that hold most of the file; the second from one part in a hundred on. */
static void describe_precision(EngineModelInfo *info, const Checkpoint *checkpoint)
{
    uint64_t bytes[TYPE_COUNT] = { 0 };
    count_tensors(info, checkpoint, bytes);
    int      first = largest(bytes);
    uint64_t most = bytes[first];
    if (most == 0)
        return;
    bytes[first] = 0;
    int         second = largest(bytes);
    const char *name = tensor_type_name((TensorType)first);
    if (bytes[second] > most / 100)
        snprintf(info->precision, sizeof info->precision, "%s + %s", name,
                 tensor_type_name((TensorType)second));
    else
        snprintf(info->precision, sizeof info->precision, "%s", name);
}

/* The last part of a path. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A setting that the file recommends, in `__metadata__.config`: {"recommended": {"cfg": 3}}; or the
 * usual one of its kind, also where it could not be set. */
static double recommended(const Checkpoint *checkpoint, const char *key, size_t field, double usual)
{
    const Json           *settings = checkpoint_metadata_config(checkpoint, "recommended");
    const RequestSetting *setting = request_setting_of(field);
    double                value;
    return json_number(json_member(settings, key), &value) && value >= setting->least &&
                   value <= setting->most
               ? value
               : usual;
}

static void describe_sampling(EngineModelInfo *info, const ModelConfig *config,
                              const Checkpoint *checkpoint)
{
    static const char *const words[] = { [PREDICTS_NOISE] = "epsilon", [PREDICTS_V] = "v",
                                         [PREDICTS_SAMPLE] = "sample" };
    const Parametrisation   *of = &config->parametrisation;
    NoiseLevels              levels;
    noise_levels_init(&levels, of);
    info->sigma_min = levels.sigmas[0];
    info->sigma_max = levels.sigmas[NOISE_LEVEL_COUNT - 1];
    snprintf(info->prediction, sizeof info->prediction, "%s", words[of->predicts]);
    info->edm = of->edm;
    info->few_steps = config->defaults.few_steps;
    info->steps = (int)recommended(checkpoint, "steps", offsetof(EngineRequest, steps), config->defaults.steps);
    info->sampler = config->defaults.sampler;
    info->schedule = config->defaults.schedule;
    info->cfg = (float)recommended(checkpoint, "cfg", offsetof(EngineRequest, cfg),
                                   (double)config->defaults.cfg);
    info->image_cfg = (float)recommended(checkpoint, "image_cfg", offsetof(EngineRequest, image_cfg),
                                         request_setting_of(offsetof(EngineRequest, image_cfg))->usual);
}

static void describe_model(EngineModelInfo *info, const ModelConfig *config,
                           const Checkpoint *checkpoint)
{
    describe_sampling(info, config, checkpoint);
    snprintf(info->family, sizeof info->family, "%s", config->family);
    DenoiserCapabilities can = denoiser_capabilities(config);
    info->in_channels = can.input_channels;
    info->takes_source = config->vae.has_encoder;
    info->takes_hole = can.hole;
    info->takes_instruction = can.instruction;
    info->v_prediction = config->parametrisation.predicts == PREDICTS_V;
    info->zero_terminal_snr = config->parametrisation.zero_terminal_snr;
    info->native_width = config->native_width;
    info->native_height = config->native_height;
}

static void write_summary(EngineModelInfo *info, const ModelKind *kind)
{
    const char *use = info->takes_hole          ? " inpainting"
                      : info->takes_instruction ? " instruction"
                                                : "";
    const char *article = kind->name, *name = kind->name;
    if (strncmp(article, "a ", 2) == 0)
        name += 2;
    else if (strncmp(article, "an ", 3) == 0)
        name += 3;
    const char *comma = *info->precision ? ", " : "";
    if (info->kind == ENGINE_FILE_CHECKPOINT)
        snprintf(info->summary, sizeof info->summary, "%s%s checkpoint, %dx%d%s%s%s", info->family, use,
                 info->native_width, info->native_height, info->v_prediction ? ", v-prediction" : "",
                 comma, info->precision);
    else if (*info->family)
        snprintf(info->summary, sizeof info->summary, "%s, %s%s%s%s", name, info->family, use, comma,
                 info->precision);
    else
        snprintf(info->summary, sizeof info->summary, "%s%s%s", name, comma, info->precision);
    if (info->summary[0] >= 'a' && info->summary[0] <= 'z')
        info->summary[0] = (char)(info->summary[0] - 'a' + 'A');
}

/* A download that was cut after its place on the disk was reserved. */
static void warn_of_zeros(EngineModelInfo *info, const Checkpoint *checkpoint)
{
    for (size_t f = 0; f < checkpoint_file_count(checkpoint); f++) {
        const Safetensors *file = checkpoint_file(checkpoint, f);
        size_t             at = strlen(info->reason);
        if (safetensors_zero_tail(file) >= ZERO_TAIL)
            snprintf(info->reason + at, sizeof info->reason - at,
                     "%sthe last megabyte of the file is zeros: perhaps it was not downloaded whole",
                     at ? "; " : "");
    }
}

/* Copies a text that a file claims: whole characters, without control characters. */
static void copy_claim(char *out, size_t size, const char *text)
{
    size_t at = 0;
    for (; text && text[at] && at < size - 1; at++)
        out[at] = (unsigned char)text[at] < 0x20 || text[at] == 0x7f ? ' ' : text[at];
    while (at > 0 && text[at] && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    out[at] = '\0';
}

void model_info_describe(EngineModelInfo *info, const Checkpoint *checkpoint)
{
    ModelConfig config;
    EngineError why = { 0 };
    ModelKind   kind = kind_of(checkpoint);
    *info = (EngineModelInfo){ .kind = ENGINE_FILE_UNKNOWN };
    info->kind = kind.kind;
    info->runnable = config_from_checkpoint(&config, checkpoint, &why);
    info->size_multiple = 8;
    info->file_bytes = checkpoint_bytes(checkpoint);
    describe_precision(info, checkpoint);
    if (kind.kind == ENGINE_FILE_CHECKPOINT && !info->runnable)
        info->kind = ENGINE_FILE_INCOMPLETE;
    if (kind.kind == ENGINE_FILE_CHECKPOINT || kind.kind == ENGINE_FILE_INCOMPLETE || kind.kind == ENGINE_FILE_UNET)
        describe_model(info, &config, checkpoint);
    if (kind.kind == ENGINE_FILE_CHECKPOINT && !info->runnable)
        kind.name = "an incomplete checkpoint";
    char hub_name[sizeof info->title];
    folder_hub_name(checkpoint_path(checkpoint), hub_name, sizeof hub_name);
    copy_claim(info->title, sizeof info->title,
               hub_name[0] ? hub_name : checkpoint_metadata(checkpoint, "modelspec.title"));
    bool unet = checkpoint_has_part(checkpoint, PART_UNET) && kind.kind != ENGINE_FILE_OTHER_MODEL;
    info->lacks_vae = unet && !checkpoint_has_part(checkpoint, PART_VAE);
    info->lacks_text_encoder = unet && !checkpoint_has_part(checkpoint, PART_TEXT);
    if (checkpoint_vae_path(checkpoint))
        copy_claim(info->vae, sizeof info->vae, base_name(checkpoint_vae_path(checkpoint)));
    write_summary(info, &kind);
    if (!info->runnable) {
        /* The sentence begins with the path, which the reader of `reason` has. */
        const char *path = checkpoint_path(checkpoint), *reason = why.message;
        size_t      length = strlen(path);
        if (strncmp(reason, path, length) == 0 && strncmp(reason + length, ": ", 2) == 0)
            reason += length + 2;
        copy_claim(info->reason, sizeof info->reason, reason);
    }
    warn_of_zeros(info, checkpoint);
}

bool engine_inspect_with(const char *path, const EngineOptions *options, EngineModelInfo *info,
                         EngineError *error)
{
    CheckpointExtras extras = { options->vae_path, options->taesd_path, options->text_encoder_path };
    Checkpoint      *checkpoint = checkpoint_open_header(path, &extras, error);
    *info = (EngineModelInfo){ .kind = ENGINE_FILE_UNKNOWN };
    if (!checkpoint)
        return false;
    model_info_describe(info, checkpoint);
    checkpoint_close(checkpoint);
    return true;
}

bool engine_inspect(const char *path, EngineModelInfo *info, EngineError *error)
{
    EngineOptions options = engine_options_default();
    return engine_inspect_with(path, &options, info, error);
}

bool engine_sibling(char *out, size_t size, const char *path, int in_channels)
{
    EngineModelInfo info;
    EngineError     ignored = { 0 };
    return sibling_find(out, size, path, in_channels) && engine_inspect(out, &info, &ignored) &&
           info.runnable && info.in_channels == in_channels;
}
