/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be chosen, and how each choice is called: kinds of files, samplers, schedules, noise. */
#pragma once

#include <stdbool.h>

typedef enum {
    ENGINE_FILE_UNKNOWN,      /* well-formed safetensors of no kind known here */
    ENGINE_FILE_CHECKPOINT,   /* U-Net, VAE and text encoder(s): can be run */
    ENGINE_FILE_INCOMPLETE,   /* a checkpoint with parts missing */
    ENGINE_FILE_UNET,         /* the U-Net alone */
    ENGINE_FILE_VAE,
    ENGINE_FILE_TAESD,
    ENGINE_FILE_TEXT_ENCODER,
    ENGINE_FILE_LORA,
    ENGINE_FILE_CONTROLNET,
    ENGINE_FILE_EMBEDDING,    /* textual inversion */
    ENGINE_FILE_UPSCALER,
    ENGINE_FILE_OTHER_MODEL,  /* Flux, SD 3, video …: named in `summary` */
} EngineFileKind;

typedef enum { ENGINE_PREDICTION_AUTO, ENGINE_PREDICTION_EPSILON, ENGINE_PREDICTION_V } EnginePrediction;

typedef enum {
    ENGINE_EULER, ENGINE_EULER_A, ENGINE_HEUN, ENGINE_DPM2, ENGINE_DPMPP_2M, ENGINE_DPMPP_2M_SDE,
    ENGINE_DPMPP_SDE, ENGINE_UNIPC, ENGINE_DDIM, ENGINE_LCM, ENGINE_SAMPLER_COUNT
} EngineSampler;

typedef enum {
    ENGINE_SCHEDULE_NORMAL, ENGINE_SCHEDULE_KARRAS, ENGINE_SCHEDULE_EXPONENTIAL,
    ENGINE_SCHEDULE_SIMPLE, ENGINE_SCHEDULE_SGM_UNIFORM, ENGINE_SCHEDULE_DDIM_UNIFORM,
    ENGINE_SCHEDULE_BETA, ENGINE_SCHEDULE_COUNT
} EngineSchedule;

typedef enum { ENGINE_NOISE_GPU, ENGINE_NOISE_CPU } EngineNoise; /* A1111's "GPU"/NV Philox; torch CPU */

/* ComfyUI's names ("dpmpp_2m", "karras") and names for people ("DPM++ 2M", "Karras"). */
const char *engine_sampler_name(EngineSampler sampler);
const char *engine_sampler_label(EngineSampler sampler);
bool        engine_sampler_from_name(const char *name, EngineSampler *sampler); /* either form, any case */
const char *engine_schedule_name(EngineSchedule schedule);
const char *engine_schedule_label(EngineSchedule schedule);
bool        engine_schedule_from_name(const char *name, EngineSchedule *schedule);
