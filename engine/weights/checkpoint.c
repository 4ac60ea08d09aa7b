/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checkpoint.h"

#include "kind.h"
#include "model_folder.h"
#include "part_names.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* TAESD comes in two files with names of their own: two parts in here. */
enum { PART_TAESD_DECODER = PART_COUNT, PLACES };

typedef struct {
    PartNames   names;
    size_t      first, count; /* its files */
    const Json *config;       /* borrowed from `configs` or `metadata_config` */
} Place;

struct Checkpoint {
    char    *path;
    bool     folder, headers_only;
    FileList list;
    Place    places[PLACES];
    Json    *configs[PLACES]; /* config.json files */
    Json    *scheduler, *model_index, *added_tokens;
    char    *vae_path; /* in place of its own, or NULL */
    Json    *metadata_config; /* `__metadata__.config` */
    Json    *given_configs[PLACES]; /* the same of files that were given for a part */
    WeightStore *weights;
};

/* ---- where a part's tensors are ------------------------------------------------------------ */

/* A place to look: the part is there when this tensor is. */
typedef struct {
    PartLayout  layout;
    const char *prefix, *landmark;
    bool        no_text_model;
} Candidate;

static const Candidate unet_places[] = {
    { LAYOUT_PLAIN, "model.diffusion_model.", "input_blocks.0.0.weight", false },
    { LAYOUT_PLAIN, "diffusion_model.", "input_blocks.0.0.weight", false },
    { LAYOUT_PLAIN, "", "input_blocks.0.0.weight", false },
    { LAYOUT_UNET, "unet.", "down_blocks.0.resnets.0.conv1.weight", false },
    { LAYOUT_UNET, "", "down_blocks.0.resnets.0.conv1.weight", false },
    { LAYOUT_NONE, NULL, NULL, false },
};

static const Candidate vae_places[] = {
    { LAYOUT_PLAIN, "first_stage_model.", "decoder.up.0.block.0.conv1.weight", false },
    { LAYOUT_PLAIN, "first_stage_model.", "encoder.down.0.block.0.conv1.weight", false },
    { LAYOUT_VAE, "first_stage_model.", "decoder.up_blocks.0.resnets.0.conv1.weight", false },
    { LAYOUT_PLAIN, "vae.", "decoder.up.0.block.0.conv1.weight", false },
    { LAYOUT_VAE, "vae.", "decoder.up_blocks.0.resnets.0.conv1.weight", false },
    { LAYOUT_PLAIN, "", "decoder.up.0.block.0.conv1.weight", false },
    { LAYOUT_PLAIN, "", "encoder.down.0.block.0.conv1.weight", false },
    { LAYOUT_VAE, "", "decoder.up_blocks.0.resnets.0.conv1.weight", false },
    { LAYOUT_VAE, "", "encoder.down_blocks.0.resnets.0.conv1.weight", false },
    { LAYOUT_NONE, NULL, NULL, false },
};

#define HF_TOKENS "text_model.embeddings.token_embedding.weight"
#define HF_TOKENS_BARE "embeddings.token_embedding.weight"

static const Candidate text_places[] = {
    { LAYOUT_PLAIN, "cond_stage_model.transformer.", HF_TOKENS, false },
    { LAYOUT_PLAIN, "cond_stage_model.transformer.", HF_TOKENS_BARE, true },
    { LAYOUT_OPENCLIP, "cond_stage_model.model.", "token_embedding.weight", false },
    { LAYOUT_PLAIN, "conditioner.embedders.0.transformer.", HF_TOKENS, false },
    { LAYOUT_PLAIN, "conditioner.embedders.0.transformer.", HF_TOKENS_BARE, true },
    { LAYOUT_OPENCLIP, "conditioner.embedders.0.model.", "token_embedding.weight", false },
    { LAYOUT_PLAIN, "text_encoders.clip_l.transformer.", HF_TOKENS, false },
    { LAYOUT_PLAIN, "text_encoder.", HF_TOKENS, false },
    { LAYOUT_PLAIN, "", HF_TOKENS, false },
    { LAYOUT_PLAIN, "", HF_TOKENS_BARE, true },
    { LAYOUT_OPENCLIP, "", "token_embedding.weight", false },
    { LAYOUT_NONE, NULL, NULL, false },
};

static const Candidate text_2_places[] = {
    { LAYOUT_OPENCLIP, "conditioner.embedders.1.model.", "token_embedding.weight", false },
    { LAYOUT_PLAIN, "conditioner.embedders.1.transformer.", HF_TOKENS, false },
    { LAYOUT_PLAIN, "text_encoders.clip_g.transformer.", HF_TOKENS, false },
    { LAYOUT_PLAIN, "text_encoder_2.", HF_TOKENS, false },
    { LAYOUT_NONE, NULL, NULL, false },
};

/* In a folder's text_encoder_2 the names are as in any text encoder. */
static const Candidate text_folder_places[] = {
    { LAYOUT_PLAIN, "", HF_TOKENS, false },
    { LAYOUT_PLAIN, "", HF_TOKENS_BARE, true },
    { LAYOUT_NONE, NULL, NULL, false },
};

static const Candidate *const part_places[PART_TEXT_2 + 1] = { unet_places, vae_places, text_places,
                                                               text_2_places };

static const SafetensorsEntry *find_in(const Checkpoint *checkpoint, const Place *place,
                                       const char *file_name)
{
    for (size_t i = place->first; i < place->first + place->count; i++) {
        const SafetensorsEntry *entry = safetensors_find(checkpoint->list.files[i], file_name);
        if (entry)
            return entry;
    }
    return NULL;
}

__attribute__((format(printf, 3, 4))) static bool there(const Checkpoint *checkpoint,
                                                        const Place *place, const char *format, ...)
{
    char    name[PART_NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    return find_in(checkpoint, place, name) != NULL;
}

/* What the translation of diffusers' names needs to know about the network. */
static void measure(const Checkpoint *checkpoint, Place *place)
{
    PartNames  *names = &place->names;
    const char *prefix = names->prefix;
    if (names->layout == LAYOUT_UNET) {
        while (names->levels < PART_LEVELS &&
               there(checkpoint, place, "%sdown_blocks.%d.resnets.0.conv1.weight", prefix, names->levels)) {
            int *blocks = &names->res_blocks[names->levels];
            while (*blocks < 64 && there(checkpoint, place, "%sdown_blocks.%d.resnets.%d.conv1.weight",
                                         prefix, names->levels, *blocks))
                ++*blocks;
            names->levels++;
        }
    } else if (names->layout == LAYOUT_VAE) {
        while (names->levels < PART_LEVELS &&
               (there(checkpoint, place, "%sdecoder.up_blocks.%d.resnets.0.conv1.weight", prefix,
                      names->levels) ||
                there(checkpoint, place, "%sencoder.down_blocks.%d.resnets.0.conv1.weight", prefix,
                      names->levels)))
            names->levels++;
        names->old_attention =
            there(checkpoint, place, "%sdecoder.mid_block.attentions.0.query.weight", prefix) ||
            there(checkpoint, place, "%sencoder.mid_block.attentions.0.query.weight", prefix);
    } else if (names->layout == LAYOUT_OPENCLIP) {
        names->out_first = there(checkpoint, place, "%stext_projection.weight", prefix) &&
                           !there(checkpoint, place, "%stext_projection", prefix);
    } else {
        names->new_attention = there(checkpoint, place, "%sdecoder.mid.attn_1.to_q.weight", prefix) ||
                               there(checkpoint, place, "%sencoder.mid.attn_1.to_q.weight", prefix);
        names->group_norm = there(checkpoint, place, "%sdecoder.mid.attn_1.group_norm.weight", prefix) ||
                            there(checkpoint, place, "%sencoder.mid.attn_1.group_norm.weight", prefix);
    }
}

/* What trainers and torch put before every name. */
static const char *const wrappers[] = { "", "state_dict.", "module.", "state_dict.module.", "_orig_mod." };

/* Looks for a part among the files [first, first + count). */
static bool locate(Checkpoint *checkpoint, int part, const Candidate *candidates, size_t first,
                   size_t count)
{
    Place  place = { .first = first, .count = count };
    size_t wrapper_count = sizeof wrappers / sizeof *wrappers;
    for (size_t i = 0; i < wrapper_count; i++)
        for (const Candidate *at = candidates; at->prefix; at++) {
            if (!there(checkpoint, &place, "%s%s%s", wrappers[i], at->prefix, at->landmark))
                continue;
            place.names.layout = at->layout;
            place.names.no_text_model = at->no_text_model;
            snprintf(place.names.prefix, sizeof place.names.prefix, "%s%s", wrappers[i], at->prefix);
            measure(checkpoint, &place);
            place.config = checkpoint->places[part].config;
            checkpoint->places[part] = place;
            return true;
        }
    return false;
}

static void locate_taesd_half(Checkpoint *checkpoint, int part, const char *prefix, int shift,
                              size_t first, size_t count)
{
    Place place = { .first = first, .count = count };
    place.names.layout = LAYOUT_TAESD;
    place.names.shift = shift;
    snprintf(place.names.prefix, sizeof place.names.prefix, "%s", prefix);
    checkpoint->places[part] = place;
}

/* One file of taesd, both in one (ComfyUI), or diffusers' AutoencoderTiny, whose decoder counts from one
 * less because its clamp is no layer. */
static bool locate_taesd(Checkpoint *checkpoint, size_t first, size_t count)
{
    static const struct {
        int         part;
        const char *prefix, *landmark;
        int         shift;
    } halves[] = {
        { PART_TAESD, "encoder.layers.", "0.weight", 0 },
        { PART_TAESD, "taesd_encoder.", "0.weight", 0 },
        { PART_TAESD, "encoder.", "0.weight", 0 },
        { PART_TAESD_DECODER, "decoder.layers.", "0.weight", 1 },
        { PART_TAESD_DECODER, "taesd_decoder.", "1.weight", 0 },
        { PART_TAESD_DECODER, "decoder.", "1.weight", 0 },
    };
    Place files = { .first = first, .count = count };
    bool  found = false;
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++)
        if (there(checkpoint, &files, "%s%s", halves[i].prefix, halves[i].landmark)) {
            locate_taesd_half(checkpoint, halves[i].part, halves[i].prefix, halves[i].shift, first, count);
            found = true;
        }
    for (size_t i = first; i < first + count && !found; i++) {
        Place one = { .first = i, .count = 1 };
        bool  encoder = there(checkpoint, &one, "0.weight") && there(checkpoint, &one, "1.conv.0.weight");
        bool  decoder = there(checkpoint, &one, "1.weight") && there(checkpoint, &one, "3.conv.0.weight");
        if (encoder || decoder)
            locate_taesd_half(checkpoint, encoder ? PART_TAESD : PART_TAESD_DECODER, "", 0, i, 1);
    }
    return found || checkpoint->places[PART_TAESD].count ||
           checkpoint->places[PART_TAESD_DECODER].count;
}

/* ---- open ---------------------------------------------------------------------------------- */

static bool open_file(Checkpoint *checkpoint, const char *path, EngineError *error)
{
    Safetensors *file = checkpoint->headers_only ? safetensors_open_header(path, error)
                                                 : safetensors_open(path, error);
    return file && file_list_add(&checkpoint->list, file, error);
}

static const char *const part_keys[] = { "unet", "vae", "text_encoder", "text_encoder_2" };

/* `__metadata__.config`, when it is a JSON object; whatever else it holds is not meant for us. */
static bool metadata_config(Json **json, const Safetensors *file, EngineError *error)
{
    const char *text = safetensors_metadata(file, "config");
    EngineError why = { 0 };
    *json = text ? json_parse(safetensors_path(file), text, strlen(text), &why) : NULL;
    if (why.status == ENGINE_OUT_OF_MEMORY)
        *error = why;
    return why.status != ENGINE_OUT_OF_MEMORY;
}

static bool read_metadata_config(Checkpoint *checkpoint, EngineError *error)
{
    if (!metadata_config(&checkpoint->metadata_config, checkpoint->list.files[0], error))
        return false;
    for (int part = 0; part <= PART_TEXT_2; part++)
        checkpoint->places[part].config = json_member(checkpoint->metadata_config, part_keys[part]);
    return true;
}

/* The config of a part that was opened in place of the checkpoint's own, from file `first` on. */
static bool read_given_config(Checkpoint *checkpoint, int part, size_t first, EngineError *error)
{
    Json **given = &checkpoint->given_configs[part];
    json_free(*given);
    *given = NULL;
    if (checkpoint->list.count > first && !metadata_config(given, checkpoint->list.files[first], error))
        return false;
    checkpoint->places[part].config = checkpoint->configs[part] ? checkpoint->configs[part]
                                                                : json_member(*given, part_keys[part]);
    return true;
}

static bool use_single_file(Checkpoint *checkpoint, EngineError *error)
{
    if (!read_metadata_config(checkpoint, error))
        return false;
    for (int part = 0; part <= PART_TEXT_2; part++)
        locate(checkpoint, part, part_places[part], 0, checkpoint->list.count);
    if (!checkpoint->places[PART_UNET].count && !checkpoint->places[PART_VAE].count)
        locate_taesd(checkpoint, 0, checkpoint->list.count);
    return true;
}

/* Opens folder/name as this part, when it is there. */
static bool open_part(Checkpoint *checkpoint, int part, const char *name, EngineError *error)
{
    char *folder = path_join(checkpoint->path, name);
    if (!folder)
        return fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to open it", checkpoint->path);
    bool ok = true;
    if (path_is_folder(folder)) {
        size_t first = checkpoint->list.count;
        ok = folder_json(&checkpoint->configs[part], folder, "config.json", error) &&
             folder_open(&checkpoint->list, folder, checkpoint->headers_only, error);
        const Candidate *places = part == PART_TEXT_2 ? text_folder_places : part_places[part];
        if (ok) {
            locate(checkpoint, part, places, first, checkpoint->list.count - first);
            checkpoint->places[part].config = checkpoint->configs[part];
        }
    }
    free(folder);
    return ok;
}

/* folder/name of the model's folder; NULL where it is not there. */
static bool open_json(Checkpoint *checkpoint, Json **json, const char *name, const char *file,
                      EngineError *error)
{
    char *folder = path_join(checkpoint->path, name);
    bool  ok = folder ? folder_json(json, folder, file, error)
                      : fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to open it", checkpoint->path);
    free(folder);
    return ok;
}

static bool open_folder(Checkpoint *checkpoint, EngineError *error)
{
    const char *path = checkpoint->path;
    checkpoint->folder = true;
    if (!folder_json(&checkpoint->model_index, path, "model_index.json", error) ||
        !open_json(checkpoint, &checkpoint->scheduler, "scheduler", "scheduler_config.json", error) ||
        !open_json(checkpoint, &checkpoint->added_tokens, "tokenizer", "added_tokens.json", error))
        return false;
    if (kind_is_foreign(json_string(json_member(checkpoint->model_index, "_class_name"))))
        return true;
    for (int part = 0; part <= PART_TEXT_2; part++)
        if (!open_part(checkpoint, part, part_keys[part], error))
            return false;
    if (checkpoint->list.count > 0)
        return true;
    /* The folder of one part: unet/ itself. */
    return folder_open(&checkpoint->list, path, checkpoint->headers_only, error) &&
           use_single_file(checkpoint, error);
}

/* Opens what vae_path or taesd_path names: a file, a part's folder, or a whole model's folder. */
static bool open_extra(Checkpoint *checkpoint, const char *path, const char *part_folder, Json **config,
                       EngineError *error)
{
    if (!path_is_folder(path))
        return open_file(checkpoint, path, error);
    char *inner = path_join(path, part_folder);
    if (!inner)
        return fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to open it", path);
    const char *folder = path_is_folder(inner) ? inner : path;
    json_free(*config);
    bool ok = folder_json(config, folder, "config.json", error) &&
              folder_open(&checkpoint->list, folder, checkpoint->headers_only, error);
    free(inner);
    return ok;
}

static bool open_vae(Checkpoint *checkpoint, const char *path, EngineError *error)
{
    size_t first = checkpoint->list.count;
    free(checkpoint->vae_path);
    json_free(checkpoint->configs[PART_VAE]);
    checkpoint->configs[PART_VAE] = NULL;
    if (!(checkpoint->vae_path = strdup(path)))
        return fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to open it", path);
    checkpoint->places[PART_VAE] = (Place){ .config = NULL };
    if (!open_extra(checkpoint, path, "vae", &checkpoint->configs[PART_VAE], error))
        return false;
    if (!locate(checkpoint, PART_VAE, vae_places, first, checkpoint->list.count - first))
        return fail(error, ENGINE_UNSUPPORTED, "%s: holds no VAE (no tensor '%s')", path,
                    "decoder.up.0.block.0.conv1.weight");
    int shape[TENSOR_MAX_RANK];
    if (checkpoint_has(checkpoint, PART_VAE, "decoder.conv_in.weight", shape) && shape[1] != 4)
        return fail(error, ENGINE_UNSUPPORTED,
                    "%s: is a VAE of %d channels, and checkpoints of Stable Diffusion 1.x, 2.x and SDXL "
                    "need one of 4",
                    path, shape[1]);
    return read_given_config(checkpoint, PART_VAE, first, error);
}

/* NAME.vae.safetensors beside NAME.safetensors, where it is there. */
static bool open_vae_beside(Checkpoint *checkpoint, EngineError *error)
{
    static const char end[] = ".safetensors", other[] = ".vae.safetensors";
    size_t            length = strlen(checkpoint->path);
    if (checkpoint->folder || length < sizeof end || strcmp(checkpoint->path + length - sizeof end + 1, end) != 0)
        return true;
    char *path = malloc(length + sizeof other);
    if (!path)
        return fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to open it", checkpoint->path);
    snprintf(path, length + sizeof other, "%.*s%s", (int)(length - sizeof end + 1), checkpoint->path, other);
    FILE *file = checkpoint_has_part(checkpoint, PART_UNET) ? fopen(path, "rb") : NULL;
    bool  ok = !file || open_vae(checkpoint, path, error);
    if (file)
        fclose(file);
    free(path);
    return ok;
}

/* Takes one text encoder of another model, when it is there. */
static bool open_tower(Checkpoint *checkpoint, int part, const char *path, size_t *first, bool *found,
                       EngineError *error)
{
    char *inner = path_join(path, part_keys[part]);
    bool  folder = inner && path_is_folder(inner);
    Json *config = NULL;
    free(inner);
    if (folder)
        *first = checkpoint->list.count;
    if ((folder || part == PART_TEXT) && !open_extra(checkpoint, path, part_keys[part], &config, error)) {
        json_free(config);
        return false;
    }
    const Candidate *places = folder ? text_folder_places : part_places[part];
    if (!locate(checkpoint, part, places, *first, checkpoint->list.count - *first)) {
        json_free(config);
        return true;
    }
    json_free(checkpoint->configs[part]);
    checkpoint->configs[part] = config;
    *found = true;
    return read_given_config(checkpoint, part, *first, error);
}

/* A file or a folder of one encoder, of both, or of all of a checkpoint. */
static bool open_text_encoder(Checkpoint *checkpoint, const char *path, EngineError *error)
{
    size_t first = checkpoint->list.count;
    bool   found = false;
    for (int part = PART_TEXT; part <= PART_TEXT_2; part++)
        if (!open_tower(checkpoint, part, path, &first, &found, error))
            return false;
    return found || fail(error, ENGINE_UNSUPPORTED, "%s: holds no text encoder (no tensor '%s')", path,
                         HF_TOKENS);
}

/* A folder with taesd's own two files in it. */
static bool open_taesd_pair(Checkpoint *checkpoint, const char *folder, bool *found, EngineError *error)
{
    static const char *const names[] = { "taesd_encoder.safetensors", "taesd_decoder.safetensors" };
    bool                     ok = true;
    for (int i = 0; i < 2 && ok; i++) {
        char *path = path_join(folder, names[i]);
        FILE *file = path ? fopen(path, "rb") : NULL;
        if (file) {
            fclose(file);
            *found = true;
            ok = open_file(checkpoint, path, error);
        }
        free(path);
    }
    return ok;
}

static bool open_taesd(Checkpoint *checkpoint, const char *path, EngineError *error)
{
    size_t first = checkpoint->list.count;
    bool   pair = false;
    if (path_is_folder(path) && !open_taesd_pair(checkpoint, path, &pair, error))
        return false;
    if (!pair && !open_extra(checkpoint, path, "vae", &checkpoint->configs[PART_TAESD], error))
        return false;
    return locate_taesd(checkpoint, first, checkpoint->list.count - first) ||
           fail(error, ENGINE_UNSUPPORTED, "%s: holds no TAESD (no tensor '%s')", path,
                "decoder.layers.0.weight");
}

static Checkpoint *create(const char *path, bool headers_only, EngineError *error)
{
    Checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
    if (!checkpoint || !(checkpoint->path = strdup(path)) ||
        !(checkpoint->weights = weight_store_create())) {
        free(checkpoint ? checkpoint->path : NULL);
        free(checkpoint);
        fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to open it", path);
        return NULL;
    }
    checkpoint->headers_only = headers_only;
    return checkpoint;
}

static bool open_extras(Checkpoint *checkpoint, const CheckpointExtras *extras, EngineError *error)
{
    if (extras->vae ? !open_vae(checkpoint, extras->vae, error) : !open_vae_beside(checkpoint, error))
        return false;
    return (!extras->text_encoder || open_text_encoder(checkpoint, extras->text_encoder, error)) &&
           (!extras->taesd || open_taesd(checkpoint, extras->taesd, error));
}

static Checkpoint *open_all(const char *path, const CheckpointExtras *extras, bool headers_only,
                            EngineError *error)
{
    char       *model = folder_of_model(path);
    Checkpoint *checkpoint = create(model ? model : path, headers_only, error);
    free(model);
    if (!checkpoint)
        return NULL;
    bool ok = path_is_folder(checkpoint->path)
                  ? open_folder(checkpoint, error)
                  : open_file(checkpoint, checkpoint->path, error) && use_single_file(checkpoint, error);
    if (!ok || !open_extras(checkpoint, extras, error)) {
        checkpoint_close(checkpoint);
        return NULL;
    }
    return checkpoint;
}

Checkpoint *checkpoint_open(const char *path, const CheckpointExtras *extras, EngineError *error)
{
    static const CheckpointExtras none = { .vae = NULL };
    return open_all(path, extras ? extras : &none, false, error);
}

Checkpoint *checkpoint_open_header(const char *path, const CheckpointExtras *extras, EngineError *error)
{
    static const CheckpointExtras none = { .vae = NULL };
    return open_all(path, extras ? extras : &none, true, error);
}

Checkpoint *checkpoint_from_file(Safetensors *file, EngineError *error)
{
    Checkpoint *checkpoint = create(safetensors_path(file), false, error);
    if (!checkpoint) {
        safetensors_close(file);
        return NULL;
    }
    if (!file_list_add(&checkpoint->list, file, error) || !use_single_file(checkpoint, error)) {
        checkpoint_close(checkpoint);
        return NULL;
    }
    return checkpoint;
}

void checkpoint_close(Checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    for (int i = 0; i < PLACES; i++) {
        json_free(checkpoint->configs[i]);
        json_free(checkpoint->given_configs[i]);
    }
    json_free(checkpoint->scheduler);
    json_free(checkpoint->model_index);
    json_free(checkpoint->added_tokens);
    free(checkpoint->vae_path);
    json_free(checkpoint->metadata_config);
    weight_store_destroy(checkpoint->weights);
    file_list_clear(&checkpoint->list);
    free(checkpoint->path);
    free(checkpoint);
}

/* ---- tensors ------------------------------------------------------------------------------- */

static const Place *place_of(const Checkpoint *checkpoint, CheckpointPart part, const char *name)
{
    assert((unsigned)part < PART_COUNT);
    bool decoder = part == PART_TAESD && strncmp(name, "decoder.", 8) == 0;
    return &checkpoint->places[decoder ? (int)PART_TAESD_DECODER : (int)part];
}

static const SafetensorsEntry *find(const Checkpoint *checkpoint, CheckpointPart part,
                                    const char *name, int *third)
{
    const Place *place = place_of(checkpoint, part, name);
    char         file_name[PART_NAME_SIZE];
    if (!part_name(&place->names, name, file_name, third))
        return NULL;
    return find_in(checkpoint, place, file_name);
}

const SafetensorsEntry *checkpoint_entry(const Checkpoint *checkpoint, CheckpointPart part,
                                         const char *name)
{
    int third;
    return find(checkpoint, part, name, &third);
}

void checkpoint_file_name(const Checkpoint *checkpoint, CheckpointPart part, const char *name,
                          char out[256])
{
    int third;
    if (!part_name(&place_of(checkpoint, part, name)->names, name, out, &third))
        snprintf(out, PART_NAME_SIZE, "%s", name);
}

/* The shape in ints, with leading dimension split in three where the file has them fused. False when it
 * fits no Weight. */
static bool entry_shape(const SafetensorsEntry *entry, int third, int shape[TENSOR_MAX_RANK])
{
    for (int i = 0; i < TENSOR_MAX_RANK; i++)
        shape[i] = 1;
    if (entry->rank > SAFETENSORS_MAX_RANK)
        return false;
    for (int i = 0; i < entry->rank; i++) {
        if (entry->shape[i] > INT_MAX || entry->shape[i] == 0 ||
            (i >= TENSOR_MAX_RANK && entry->shape[i] != 1))
            return false;
        if (i < TENSOR_MAX_RANK)
            shape[i] = (int)entry->shape[i];
    }
    if (third >= 0 && shape[0] % 3)
        return false;
    if (third >= 0)
        shape[0] /= 3;
    return true;
}

bool checkpoint_has(const Checkpoint *checkpoint, CheckpointPart part, const char *name,
                    int shape[TENSOR_MAX_RANK])
{
    int                     third, ignored[TENSOR_MAX_RANK];
    const SafetensorsEntry *entry = find(checkpoint, part, name, &third);
    return entry && entry_shape(entry, third, shape ? shape : ignored);
}

static const char *file_of(const Checkpoint *checkpoint, CheckpointPart part, const char *name)
{
    const Place *place = place_of(checkpoint, part, name);
    return place->count == 1 ? safetensors_path(checkpoint->list.files[place->first])
                             : checkpoint->path;
}

/* "[320, 768]" of a file's shape. */
static void shape_text(char out[96], const SafetensorsEntry *entry)
{
    int at = snprintf(out, 96, "[");
    for (int i = 0; i < entry->rank && at < 70; i++)
        at += snprintf(out + at, 96 - (size_t)at, "%s%llu", i ? ", " : "",
                       (unsigned long long)entry->shape[i]);
    snprintf(out + at, 96 - (size_t)at, "]");
}

/* The number beside an fp8 weight that its numbers are to be multiplied by; NULL: none. */
static const SafetensorsEntry *find_scale(const Checkpoint *checkpoint, const Place *place,
                                          const SafetensorsEntry *entry)
{
    static const char *const names[] = { "scale_weight", "weight_scale", "weight_scale_inv" };
    size_t                   length = strlen(entry->name);
    char                     name[PART_NAME_SIZE];
    const SafetensorsEntry  *scale = NULL;
    if ((entry->type != TYPE_F8_E4M3 && entry->type != TYPE_F8_E5M2) || length < 6 ||
        length > PART_NAME_SIZE - 16 || strcmp(entry->name + length - 6, "weight") != 0)
        return NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !scale; i++) {
        snprintf(name, sizeof name, "%.*s%s", (int)length - 6, entry->name, names[i]);
        scale = find_in(checkpoint, place, name);
    }
    return scale;
}

static bool check_type(const Checkpoint *checkpoint, CheckpointPart part, const char *name,
                       const SafetensorsEntry *entry, EngineError *error)
{
    if (entry->type > TYPE_F64)
        return fail(error, ENGINE_UNSUPPORTED,
                    "%s: tensor '%s' holds %s numbers; this engine computes with F32, F16, BF16, F64, "
                    "F8_E4M3 and F8_E5M2",
                    file_of(checkpoint, part, name), entry->name, tensor_type_name(entry->type));
    return true;
}

bool checkpoint_bind(const Checkpoint *checkpoint, CheckpointPart part, const char *name,
                     Weight *weight, int d0, int d1, int d2, int d3, EngineError *error)
{
    const int               want[TENSOR_MAX_RANK] = { d0, d1, d2, d3 };
    int                     third = -1;
    const SafetensorsEntry *entry = find(checkpoint, part, name, &third);
    if (!entry) {
        char file_name[PART_NAME_SIZE];
        checkpoint_file_name(checkpoint, part, name, file_name);
        return fail(error, ENGINE_UNSUPPORTED, "%s: tensor '%s' [%d, %d, %d, %d] is missing",
                    file_of(checkpoint, part, name), file_name, d0, d1, d2, d3);
    }
    if (!entry_shape(entry, third, weight->shape) ||
        memcmp(weight->shape, want, sizeof want) != 0) {
        char got[96];
        shape_text(got, entry);
        return fail(error, ENGINE_UNSUPPORTED, "%s: tensor '%s' is %s, and [%d, %d, %d, %d] is needed",
                    file_of(checkpoint, part, name), entry->name, got, third >= 0 ? 3 * d0 : d0, d1, d2,
                    d3);
    }
    const SafetensorsEntry *scale = find_scale(checkpoint, place_of(checkpoint, part, name), entry);
    weight->scale = 0;
    if (!check_type(checkpoint, part, name, entry, error) ||
        (scale && !checkpoint_read_scale(scale, &weight->scale, file_of(checkpoint, part, name), error)))
        return false;
    weight->type = entry->type;
    weight->data = entry->data;
    if (third > 0 && entry->data)
        weight->data = (const unsigned char *)entry->data +
                       (size_t)third * (size_t)((entry->end - entry->begin) / 3);
    return true;
}

WeightStore *checkpoint_weights(const Checkpoint *checkpoint)
{
    return checkpoint->weights;
}

bool checkpoint_is_transposed(const Checkpoint *checkpoint, CheckpointPart part, const char *name)
{
    return checkpoint_is_openclip(checkpoint, part) && !checkpoint->places[part].names.out_first &&
           strcmp(name, "text_projection.weight") == 0;
}

/* ---- the rest ------------------------------------------------------------------------------ */

const char *checkpoint_path(const Checkpoint *checkpoint)
{
    return checkpoint->path;
}

uint64_t checkpoint_bytes(const Checkpoint *checkpoint)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < checkpoint->list.count; i++)
        bytes += safetensors_file_bytes(checkpoint->list.files[i]);
    return bytes;
}

bool checkpoint_changed(const Checkpoint *checkpoint)
{
    for (size_t i = 0; i < checkpoint->list.count; i++)
        if (safetensors_changed(checkpoint->list.files[i]))
            return true;
    return false;
}

const char *checkpoint_metadata(const Checkpoint *checkpoint, const char *key)
{
    return checkpoint->list.count && !checkpoint->folder
               ? safetensors_metadata(checkpoint->list.files[0], key)
               : NULL;
}

const Json *checkpoint_metadata_config(const Checkpoint *checkpoint, const char *key)
{
    return json_member(checkpoint->metadata_config, key);
}

bool checkpoint_has_part(const Checkpoint *checkpoint, CheckpointPart part)
{
    return checkpoint->places[part].count > 0 ||
           (part == PART_TAESD && checkpoint->places[PART_TAESD_DECODER].count > 0);
}

bool checkpoint_is_openclip(const Checkpoint *checkpoint, CheckpointPart part)
{
    return checkpoint->places[part].names.layout == LAYOUT_OPENCLIP;
}

const Json *checkpoint_config(const Checkpoint *checkpoint, CheckpointPart part)
{
    return checkpoint->places[part].config;
}

const Json *checkpoint_scheduler(const Checkpoint *checkpoint)
{
    return checkpoint->scheduler;
}

const Json *checkpoint_model_index(const Checkpoint *checkpoint)
{
    return checkpoint->model_index;
}

const Json *checkpoint_added_tokens(const Checkpoint *checkpoint)
{
    return checkpoint->added_tokens;
}

const char *checkpoint_vae_path(const Checkpoint *checkpoint)
{
    return checkpoint->vae_path;
}

size_t checkpoint_file_count(const Checkpoint *checkpoint)
{
    return checkpoint->list.count;
}

const Safetensors *checkpoint_file(const Checkpoint *checkpoint, size_t index)
{
    assert(index < checkpoint->list.count);
    return checkpoint->list.files[index];
}

bool checkpoint_is_folder(const Checkpoint *checkpoint)
{
    return checkpoint->folder;
}
