/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../request_settings.h"

#include "../base/number.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIELD(name) offsetof(EngineRequest, name)

const RequestSetting request_settings[REQUEST_SETTING_COUNT] = {
    { .option = "steps", .noun = "number of steps", .key = "Steps", .always = true,
      .type = REQUEST_WHOLE, .offset = FIELD(steps), .least = 1, .most = 1000, .usual = 20,
      .group = REQUEST_HOW, .argument = "N" },
    { .option = "sampler", .noun = "sampler", .key = "Sampler", .always = true,
      .type = REQUEST_CHOICE, .offset = FIELD(sampler), .choices = choices_samplers,
      .least = 0, .most = ENGINE_SAMPLER_COUNT - 1, .usual = ENGINE_DPMPP_2M,
      .group = REQUEST_HOW, .argument = "NAME" },
    { .option = "schedule", .noun = "schedule", .key = "Schedule type", .always = true,
      .type = REQUEST_CHOICE, .offset = FIELD(schedule), .choices = choices_schedules,
      .least = 0, .most = ENGINE_SCHEDULE_COUNT - 1, .usual = ENGINE_SCHEDULE_KARRAS,
      .group = REQUEST_HOW, .argument = "NAME" },
    { .option = "cfg", .noun = "guidance scale", .key = "CFG scale", .always = true,
      .type = REQUEST_NUMBER, .offset = FIELD(cfg), .least = -100, .most = 100, .usual = 7,
      .group = REQUEST_HOW, .argument = "X",
      .help = "guidance scale; 1 leaves the negative prompt out, below 0 leads away from the prompt" },
    { .option = "seed", .noun = "seed", .key = "Seed", .always = true,
      .type = REQUEST_SEED, .offset = FIELD(seed), .least = 0, .most = 18446744073709551615.0,
      .group = REQUEST_MAKE, .argument = "N",
      .help = "default random (it is printed); picture i has seed N + i - 1" },
    { .option = "count", .noun = "number of pictures",
      .type = REQUEST_WHOLE, .offset = FIELD(count), .least = 1, .most = 64, .usual = 1,
      .group = REQUEST_MAKE, .argument = "N", .help = "pictures to make" },
    { .option = "width", .noun = "width",
      .type = REQUEST_WHOLE, .offset = FIELD(width), .least = 64, .most = 16384, .usual = 512,
      .group = REQUEST_SIZE, .argument = "N",
      .help = "pixels, a multiple of 8; default the model's own" },
    { .option = "height", .noun = "height",
      .type = REQUEST_WHOLE, .offset = FIELD(height), .least = 64, .most = 16384, .usual = 512,
      .group = REQUEST_SIZE, .argument = "N",
      .help = "the same, default the model's own" },
    { .option = "strength", .noun = "denoising strength", .key = "Denoising strength",
      .type = REQUEST_NUMBER, .offset = FIELD(strength), .least = 0, .most = 1, .usual = 0.75,
      .group = REQUEST_PICTURE, .argument = "X",
      .help = "0 keeps the picture, 1 makes it new; default what the command is mostly used with" },
    { .option = "image-cfg", .noun = "image guidance scale", .key = "Image CFG scale",
      .type = REQUEST_NUMBER, .offset = FIELD(image_cfg), .least = 0, .most = 100, .usual = 1.5,
      .group = REQUEST_INSTRUCT, .argument = "X",
      .help = "how closely the picture is kept" },
    { .option = "clip-skip", .noun = "clip skip", .key = "Clip skip",
      .type = REQUEST_WHOLE, .offset = FIELD(clip_skip), .least = 0, .most = 100, .usual = 0,
      .group = REQUEST_HOW, .argument = "N",
      .help = "1 the text encoder's last layer, 2 the one before …; 0 as the model was trained" },
    { .option = "cfg-rescale", .noun = "guidance rescale", .key = "CFG rescale",
      .type = REQUEST_NUMBER, .offset = FIELD(cfg_rescale), .least = 0, .most = 1, .usual = 0,
      .group = REQUEST_HOW, .argument = "X",
      .help = "takes overexposure out of strong guidance" },
    { .option = "guidance-start", .noun = "start of the guidance", .key = "Skip Early CFG",
      .type = REQUEST_NUMBER, .offset = FIELD(guidance_start), .least = 0, .most = 1, .usual = 0,
      .group = REQUEST_HOW, .argument = "X",
      .help = "share of the steps that go by before guidance begins, at half their time" },
    { .option = "guidance-end", .noun = "end of the guidance", .key = "CFG end",
      .type = REQUEST_NUMBER, .offset = FIELD(guidance_end), .least = 0, .most = 1, .usual = 1,
      .group = REQUEST_HOW, .argument = "X",
      .help = "share of the steps after which guidance ends" },
    { .option = "noise", .noun = "kind of noise", .key = "RNG",
      .type = REQUEST_CHOICE, .offset = FIELD(noise), .choices = choices_noises,
      .least = ENGINE_NOISE_GPU, .most = ENGINE_NOISE_CPU, .usual = ENGINE_NOISE_GPU,
      .group = REQUEST_HOW, .argument = "NAME",
      .help = "where A1111 would have made its noise" },
    { .option = "tile", .noun = "tiling", .key = "Tiling",
      .type = REQUEST_TILES, .offset = FIELD(tile_x), .choices = choices_tiles,
      .least = ENGINE_TILE_NONE, .most = ENGINE_TILE_BOTH, .usual = ENGINE_TILE_NONE,
      .group = REQUEST_HOW, .argument = "NAME",
      .help = "opposite edges fit together" },
};

_Static_assert(sizeof(EngineSampler) == sizeof(int), "choices are read and written as int");
_Static_assert(FIELD(tile_y) == FIELD(tile_x) + sizeof(bool), "REQUEST_TILES wants them in a row");

const RequestSetting *request_setting_of(size_t offset)
{
    const RequestSetting *setting = request_settings;
    while (setting->offset != offset)
        setting++;
    return setting;
}

/* ---- values -------------------------------------------------------------------------------- */

double request_setting_get(const EngineRequest *request, const RequestSetting *setting)
{
    const char *field = (const char *)request + setting->offset;
    uint64_t    seed;
    float       number;
    int         whole;
    switch (setting->type) {
    case REQUEST_SEED: memcpy(&seed, field, sizeof seed); return (double)seed;
    case REQUEST_NUMBER: memcpy(&number, field, sizeof number); return (double)number;
    case REQUEST_TILES: return request->tile_x | request->tile_y << 1;
    default: memcpy(&whole, field, sizeof whole); return whole;
    }
}

void request_setting_set(EngineRequest *request, const RequestSetting *setting, double value)
{
    char    *field = (char *)request + setting->offset;
    float    number = (float)value;
    /* What no integer can hold (NaN is such a value of a number) has no place in one. */
    uint64_t seed = value >= 0 && value < 0x1p64 ? (uint64_t)value : 0;
    int      whole = value >= INT_MIN && value <= INT_MAX ? (int)value : 0;
    switch (setting->type) {
    case REQUEST_SEED: memcpy(field, &seed, sizeof seed); break;
    case REQUEST_NUMBER: memcpy(field, &number, sizeof number); break;
    case REQUEST_TILES:
        request->tile_x = whole & ENGINE_TILE_X;
        request->tile_y = whole & ENGINE_TILE_Y;
        break;
    default: memcpy(field, &whole, sizeof whole); break;
    }
}

void request_setting_copy(EngineRequest *to, const EngineRequest *from,
                          const RequestSetting *setting)
{
    static const size_t sizes[] = { [REQUEST_WHOLE] = sizeof(int),
                                    [REQUEST_SEED] = sizeof(uint64_t),
                                    [REQUEST_NUMBER] = sizeof(float),
                                    [REQUEST_CHOICE] = sizeof(int),
                                    [REQUEST_TILES] = 2 * sizeof(bool) };
    memcpy((char *)to + setting->offset, (const char *)from + setting->offset,
           sizes[setting->type]);
}

bool request_setting_is_usual(const EngineRequest *request, const RequestSetting *setting)
{
    return (float)request_setting_get(request, setting) == (float)setting->usual;
}

/* ---- text ------------------------------------------------------------------------------------ */

static bool read_choice(const RequestSetting *setting, const char *text, size_t bytes, double *value)
{
    char name[64];
    int  choice = 0;
    if (bytes >= sizeof name)
        return false;
    memcpy(name, text, bytes);
    name[bytes] = '\0';
    if (!choice_find(setting->choices, name, &choice))
        return false;
    *value = choice;
    return true;
}

bool request_setting_read(EngineRequest *request, const RequestSetting *setting, const char *text,
                          size_t bytes)
{
    uint64_t whole;
    double   value = 0;
    switch (setting->type) {
    case REQUEST_SEED:
        if (!number_parse_whole(text, bytes, &whole))
            return false;
        memcpy((char *)request + setting->offset, &whole, sizeof whole);
        return true;
    case REQUEST_WHOLE:
        if (!number_parse_whole(text, bytes, &whole))
            return false;
        value = (double)whole;
        break;
    case REQUEST_NUMBER:
        if (!number_parse(text, bytes, &value))
            return false;
        break;
    case REQUEST_CHOICE:
    case REQUEST_TILES:
        if (!read_choice(setting, text, bytes, &value))
            return false;
        break;
    }
    if (value < setting->least || value > setting->most)
        return false;
    request_setting_set(request, setting, value);
    return true;
}

void request_setting_write(char *out, size_t size, const EngineRequest *request,
                           const RequestSetting *setting, bool names)
{
    double value = request_setting_get(request, setting);
    char   number[32];
    switch (setting->type) {
    case REQUEST_SEED: snprintf(out, size, "%" PRIu64, request->seed); break;
    case REQUEST_WHOLE: snprintf(out, size, "%d", (int)value); break;
    case REQUEST_NUMBER:
        number_format(number, value);
        snprintf(out, size, "%s", number);
        break;
    case REQUEST_CHOICE:
    case REQUEST_TILES:
        snprintf(out, size, "%s",
                 names ? choice_name(setting->choices, (int)value)
                       : choice_label(setting->choices, (int)value));
        break;
    }
}

void request_setting_range(char *out, size_t size, const RequestSetting *setting)
{
    char low[32], high[32], list[256];
    number_format(low, setting->least);
    number_format(high, setting->most);
    if (setting->choices) {
        choice_list(list, sizeof list, setting->choices);
        snprintf(out, size, "one of %s", list);
    } else {
        snprintf(out, size, "%snumber from %s to %s",
                 setting->type == REQUEST_NUMBER ? "a " : "a whole ", low,
                 setting->type == REQUEST_SEED ? "18446744073709551615" : high);
    }
}

bool request_setting_check(const EngineRequest *request, const RequestSetting *setting,
                           EngineError *error)
{
    double value = request_setting_get(request, setting);
    char   range[320], got[32] = "not a number";
    if (value >= setting->least && value <= setting->most) /* false for NaN */
        return true;
    if (!isnan(value))
        number_format(got, value);
    request_setting_range(range, sizeof range, setting);
    return fail(error, ENGINE_BAD_REQUEST, "The %s is %s; it must be %s.", setting->noun, got, range);
}
