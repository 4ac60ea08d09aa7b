/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samplers and schedules by name: ComfyUI's for command lines, A1111's labels for people. */
#include "choices.h"

typedef struct {
    const char *name, *label;
} Names;

static const Names samplers[ENGINE_SAMPLER_COUNT] = {
    [ENGINE_EULER] = { "euler", "Euler" },
    [ENGINE_EULER_A] = { "euler_a", "Euler a" },
    [ENGINE_HEUN] = { "heun", "Heun" },
    [ENGINE_DPM2] = { "dpm2", "DPM2" },
    [ENGINE_DPMPP_2M] = { "dpmpp_2m", "DPM++ 2M" },
    [ENGINE_DPMPP_2M_SDE] = { "dpmpp_2m_sde", "DPM++ 2M SDE" },
    [ENGINE_DPMPP_SDE] = { "dpmpp_sde", "DPM++ SDE" },
    [ENGINE_UNIPC] = { "unipc", "UniPC" },
    [ENGINE_DDIM] = { "ddim", "DDIM" },
    [ENGINE_LCM] = { "lcm", "LCM" },
};

static const Names schedules[ENGINE_SCHEDULE_COUNT] = {
    [ENGINE_SCHEDULE_NORMAL] = { "normal", "Normal" },
    [ENGINE_SCHEDULE_KARRAS] = { "karras", "Karras" },
    [ENGINE_SCHEDULE_EXPONENTIAL] = { "exponential", "Exponential" },
    [ENGINE_SCHEDULE_SIMPLE] = { "simple", "Simple" },
    [ENGINE_SCHEDULE_SGM_UNIFORM] = { "sgm_uniform", "SGM Uniform" },
    [ENGINE_SCHEDULE_DDIM_UNIFORM] = { "ddim_uniform", "DDIM" },
    [ENGINE_SCHEDULE_BETA] = { "beta", "Beta" },
};

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

static int find(const Names *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (same(names[i].name, name) || same(names[i].label, name))
            return i;
    return -1;
}

const char *engine_sampler_name(EngineSampler sampler)
{
    return samplers[sampler].name;
}

const char *engine_sampler_label(EngineSampler sampler)
{
    return samplers[sampler].label;
}

bool engine_sampler_from_name(const char *name, EngineSampler *sampler)
{
    int i = find(samplers, ENGINE_SAMPLER_COUNT, name);
    if (i >= 0)
        *sampler = (EngineSampler)i;
    return i >= 0;
}

const char *engine_schedule_name(EngineSchedule schedule)
{
    return schedules[schedule].name;
}

const char *engine_schedule_label(EngineSchedule schedule)
{
    return schedules[schedule].label;
}

bool engine_schedule_from_name(const char *name, EngineSchedule *schedule)
{
    int i = find(schedules, ENGINE_SCHEDULE_COUNT, name);
    if (i >= 0)
        *schedule = (EngineSchedule)i;
    return i >= 0;
}
