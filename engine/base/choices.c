/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "choices.h"

#include <stdio.h>
#include <string.h>

const Choice choices_samplers[] = {
    { "euler", ENGINE_EULER, "Euler" },
    { "euler_a", ENGINE_EULER_A, "Euler a" },
    { "heun", ENGINE_HEUN, "Heun" },
    { "dpm2", ENGINE_DPM2, "DPM2" },
    { "dpmpp_2m", ENGINE_DPMPP_2M, "DPM++ 2M" },
    { "dpmpp_2m_sde", ENGINE_DPMPP_2M_SDE, "DPM++ 2M SDE" },
    { "dpmpp_sde", ENGINE_DPMPP_SDE, "DPM++ SDE" },
    { "unipc", ENGINE_UNIPC, "UniPC" },
    { "ddim", ENGINE_DDIM, "DDIM" },
    { "lcm", ENGINE_LCM, "LCM" },
    { NULL, 0, NULL },
};

const Choice choices_schedules[] = {
    { "normal", ENGINE_SCHEDULE_NORMAL, "Normal" },
    { "karras", ENGINE_SCHEDULE_KARRAS, "Karras" },
    { "exponential", ENGINE_SCHEDULE_EXPONENTIAL, "Exponential" },
    { "simple", ENGINE_SCHEDULE_SIMPLE, "Simple" },
    { "sgm_uniform", ENGINE_SCHEDULE_SGM_UNIFORM, "SGM Uniform" },
    { "ddim_uniform", ENGINE_SCHEDULE_DDIM_UNIFORM, "DDIM" },
    { "beta", ENGINE_SCHEDULE_BETA, "Beta" },
    { NULL, 0, NULL },
};

const Choice choices_noises[] = {
    { "gpu", ENGINE_NOISE_GPU, "GPU" },
    { "cpu", ENGINE_NOISE_CPU, "CPU" },
    { NULL, 0, NULL },
};

const Choice choices_tiles[] = {
    { "none", ENGINE_TILE_NONE, "False" },
    { "x", ENGINE_TILE_X, "X" },
    { "y", ENGINE_TILE_Y, "Y" },
    { "xy", ENGINE_TILE_BOTH, "True" },
    { NULL, 0, NULL },
};

const Choice choices_predictions[] = {
    { "auto", ENGINE_PREDICTION_AUTO, NULL },
    { "epsilon", ENGINE_PREDICTION_EPSILON, NULL },
    { "v", ENGINE_PREDICTION_V, NULL },
    { NULL, 0, NULL },
};

const Choice choices_file_kinds[] = {
    { "unknown", ENGINE_FILE_UNKNOWN, NULL },
    { "checkpoint", ENGINE_FILE_CHECKPOINT, NULL },
    { "incomplete", ENGINE_FILE_INCOMPLETE, "incomplete checkpoint" },
    { "unet", ENGINE_FILE_UNET, NULL },
    { "vae", ENGINE_FILE_VAE, NULL },
    { "taesd", ENGINE_FILE_TAESD, NULL },
    { "text-encoder", ENGINE_FILE_TEXT_ENCODER, "text encoder" },
    { "lora", ENGINE_FILE_LORA, NULL },
    { "controlnet", ENGINE_FILE_CONTROLNET, NULL },
    { "embedding", ENGINE_FILE_EMBEDDING, NULL },
    { "upscaler", ENGINE_FILE_UPSCALER, NULL },
    { "other", ENGINE_FILE_OTHER_MODEL, "other model" },
    { NULL, 0, NULL },
};

const Choice choices_modes[] = {
    { "text-to-image", EDIT_TEXT_TO_IMAGE, NULL },
    { "image-to-image", EDIT_IMAGE_TO_IMAGE, NULL },
    { "inpaint", EDIT_INPAINT, NULL },
    { "outpaint", EDIT_OUTPAINT, NULL },
    { "instruct", EDIT_INSTRUCT, NULL },
    { "seams", EDIT_SEAMS, NULL },
    { NULL, 0, NULL },
};

const Choice choices_intents[] = {
    { "fill", EDIT_FILL, NULL },
    { "add", EDIT_ADD, NULL },
    { "remove", EDIT_REMOVE, NULL },
    { "refine", EDIT_REFINE, NULL },
    { "background", EDIT_BACKGROUND, NULL },
    { "expand", EDIT_EXPAND, NULL },
    { NULL, 0, NULL },
};

const Choice choices_edges[] = {
    { "blend", EDIT_BLEND, NULL },
    { "keep-inside", EDIT_KEEP_INSIDE, NULL },
    { "as-drawn", EDIT_AS_DRAWN, NULL },
    { NULL, 0, NULL },
};

const Choice choices_contexts[] = {
    { "auto", EDIT_CONTEXT_AUTO, NULL },
    { "selection", EDIT_CONTEXT_SELECTION, NULL },
    { "whole", EDIT_CONTEXT_WHOLE, NULL },
    { "pixels", EDIT_CONTEXT_PIXELS, NULL },
    { NULL, 0, NULL },
};

/* ---- looking up ------------------------------------------------------------------------------ */

static const Choice *choice_of(const Choice *choices, int value)
{
    while (choices->name && choices->value != value)
        choices++;
    return choices;
}

const char *choice_name(const Choice *choices, int value)
{
    const Choice *choice = choice_of(choices, value);
    return choice->name ? choice->name : "";
}

const char *choice_label(const Choice *choices, int value)
{
    const Choice *choice = choice_of(choices, value);
    return choice->label ? choice->label : choice->name ? choice->name : "";
}

/* Like strcasecmp(), but the same in every locale. */
static bool same(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;
        if (x != y)
            return false;
    }
    return *a == *b;
}

bool choice_find(const Choice *choices, const char *name, int *value)
{
    for (; choices->name; choices++)
        if (same(choices->name, name) || (choices->label && same(choices->label, name))) {
            *value = choices->value;
            return true;
        }
    return false;
}

void choice_list(char *out, size_t size, const Choice *choices)
{
    const char *comma = "";
    *out = '\0';
    for (; choices->name; choices++, comma = ", ") {
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s%s", comma, choices->name);
    }
}

const char *engine_sampler_name(EngineSampler sampler)
{
    return choice_name(choices_samplers, (int)sampler);
}

const char *engine_sampler_label(EngineSampler sampler)
{
    return choice_label(choices_samplers, (int)sampler);
}

bool engine_sampler_from_name(const char *name, EngineSampler *sampler)
{
    int  value = 0;
    bool found = choice_find(choices_samplers, name, &value);
    if (found)
        *sampler = (EngineSampler)value;
    return found;
}

const char *engine_schedule_name(EngineSchedule schedule)
{
    return choice_name(choices_schedules, (int)schedule);
}

const char *engine_schedule_label(EngineSchedule schedule)
{
    return choice_label(choices_schedules, (int)schedule);
}

bool engine_schedule_from_name(const char *name, EngineSchedule *schedule)
{
    int  value = 0;
    bool found = choice_find(choices_schedules, name, &value);
    if (found)
        *schedule = (EngineSchedule)value;
    return found;
}
