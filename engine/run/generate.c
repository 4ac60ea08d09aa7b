/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generate.h"

#include "../compute/dry.h"
#include "../files/map.h"
#include "../sample/denoise.h"
#include "conditioning.h"
#include "engine_parts.h"
#include "latents.h"
#include "machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One request under way.  Everything in latents lives in the arena's low end. */
typedef struct {
    Engine              *engine;
    const EngineRequest *request;
    EngineError         *error;
    Compute              compute;

    Conditioning text, empty; /* prompt and negative prompt */
    double       sigmas[SCHEDULE_MAX_SIGMAS];
    int          first, steps; /* the sigmas that run: [first, first + steps] */
    int          h, w;         /* of the latents */
    Tensor       noise, latents, source, mask, extra;
    Tensor       labels;       /* [1, 1, 3, adm_width], of one evaluation; n 0: none */
    EnginePicture preview;     /* pixels from the heap, in a real run */
    bool         has_preview;

    double       total_flops;   /* of all that will be done; 0 in a dry run */
    double       picture_flops; /* of one picture */
    double       decode_flops;  /* of these */
    double       started;
    EngineStage  stage;
    int          step, image;
    double       fraction;
    double       from_fraction, from_flops; /* where less was left to do than before; or 0, 0 */

    bool   enough;     /* request->enough() has said so */
    bool   predicting; /* the U-Net runs: what is broken off when there is enough */
    bool   broken_off; /* `stop` ends the step and not the run */
    double done_flops; /* until then: layers that return early count all the same */
} Generate;

/* ---- progress ---------------------------------------------------------------------------- */

static double fraction_now(const Generate *run)
{
    double done = run->compute.flops - run->from_flops, all = run->total_flops - run->from_flops;
    double fraction = run->from_fraction + (1 - run->from_fraction) * (all > 0 ? done / all : 0);
    return fmin(1, fmax(run->fraction, fraction));
}

/* What is left to do takes all that is left of the bar. */
static void shorten(Generate *run, double flops_left)
{
    run->from_fraction = run->fraction;
    run->from_flops = run->compute.flops;
    run->total_flops = run->compute.flops + fmax(0, flops_left);
}

static bool report(Generate *run, const EnginePicture *preview)
{
    const EngineRequest *request = run->request;
    run->fraction = fraction_now(run);
    double elapsed = machine_seconds() - run->started;
    double rest = fmax(0, run->total_flops - run->compute.flops);
    EngineProgress now = {
        .stage = run->stage,
        .step = run->step,
        .steps = run->steps,
        .image = run->image,
        .count = request->count,
        .fraction = run->fraction,
        .seconds_left = run->fraction > 0.02 && elapsed > 0.2
                            ? elapsed * rest / run->compute.flops
                            : -1,
        .preview = preview,
    };
    if (request->progress && !request->progress(request->user, &now)) {
        atomic_store(run->compute.stop, true);
        return false;
    }
    if (!run->enough && request->enough && request->enough(request->user)) {
        run->enough = true;
        shorten(run, rest - run->picture_flops * (request->count - 1 - run->image));
    }
    return true;
}

/* From within the layers. */
static bool on_poll(void *user)
{
    Generate *run = user;
    if (compute_stopped(&run->compute) || !report(run, NULL))
        return false;
    run->broken_off = run->enough && run->predicting && run->step > 0;
    run->done_flops = run->compute.flops;
    return !run->broken_off;
}

/* Between two steps, and when one was broken off, which is undone here. */
static bool has_enough(void *user)
{
    Generate *run = user;
    if (run->broken_off) {
        run->broken_off = false;
        run->compute.flops = run->done_flops;
        atomic_store(run->compute.stop, false);
    }
    if (!run->enough || compute_stopped(&run->compute))
        return false;
    shorten(run, run->decode_flops);
    return true;
}

static bool cancelled(Generate *run)
{
    if (!compute_stopped(&run->compute))
        return false;
    fail(run->error, ENGINE_CANCELLED, "The run was stopped.");
    return true;
}

typedef struct {
    const EngineRequest *request;
    const char          *name;
    int                  rank, shape[4];
} Observation;

static void show(void *user, const float *host)
{
    const Observation *seen = user;
    seen->request->observe(seen->request->user, seen->name, host, seen->rank, seen->shape);
}

static void observe_tensor(Generate *run, const char *name, Tensor x)
{
    if (run->request->observe)
        read_by(&run->compute, x, show,
                &(Observation){ run->request, name, 4, { x.n, x.c, x.h, x.w } });
}

static void observe_text(Generate *run, const char *name, Tensor x)
{
    if (run->request->observe)
        read_by(&run->compute, x, show, &(Observation){ run->request, name, 3, { 1, x.h, x.w } });
}

/* ---- text -------------------------------------------------------------------------------- */

static bool parse_text(Generate *run)
{
    const EngineRequest *request = run->request;
    Engine              *engine = run->engine;
    return conditioning_parse(&run->text, engine->tokenizer, &engine->config, request->prompt,
                              run->steps, false, run->error) &&
           conditioning_parse(&run->empty, engine->tokenizer, &engine->config,
                              request->negative_prompt, run->steps, true, run->error);
}

/* Layers earlier than as trained, for a clip skip that counts from the last layer. */
static int earlier_layers(const Generate *run)
{
    const ModelConfig *config = &run->engine->config;
    int                skip = run->request->clip_skip + config->text[0].output_layer;
    for (int i = 0; i < config->text_count; i++) { /* of the shallowest encoder one layer stays */
        int most = config->text[i].layers + config->text[i].output_layer;
        skip = skip < most ? skip : most;
    }
    return skip < 0 ? 0 : skip;
}

/* A network that takes the scale as a number needs no negative prompt beside it. */
static float guidance(const Generate *run)
{
    return run->engine->can.guidance ? 1 : run->request->cfg;
}

static bool encode_text(Generate *run)
{
    const EngineRequest *request = run->request;
    const ModelConfig   *config = &run->engine->config;
    int                  skip = earlier_layers(run);
    run->stage = ENGINE_STAGE_TEXT;
    conditioning_encode(&run->compute, &run->text, config, run->engine->text, skip, request->width,
                        request->height);
    if (guidance(run) != 1 || run->engine->can.instruction)
        conditioning_encode(&run->compute, &run->empty, config, run->engine->text, skip,
                            request->width, request->height);
    else
        run->empty.parts[0].context = run->text.parts[0].context;
    if (cancelled(run))
        return false;
    Tensor text = run->text.parts[0].context, empty = run->empty.parts[0].context;
    if (!all_finite(&run->compute, text) || !all_finite(&run->compute, empty))
        return fail(run->error, ENGINE_BAD_FILE,
                    "%s: its text encoder computes numbers that are not finite; the file is "
                    "damaged or was converted wrongly.",
                    run->engine->path);
    observe_text(run, "cond", text);
    if (guidance(run) != 1)
        observe_text(run, "uncond", empty);
    return true;
}

/* ---- pictures to latents ------------------------------------------------------------------ */

static Tensor new_latents(Generate *run, int channels)
{
    return tensor_new(&run->compute, ARENA_LOW, 1, channels, run->h, run->w);
}

static void encode(Generate *run, Tensor latents, const EnginePicture *picture,
                   const LatentsHole *hole, float scale)
{
    latents_encode(&run->compute, latents, run->engine->vae, picture, hole, scale,
                   run->request->tile_x, run->request->tile_y);
}

/* The mask of a 9-channel model and the latents of what is around the hole. */
static void prepare_inpaint(Generate *run)
{
    const EngineRequest *request = run->request;
    const EnginePicture *known = request->known ? request->known : request->source;
    LatentsHole          hole = { request->hole, false };
    if (!request->hole)
        hole = (LatentsHole){ request->mask, true };
    if (!known) /* without a picture there is nothing around: all is to be filled */
        hole.picture = NULL;
    run->extra = new_latents(run, 1 + run->engine->config.vae.z_channels);
    latents_hole(&run->compute, tensor_channels(run->extra, 0, 1), &hole, run->engine->factor);
    encode(run, tensor_channels(run->extra, 1, run->extra.c - 1), known, &hole,
           run->engine->config.vae.scale_factor);
}

static bool encode_pictures(Generate *run)
{
    const EngineRequest *request = run->request;
    const ModelConfig   *config = &run->engine->config;
    int                  z = config->vae.z_channels;
    const DenoiserCapabilities *can = &run->engine->can;
    run->stage = ENGINE_STAGE_ENCODE;
    run->extra = run->source = run->mask = (Tensor){ 0 }; /* n 0: not there */
    if (can->hole)
        prepare_inpaint(run);
    if (can->instruction) { /* the mode, not scaled */
        run->extra = new_latents(run, z);
        encode(run, run->extra, request->source, NULL, 1);
    }
    bool from_source = request->source && (!can->instruction || request->mask);
    if (from_source) {
        run->source = new_latents(run, z);
        encode(run, run->source, request->source, NULL, config->vae.scale_factor);
    }
    if (from_source && request->mask) {
        run->mask = new_latents(run, 1);
        latents_mask(&run->compute, run->mask, request->mask, run->engine->factor, can->hole);
    }
    if (cancelled(run))
        return false;
    if (from_source && !all_finite(&run->compute, run->source))
        return fail(run->error, ENGINE_BAD_FILE,
                    "%s: its VAE computes numbers that are not finite from the picture; use another "
                    "VAE.",
                    run->engine->path);
    return true;
}

/* ---- sampling ---------------------------------------------------------------------------- */

static void predict(void *user, Compute *compute, Tensor out, Tensor in, const float *times,
                    const DenoisePrompt *prompts, int step)
{
    Generate *run = user;
    Tensor    contexts[3], labels = { 0 };
    for (int i = 0; i < in.n; i++) {
        const Conditioning *which = prompts[i] == DENOISE_POSITIVE ? &run->text : &run->empty;
        const ConditioningPart *part = conditioning_at_step(which, step);
        contexts[i] = part->context;
        if (run->labels.n)
            copy(compute, tensor_rows(run->labels, i, 1), part->labels);
    }
    if (run->labels.n)
        labels = tensor_rows(run->labels, 0, in.n);
    run->predicting = true;
    DenoiserInput input = { in, times, contexts, labels, run->request->cfg, run->request->tile_x,
                            run->request->tile_y };
    denoiser_predict(compute, run->engine->denoiser, out, &input);
    run->predicting = false;
}

static void take_preview(void *user, const float *host)
{
    EnginePicture *preview = user;
    size_t         plane = (size_t)preview->height * (size_t)preview->width;
    for (size_t i = 0; i < plane; i++)
        for (size_t c = 0; c < 3; c++)
            preview->pixels[3 * i + c] = fminf(1, fmaxf(0, 0.5f + 0.5f * host[c * plane + i]));
}

static void make_preview(Generate *run, Tensor latents)
{
    Compute *compute = &run->compute;
    if (!run->engine->taesd || !taesd_can_decode(run->engine->taesd)) {
        preview_apply(compute, &run->engine->preview, &run->preview, latents);
        return;
    }
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    planes =
        tensor_new(compute, ARENA_LOW, 1, 3, run->preview.height, run->preview.width);
    taesd_decode(compute, run->engine->taesd, planes, latents);
    read_by(compute, planes, take_preview, &run->preview);
    arena_rewind(compute->scratch, mark);
}

static bool on_step(void *user, int step, Tensor latents, Tensor estimate)
{
    Generate *run = user;
    bool      shown = estimate.n > 0 && run->request->want_preview;
    run->step = step;
    if (compute_dry(&run->compute)) {
        if (shown)
            make_preview(run, estimate);
        return true;
    }
    char name[32];
    snprintf(name, sizeof name, "latents.%d", step);
    observe_tensor(run, name, latents);
    if (!all_finite(&run->compute, latents))
        return fail(run->error, ENGINE_BAD_FILE,
                    "%s: step %d of %d gave numbers that are not finite; the model is damaged, or "
                    "its prediction type (epsilon, v) is not the one it was run with.",
                    run->engine->path, step, run->steps);
    if (shown)
        make_preview(run, estimate);
    return !compute_stopped(&run->compute) && report(run, shown ? &run->preview : NULL);
}

static bool sample(Generate *run, int image)
{
    const EngineRequest *request = run->request;
    Noise                noise;
    noise_init(&noise, request->noise, request->seed + (uint64_t)image);
    run->stage = ENGINE_STAGE_SAMPLE;
    run->step = 0;
    run->image = image;
    noise_upload(&run->compute, run->noise, &noise);
    observe_tensor(run, "noise", run->noise);
    DenoiseRun denoising = {
        .levels = &run->engine->levels,
        .sampler = request->sampler,
        .sigmas = run->sigmas + run->first,
        .steps = run->steps,
        .request = request,
        .told = run->engine->can.guidance,
        .instruct = run->engine->can.instruction,
        .random = &noise,
        .noise = run->noise,
        .source = run->source,
        .from_source = run->source.n > 0 && !(request->source_noise_only && run->first == 0),
        .mask = run->mask,
        .concat = run->extra,
        .predict = predict,
        .report = on_step,
        .enough = has_enough,
        .user = run,
    };
    bool ok = denoise(&run->compute, run->latents, &denoising);
    ok = !cancelled(run) && ok;
    if (ok && run->step < run->steps)
        observe_tensor(run, "kept", run->latents);
    return ok;
}

static bool decode(Generate *run, EnginePicture *out)
{
    const EngineRequest *request = run->request;
    ArenaMark            mark = arena_mark(run->compute.scratch);
    run->stage = ENGINE_STAGE_DECODE;
    Tensor picture = tensor_new(&run->compute, ARENA_LOW, 1, 3, request->height, request->width);
    latents_decode(&run->compute, picture, run->engine->vae, run->latents,
                   run->engine->config.vae.scale_factor, request->tile_x, request->tile_y);
    bool ok = !cancelled(run);
    if (ok && !compute_dry(&run->compute)) {
        observe_tensor(run, "picture", picture);
        ok = all_finite(&run->compute, picture) ||
             fail(run->error, ENGINE_BAD_FILE,
                  "%s: its VAE gave numbers that are not finite; use another VAE (--vae).",
                  run->engine->path);
        ok = ok && latents_to_picture(&run->compute, out, picture, run->error);
    }
    arena_rewind(run->compute.scratch, mark);
    return ok;
}

/* ---- the whole --------------------------------------------------------------------------- */

/* Memory that lives through all pictures, then the stages that they share. */
static bool prepare(Generate *run)
{
    const ModelConfig *config = &run->engine->config;
    int                z = config->vae.z_channels, labels = run->engine->can.label_width;
    run->noise = new_latents(run, z);
    run->latents = new_latents(run, z);
    run->labels = (Tensor){ 0 };
    if (labels)
        run->labels = tensor_new(&run->compute, ARENA_LOW, 1, 1, 3, labels);
    if (run->request->want_preview) {
        bool full = run->engine->taesd && taesd_can_decode(run->engine->taesd);
        int  scale = full ? run->engine->factor : 1;
        run->preview = (EnginePicture){ run->w * scale, run->h * scale, 3, run->preview.pixels };
        if (!full && (run->engine->preview.channels == 0 || compute_dry(&run->compute)))
            preview_fit(&run->compute, &run->engine->preview, run->engine->vae, &config->vae);
    }
    return encode_text(run) && encode_pictures(run);
}

static bool begin(Generate *run, Engine *engine, const EngineRequest *request, EngineError *error)
{
    int layout = request->steps, first = 0;
    *run = (Generate){ .engine = engine, .request = request, .error = error };
    run->compute = session_compute(engine->session);
    run->h = request->height / engine->factor;
    run->w = request->width / engine->factor;
    if (request->source && (!engine->can.instruction || request->mask))
        schedule_strength(request->steps, request->strength, &layout, &first);
    int count = schedule_fill(run->sigmas, request->schedule, &engine->levels, layout);
    run->first = first < count ? first : count - 1;
    run->steps = count - run->first;
    return parse_text(run);
}

static void finish(Generate *run)
{
    conditioning_clear(&run->text);
    conditioning_clear(&run->empty);
    free(run->preview.pixels);
}

/* Rehearses every stage once. */
static bool dry_run(Generate *run, GenerateCost *cost)
{
    Dry   rehearsal;
    Arena dry;
    dry_init(&rehearsal, run->engine->session->device);
    arena_init(&dry, &rehearsal.device, 0);
    run->compute.scratch = &dry;
    run->compute.flops = 0;
    if (!prepare(run))
        return false;
    double shared = run->compute.flops;
    sample(run, 0);
    double sampled = run->compute.flops;
    decode(run, NULL);
    run->decode_flops = run->compute.flops - sampled;
    run->picture_flops = run->compute.flops - shared;
    *cost = (GenerateCost){
        .bytes = dry.peak,
        .flops = shared + run->request->count * run->picture_flops,
    };
    run->stage = ENGINE_STAGE_TEXT;
    run->step = 0;
    return true;
}

bool generate_cost(Engine *engine, const EngineRequest *request, GenerateCost *cost,
                   EngineError *error)
{
    Generate run;
    bool     ok = begin(&run, engine, request, error) && dry_run(&run, cost);
    finish(&run);
    return ok;
}

/* The size that memory would do for: its need goes with the picture's area at most. */
static bool refuse_memory(const EngineRequest *request, size_t need, uint64_t available,
                          EngineError *error)
{
    double share = sqrt((double)available / (double)need);
    int    width = (int)(request->width * share) / 64 * 64;
    int    height = (int)(request->height * share) / 64 * 64;
    if (width < 64 || height < 64)
        return fail(error, ENGINE_OUT_OF_MEMORY,
                    "A picture of %d x %d needs %.0f MB of memory and %.0f MB are free; close other "
                    "programs.",
                    request->width, request->height, (double)need / 1e6, (double)available / 1e6);
    return fail(error, ENGINE_OUT_OF_MEMORY,
                "A picture of %d x %d needs %.0f MB of memory and %.0f MB are free; close other "
                "programs, or make it %d x %d.",
                request->width, request->height, (double)need / 1e6, (double)available / 1e6, width,
                height);
}

static bool take_memory(Generate *run, size_t bytes)
{
    uint64_t available;
    run->compute.scratch = &run->engine->session->arena;
    if (!session_reserve(run->engine->session, bytes, &available))
        return refuse_memory(run->request, bytes, available, run->error);
    size_t pixels = 3 * (size_t)run->preview.width * (size_t)run->preview.height;
    run->preview.pixels = pixels ? malloc(pixels * sizeof *run->preview.pixels) : NULL;
    return !pixels || run->preview.pixels ||
           fail(run->error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the preview.");
}

/* Strength 0 is the source itself. */
static bool return_source(const EngineRequest *request, EnginePicture *pictures, EngineError *error)
{
    size_t bytes = (size_t)request->width * (size_t)request->height * 3 * sizeof(float);
    for (int i = 0; i < request->count; i++) {
        pictures[i] = *request->source;
        pictures[i].pixels = malloc(bytes);
        if (!pictures[i].pixels)
            return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the picture.");
        memcpy(pictures[i].pixels, request->source->pixels, bytes);
        if (request->picture)
            request->picture(request->user, i, &pictures[i]);
    }
    return true;
}

static bool refuse_changed(Generate *run)
{
    return fail(run->error, ENGINE_BAD_FILE,
                "%s was changed while it was in use; run again when it is complete.",
                run->engine->path);
}

static bool run_all(Generate *run, EnginePicture *pictures)
{
    if (!report(run, NULL))
        atomic_store(run->compute.stop, true);
    if (cancelled(run) || !prepare(run))
        return false;
    ArenaMark mark = arena_mark(run->compute.scratch);
    for (int i = 0; i < run->request->count && !(i > 0 && run->enough); i++) {
        if (!sample(run, i) || !decode(run, &pictures[i]))
            return false;
        if (checkpoint_changed(run->engine->checkpoint))
            return refuse_changed(run);
        if (run->request->picture)
            run->request->picture(run->request->user, i, &pictures[i]);
        arena_rewind(run->compute.scratch, mark);
    }
    return true;
}

bool generate(Engine *engine, const EngineRequest *request, EnginePicture *pictures,
              EngineError *error)
{
    Generate     run;
    GenerateCost cost;
    if (request->source && request->strength == 0 && !engine->can.instruction)
        return return_source(request, pictures, error);
    bool ok = begin(&run, engine, request, error) && dry_run(&run, &cost) &&
              take_memory(&run, cost.bytes);
    if (ok) {
        ArenaMark mark = arena_mark(run.compute.scratch);
        run.total_flops = cost.flops;
        run.compute.flops = 0;
        run.compute.poll = on_poll;
        run.compute.poll_user = &run;
        run.started = machine_seconds();
        map_guard_begin();
        ok = run_all(&run, pictures);
        map_guard_end();
        if (!ok && error->status != ENGINE_CANCELLED && checkpoint_changed(engine->checkpoint)) {
            /* Not the numbers are to blame but what was done to the file. */
            *error = (EngineError){ 0 };
            refuse_changed(&run);
        }
        double seconds = machine_seconds() - run.started;
        /* Of a run that ends early too much is decoding, which is faster than the U-Net. */
        if (ok && !run.enough)
            session_measured(engine->session, run.compute.flops, seconds);
        arena_rewind(run.compute.scratch, mark);
    }
    if (ok && request->progress) {
        run.fraction = 1;
        report(&run, NULL);
    }
    finish(&run);
    return ok;
}
