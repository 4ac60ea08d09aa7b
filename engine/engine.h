/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stable Diffusion on the CPU: text (and a picture, and a mask) in, pictures out.
 *
 * Needs no GLib, GTK or GIMP, prints nothing and never exits.  An EngineSession is the machine, an
 * Engine a model that is open on it.  One call at a time per session, from any thread; different
 * sessions are independent: there are no globals.
 *
 *   EngineSessionOptions machine = engine_session_options_default();
 *   EngineSession *session = engine_session_create(&machine, &error);
 *   EngineOptions options = engine_options_default();
 *   Engine *engine = engine_open(session, "model.safetensors", &options, &error);
 *   EngineRequest request = engine_request_default(engine);
 *   request.prompt = "a lighthouse at dawn";
 *   EnginePicture picture = {0};
 *   if (engine_generate(engine, &request, &picture, &error)) …
 *   engine_picture_clear(&picture);
 *   engine_close(engine);
 *   engine_session_destroy(session); */
#pragma once

#include "base/choices.h"
#include "base/error.h"
#include "base/picture.h"
#include "base/request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_VERSION "0.1.0"

/* ---- what is this file? ------------------------------------------------------------------ */

typedef struct {
    EngineFileKind kind;
    bool     runnable;           /* engine_open() would succeed */
    char     family[32];         /* "SD 1.x", "SD 2.x", "SDXL", or "" */
    int      in_channels;        /* 4 base, 8 instruct, 9 inpaint; 0 where there is no U-Net */
    /* What it can do; all false where it is no model. */
    bool     takes_source;       /* can begin with a picture: its VAE has an encoder */
    bool     takes_hole;         /* sees what is around a hole: an inpainting model */
    bool     takes_instruction;  /* changes a picture as told, and makes none without one */
    bool     v_prediction;
    bool     zero_terminal_snr;
    char     prediction[16];     /* "epsilon", "v", "sample", or "" */
    bool     edm;                /* over a range of noise of its own (Karras et al. 2022) */
    bool     few_steps;          /* distilled to few: LCM, Turbo, Lightning, Hyper */
    double   sigma_min, sigma_max; /* of its noise levels, in latents of standard deviation 1; 0: no U-Net */
    int      native_width, native_height; /* pixels; 0 where it has none */
    int      size_multiple;      /* sides of a generated picture are multiples of this: 8 */
    bool     lacks_vae, lacks_text_encoder; /* a U-Net is there, and with these given it could be run */
    int            steps;        /* what this model is made for: the request's defaults, or what its
                                    file recommends in `config`: {"recommended": {"cfg": 3}} */
    EngineSampler  sampler;
    EngineSchedule schedule;
    float          cfg, image_cfg;
    char     vae[160];           /* name of the file whose VAE is taken in place of its own, or "" */
    char     precision[24];      /* "F16", "F32 + F16" … */
    uint64_t file_bytes;
    uint64_t tensor_count;
    uint64_t parameter_count;
    char     summary[160];       /* one line for people: "SD 1.x inpainting checkpoint, 512x512, F16" */
    char     reason[768];        /* why it is not runnable, with the first missing tensors; or "" */
    char     title[128];         /* modelspec.title, as claimed; or "" */
} EngineModelInfo;

/* Reads the header only: milliseconds for any size.  True for every well-formed safetensors file or
 * diffusers folder of whatever kind; false with a sentence otherwise. */
bool engine_inspect(const char *path, EngineModelInfo *info, EngineError *error);

/* The file beside `path` that holds the same model for in_channels (as in EngineModelInfo), told by its
 * name and inspected: model.safetensors, model-inpainting.safetensors, model-instruct.safetensors.
 * False where there is none that runs. */
bool engine_sibling(char *out, size_t size, const char *path, int in_channels);

/* ---- the machine ------------------------------------------------------------------------- */

/* Threads, scratch memory and the measured speed: outlives the models that are open on it, of which
 * there may be several.  They take turns. */
typedef struct EngineSession EngineSession;

typedef struct {
    int threads; /* 0: all that this process may use */
} EngineSessionOptions;

EngineSessionOptions engine_session_options_default(void);

/* NULL with a sentence on failure. */
EngineSession *engine_session_create(const EngineSessionOptions *options, EngineError *error);
/* Behind the last model's engine_close(); NULL is fine. */
void           engine_session_destroy(EngineSession *session);

/* ---- open -------------------------------------------------------------------------------- */

typedef struct Engine Engine;

typedef struct {
    const char      *vae_path;   /* NULL: NAME.vae.safetensors beside NAME.safetensors, else the
                                    checkpoint's own */
    const char      *taesd_path; /* NULL: previews by a linear fit */
    const char      *text_encoder_path; /* NULL: the checkpoint's own; or a file or folder of one, or another
                                     checkpoint's */
    EnginePrediction prediction;
    int              zero_terminal_snr; /* -1 as the file says, 0, 1 */
} EngineOptions;

EngineOptions engine_options_default(void);

/* engine_inspect() of the model with these files in place of its own: what engine_open() would open. */
bool engine_inspect_with(const char *path, const EngineOptions *options, EngineModelInfo *info,
                         EngineError *error);

/* Maps the model and checks every tensor it will use, reading none.  path is a .safetensors file or a
 * diffusers folder.  Borrows the session.  NULL with a sentence on failure. */
Engine *engine_open(EngineSession *session, const char *path, const EngineOptions *options,
                    EngineError *error);
void    engine_close(Engine *engine); /* NULL is fine */
const EngineModelInfo *engine_model(const Engine *engine);
const char *engine_model_path(const Engine *engine); /* as given to engine_open() */

/* ---- request ----------------------------------------------------------------------------- */

/* All defaults for this model: what its file recommends, else what is usual; NULL: 512 x 512. */
EngineRequest engine_request_default(const Engine *engine);
EngineRequest engine_request_for(const EngineModelInfo *model);

/* ---- estimate and run -------------------------------------------------------------------- */

typedef struct {
    uint64_t scratch_bytes; /* what will be allocated beside the finished pictures */
    uint64_t picture_bytes; /* those, all of them, where they are kept */
    uint64_t weight_bytes;  /* of the mapped file that a run touches */
    uint64_t available_bytes; /* free on this machine or in this cgroup; 0: not known */
    double   seconds;       /* on this machine, measured by a short probe of its speed */
    double   flops;
} EngineEstimate;

/* Checks the request as engine_generate() would and tells its cost; reads no weight. */
bool engine_estimate(Engine *engine, const EngineRequest *request, EngineEstimate *estimate,
                     EngineError *error);

/* pictures [request->count], filled (RGB) on success, but for those that were not begun because of
 * request->enough(); all cleared on failure.  NULL: each is gone once request->picture() has seen it.
 * Texts and source are encoded once for all of them.  On cancel error->status is ENGINE_CANCELLED,
 * also where `enough` was said before. */
bool engine_generate(Engine *engine, const EngineRequest *request, EnginePicture *pictures,
                     EngineError *error);

/* How many tokens the prompt has and how many chunks of 75 it fills (for the dialog's counter), with
 * its # comments taken out and {a|b} decided as for seed 0.  Under a millisecond, but for very long
 * prompts.  False: out of memory. */
bool engine_count_tokens(const char *prompt, int *tokens, int *chunks);
