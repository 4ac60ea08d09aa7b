/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe_json.h"

#include "../base/number.h"
#include "../files/json.h"
#include "../request_settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    MOST_NODES = 64, /* that are followed from a sampler; a loop of links ends there too */
};

typedef struct {
    Recipe     *recipe;
    char      **storage;
    const char *text; /* the JSON itself, for numbers that no double holds */
    size_t      bytes;
    const Json *root;
} Reader;

/* ---- values -------------------------------------------------------------------------------------- */

static const char *store(Reader *reader, const char *string)
{
    char  *out = *reader->storage;
    size_t bytes = strlen(string) + 1;
    memcpy(out, string, bytes);
    *reader->storage += bytes;
    return out;
}

/* The digits of a number that a double rounds: those behind a colon that round to the same. */
static bool find_digits(const Reader *reader, double value, uint64_t *exact)
{
    const char *at = reader->text, *end = at + reader->bytes;
    while ((at = memchr(at, ':', (size_t)(end - at))) != NULL) {
        for (at++; at < end && (*at == ' ' || *at == '\n'); at++)
            ;
        size_t digits = 0;
        while (at + digits < end && at[digits] >= '0' && at[digits] <= '9')
            digits++;
        if (number_parse_whole(at, digits, exact) && (double)*exact == value)
            return true;
    }
    return false;
}

static void take_seed(Reader *reader, const Json *item)
{
    double   value = 0;
    uint64_t exact;
    if (json_number(item, &value) && value >= 0 && value == floor(value) &&
        find_digits(reader, value, &exact))
        reader->recipe->request.seed = exact;
}

/* Into the field at this offset, if it is in its range. */
static bool take_number(Reader *reader, size_t offset, const Json *item)
{
    const RequestSetting *setting = request_setting_of(offset);
    double                value;
    if (!json_number(item, &value) || value < setting->least || value > setting->most ||
        (setting->type == REQUEST_WHOLE && value != floor(value)))
        return false;
    request_setting_set(&reader->recipe->request, setting, value);
    return true;
}

static void take_size(Reader *reader, const Json *width, const Json *height)
{
    EngineRequest *request = &reader->recipe->request, before = *request;
    if (!take_number(reader, offsetof(EngineRequest, width), width) ||
        !take_number(reader, offsetof(EngineRequest, height), height) || request->width % 8 ||
        request->height % 8) {
        request->width = before.width;
        request->height = before.height;
    }
}

/* Names of samplers as both programs spell them; "_k" is InvokeAI's for Karras' schedule. */
static void take_sampler(Reader *reader, const char *name)
{
    static const char *const aliases[][2] = {
        { "euler_ancestral", "euler_a" }, { "uni_pc", "unipc" },       { "uni_pc_bh2", "unipc" },
        { "dpm_2", "dpm2" },              { "kdpm_2", "dpm2" },        { "dpmpp_sde_gpu", "dpmpp_sde" },
        { "dpmpp_2m_sde_gpu", "dpmpp_2m_sde" }, { "k_euler", "euler" }, { "k_euler_a", "euler_a" },
        { "k_heun", "heun" },
    };
    EngineRequest *request = &reader->recipe->request;
    char           plain[64];
    size_t         length = strlen(name);
    if (length >= sizeof plain)
        return;
    strcpy(plain, name);
    if (length > 2 && strcmp(plain + length - 2, "_k") == 0) {
        plain[length - 2] = '\0';
        request->schedule = ENGINE_SCHEDULE_KARRAS;
    }
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(plain, aliases[i][0]) == 0)
            strcpy(plain, aliases[i][1]);
    if (!engine_sampler_from_name(plain, &request->sampler))
        snprintf(reader->recipe->note, sizeof reader->recipe->note,
                 "The sampler \"%s\" is not known here.", plain);
}

/* "models/dreamshaper.safetensors" to "dreamshaper". */
static void take_model(Reader *reader, const char *path)
{
    const char *slash = strrchr(path, '/'), *back = strrchr(path, '\\');
    const char *name = slash > back ? slash + 1 : back ? back + 1 : slash ? slash + 1 : path;
    char       *own = (char *)(size_t)store(reader, name), *ending = strstr(own, ".safetensors");
    if (ending)
        *ending = '\0';
    reader->recipe->model = own;
}

/* ---- ComfyUI ------------------------------------------------------------------------------------- */

/* Its `prompt` is what was run: {"3": {"class_type": "KSampler", "inputs": {"seed": 1, "positive":
 * ["6", 0], …}}, …}.  A link is the number of a node and which of its outputs. */

static const Json *inputs_of(const Json *node)
{
    return json_member(node, "inputs");
}

static const Json *linked_node(const Reader *reader, const Json *link)
{
    const char *number = json_is_array(link) ? json_string(json_first(link)) : NULL;
    return number ? json_member(reader->root, number) : NULL;
}

/* The first value called `name`, link or not, of a node or of those that it is made from, the near ones
 * first; links called positive and negative are not followed. */
static const Json *find_input(const Reader *reader, const Json *node, const char *name, bool links)
{
    const Json *queue[MOST_NODES];
    int         count = 0;
    queue[count++] = node;
    for (int i = 0; i < count; i++) {
        const Json *found = json_member(inputs_of(queue[i]), name);
        if (found && (links || !json_is_array(found)))
            return found;
        for (const Json *input = json_first(inputs_of(queue[i])); input; input = json_next(input)) {
            const char *key = json_name(input);
            const Json *next = linked_node(reader, input);
            bool        known = !next || strcmp(key, "positive") == 0 || strcmp(key, "negative") == 0;
            for (int k = 0; k < count && !known; k++)
                known = queue[k] == next;
            if (!known && count < MOST_NODES)
                queue[count++] = next;
        }
    }
    return NULL;
}

/* A text that may stand in a node of its own. */
static const char *find_prompt(Reader *reader, const Json *sampler, const char *name)
{
    static const char *const fields[] = { "text", "text_g", "text_l", "string", "value", "prompt" };
    const Json *node = linked_node(reader, find_input(reader, sampler, name, true));
    for (size_t i = 0; node && i < sizeof fields / sizeof *fields; i++) {
        const char *text = json_string(find_input(reader, node, fields[i], false));
        if (text)
            return store(reader, text);
    }
    return "";
}

static void read_sampler_node(Reader *reader, const Json *node)
{
    Recipe     *recipe = reader->recipe;
    const Json *seed = find_input(reader, node, "seed", false);
    const char *name = json_string(find_input(reader, node, "sampler_name", false));
    const char *schedule = json_string(find_input(reader, node, "scheduler", false));
    const char *model = json_string(find_input(reader, node, "ckpt_name", false));
    take_seed(reader, seed ? seed : find_input(reader, node, "noise_seed", false));
    take_number(reader, offsetof(EngineRequest, steps), find_input(reader, node, "steps", false));
    take_number(reader, offsetof(EngineRequest, cfg), find_input(reader, node, "cfg", false));
    take_size(reader, find_input(reader, node, "width", false),
              find_input(reader, node, "height", false));
    if (find_input(reader, node, "pixels", true)) /* latents of a picture */
        recipe->has_strength = take_number(reader, offsetof(EngineRequest, strength),
                                           find_input(reader, node, "denoise", false));
    if (schedule && !engine_schedule_from_name(schedule, &recipe->request.schedule))
        snprintf(recipe->note, sizeof recipe->note, "The schedule \"%.40s\" is not known here.",
                 schedule);
    if (name)
        take_sampler(reader, name);
    if (model)
        take_model(reader, model);
    recipe->request.prompt = find_prompt(reader, node, "positive");
    recipe->request.negative_prompt = find_prompt(reader, node, "negative");
    recipe->request.noise = ENGINE_NOISE_CPU; /* whatever it runs on */
    recipe->version = "ComfyUI";
}

/* The first sampler; one that refines the result of another is reached before or after it, so one
 * whose latents come from no other sampler is better. */
static const Json *find_sampler_node(const Reader *reader)
{
    const Json *best = NULL;
    for (const Json *node = json_first(reader->root); node; node = json_next(node)) {
        const char *type = json_string(json_member(node, "class_type"));
        if (!type || !strstr(type, "Sampler") || !json_is_object(inputs_of(node)) ||
            json_member(inputs_of(node), "latent_image") == NULL)
            continue;
        const Json *latents = linked_node(reader, json_member(inputs_of(node), "latent_image"));
        const char *source = json_string(json_member(latents, "class_type"));
        if (!best || (source && strstr(source, "Empty")))
            best = node;
    }
    return best;
}

/* ---- InvokeAI ------------------------------------------------------------------------------------ */

static const char *string_or_empty(Reader *reader, const Json *item)
{
    const char *string = json_string(item);
    return string ? store(reader, string) : "";
}

/* `invokeai_metadata`, flat; or `sd-metadata` of its version 2, one level deeper. */
static bool read_invoke(Reader *reader)
{
    Recipe     *recipe = reader->recipe;
    const Json *root = reader->root, *image = json_member(root, "image");
    const Json *from = json_is_object(image) ? image : root;
    const Json *positive = json_member(root, "positive_prompt"), *prompt = json_member(from, "prompt");
    const Json *model = json_member(root, "model"), *scheduler = json_member(root, "scheduler");
    if (json_is_array(prompt))
        prompt = json_member(json_first(prompt), "prompt");
    if (!json_string(positive) && !json_string(prompt))
        return false;
    recipe->request.prompt = string_or_empty(reader, positive ? positive : prompt);
    recipe->request.negative_prompt = string_or_empty(reader, json_member(root, "negative_prompt"));
    take_seed(reader, json_member(from, "seed"));
    take_number(reader, offsetof(EngineRequest, steps), json_member(from, "steps"));
    take_number(reader, offsetof(EngineRequest, cfg), json_member(from, "cfg_scale"));
    take_number(reader, offsetof(EngineRequest, cfg_rescale),
                json_member(from, "cfg_rescale_multiplier"));
    take_size(reader, json_member(from, "width"), json_member(from, "height"));
    recipe->has_strength = take_number(reader, offsetof(EngineRequest, strength),
                                       json_member(from, "strength"));
    recipe->request.schedule = ENGINE_SCHEDULE_NORMAL;
    const char *name = json_string(scheduler ? scheduler : json_member(from, "sampler"));
    if (name)
        take_sampler(reader, name);
    name = json_string(json_member(model, "name"));
    name = name ? name : json_string(json_member(model, "model_name"));
    if (name)
        take_model(reader, name);
    recipe->request.noise = ENGINE_NOISE_CPU;
    recipe->version = "InvokeAI";
    return true;
}

bool recipe_json_is(const char *text, size_t bytes)
{
    EngineError error = { 0 };
    Json       *root = json_parse("The recipe", text, bytes, &error);
    bool        is = json_is_object(root);
    json_free(root);
    return is;
}

bool recipe_json_read(Recipe *recipe, char **storage, const char *text, size_t bytes,
                      EngineError *error)
{
    Json       *root = json_parse("The recipe", text, bytes, error);
    Reader      reader = { recipe, storage, text, bytes, root };
    const Json *sampler = root ? find_sampler_node(&reader) : NULL;
    bool        ok = root != NULL;
    if (sampler)
        read_sampler_node(&reader, sampler);
    else if (ok && !read_invoke(&reader))
        ok = fail(error, ENGINE_BAD_REQUEST,
                  "The recipe is neither ComfyUI's (no sampler is in it) nor InvokeAI's (no prompt).");
    json_free(root);
    return ok;
}
