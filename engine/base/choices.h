/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be chosen, and how each choice is called: kinds of files, samplers, schedules, noise, and
 * what the edits know.  The command line, the procedures in GIMP, records and recipes all take the
 * names from here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

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

typedef enum { ENGINE_TILE_NONE, ENGINE_TILE_X, ENGINE_TILE_Y, ENGINE_TILE_BOTH } EngineTile; /* bits */

typedef enum {
    EDIT_IMAGE_TO_IMAGE, /* all of the canvas (or the selection) changed by strength */
    EDIT_INPAINT,        /* the selection repainted */
    EDIT_OUTPAINT,       /* the canvas extended, and empty places filled */
    EDIT_INSTRUCT,       /* an instruction followed (8-channel models) */
    EDIT_TEXT_TO_IMAGE,  /* from nothing: region = whole canvas */
    EDIT_SEAMS,          /* made tileable along tile_x, tile_y: turned by half, the cross repainted,
                            turned back */
} EditMode;

/* What stands in the area before it is repainted: see edit/prefill.h.  For EDIT_BACKGROUND the
 * selection is what stays, and all the rest is repainted. */
typedef enum {
    EDIT_FILL,
    EDIT_ADD,
    EDIT_REMOVE,
    EDIT_REFINE,
    EDIT_BACKGROUND,
    EDIT_EXPAND
} EditIntent;

typedef enum {
    EDIT_BLEND,       /* the repaint fades across the selection's edge, half of it on each side */
    EDIT_KEEP_INSIDE, /* nothing outside the selection changes: it fades inside */
    EDIT_AS_DRAWN,    /* the selection's own grey tells how much each place may change */
} EditEdge;

typedef enum {
    EDIT_CONTEXT_AUTO,
    EDIT_CONTEXT_SELECTION,
    EDIT_CONTEXT_WHOLE,
    EDIT_CONTEXT_PIXELS
} EditContext;

/* ---- names --------------------------------------------------------------------------------- */

typedef struct {
    const char *name;  /* ComfyUI's where it has one: "dpmpp_2m"; NULL ends a list */
    int         value;
    const char *label; /* for people, as A1111 writes it: "DPM++ 2M"; NULL: as the name */
} Choice;

extern const Choice choices_samplers[];    /* EngineSampler */
extern const Choice choices_schedules[];   /* EngineSchedule */
extern const Choice choices_noises[];      /* EngineNoise */
extern const Choice choices_tiles[];       /* EngineTile: "none", "x", "y", "xy" */
extern const Choice choices_predictions[]; /* EnginePrediction */
extern const Choice choices_file_kinds[];  /* EngineFileKind */
extern const Choice choices_modes[];       /* EditMode */
extern const Choice choices_intents[];     /* EditIntent */
extern const Choice choices_edges[];       /* EditEdge */
extern const Choice choices_contexts[];    /* EditContext */

/* "" for a value that is not in the list. */
const char *choice_name(const Choice *choices, int value);
const char *choice_label(const Choice *choices, int value);
/* By name or label, in any case of letters; false leaves *value alone. */
bool choice_find(const Choice *choices, const char *name, int *value);
/* "gpu, cpu", cut to size. */
void choice_list(char *out, size_t size, const Choice *choices);

const char *engine_sampler_name(EngineSampler sampler);
const char *engine_sampler_label(EngineSampler sampler);
bool        engine_sampler_from_name(const char *name, EngineSampler *sampler);
const char *engine_schedule_name(EngineSchedule schedule);
const char *engine_schedule_label(EngineSchedule schedule);
bool        engine_schedule_from_name(const char *name, EngineSchedule *schedule);
