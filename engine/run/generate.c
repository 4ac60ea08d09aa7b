/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generate.h"

#include "../compute/dry.h"
#include "../files/map.h"
#include "../sample/denoise.h"
#include "latents.h"
#include "machine.h"
#include "request.h"
#include "source.h"
#include "texts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is known of a pass before it runs. */
typedef struct {
    int    first, steps; /* of the schedule's levels those that run: [first, first + steps] */
    double encode_flops, flops, decode_flops; /* of its pictures; of sampling and decoding; of these */
    Source source;       /* of one that all pictures share: encoded for the first */
} Pass;

/* A request under way.  In the arena's low end lie what all pictures share, then one pass's own. */
typedef struct {
    Engine          *engine;
    const MakerTask *task;
    EngineError     *error;
    Reports         *reports; /* NULL in a dry run */
    Compute          compute;
    size_t           bytes; /* of scratch, exactly */
    Texts            texts;
    double           text_flops;
    Pass            *passes;
    bool             idle;    /* nothing needs a network: strength 0 */
    double           seconds; /* that the networks ran */

    /* The pass under way. */
    const EngineRequest *request;
    const Pass          *pass;
    double               sigmas[SCHEDULE_MAX_SIGMAS];
    const Conditioning  *text, *empty; /* prompt and negative prompt */
    Source               source;
    Tensor               noise, latents;
    Tensor               labels;  /* [1, 1, 3, label_width], of one evaluation; n 0: none */
    size_t               preview_count; /* numbers of the largest preview */
    EnginePicture        preview; /* pixels from the heap, for the largest pass */
    bool   predicting; /* the network runs: what is broken off when there is enough */
    bool   broken_off; /* `stop` ends the step and not the run */
    double done_flops; /* until then: layers that return early count all the same */
} Generate;

/* ---- reports ----------------------------------------------------------------------------- */

static bool report(Generate *run, const EnginePicture *preview)
{
    if (reports_tell(run->reports, run->compute.flops, preview))
        return true;
    atomic_store(run->compute.stop, true);
    return false;
}

/* From within the layers. */
static bool on_poll(void *user)
{
    Generate *run = user;
    if (compute_stopped(&run->compute) || !report(run, NULL))
        return false;
    run->broken_off = run->reports->enough && run->predicting && run->reports->step > 0;
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
    if (!run->reports->enough || compute_stopped(&run->compute))
        return false;
    reports_left(run->reports, run->compute.flops, run->pass->decode_flops);
    return true;
}

static bool cancelled(Generate *run)
{
    if (!compute_stopped(&run->compute))
        return false;
    fail(run->error, ENGINE_CANCELLED, "The run was stopped.");
    return true;
}

static void enter(Generate *run, EngineStage stage)
{
    if (run->reports)
        run->reports->stage = stage;
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
    const EngineRequest *request = run->reports ? run->reports->request : NULL;
    if (request && request->observe)
        read_by(&run->compute, x, show,
                &(Observation){ request, name, 4, { x.n, x.c, x.h, x.w } });
}

static void observe_text(Generate *run, const char *name, Tensor x)
{
    const EngineRequest *request = run->reports ? run->reports->request : NULL;
    if (request && request->observe)
        read_by(&run->compute, x, show, &(Observation){ request, name, 3, { 1, x.h, x.w } });
}

/* ---- text -------------------------------------------------------------------------------- */

/* What has no share in the guided answer is not encoded. */
static bool needs_negative(const Generate *run, const EngineRequest *request)
{
    /* A network that takes the scale as a number needs no negative prompt beside it. */
    float guidance = run->engine->can.guidance ? 1 : request->cfg;
    return guidance != 1 || run->engine->can.instruction;
}

static bool read_texts(Generate *run)
{
    const Engine *engine = run->engine;
    for (int p = 0; p < run->task->pass_count; p++)
        for (int i = 0; i < run->task->count; i++) {
            const MakerText *text = &run->task->texts[i];
            int              steps = run->passes[p].steps;
            if (!texts_add(&run->texts, engine->tokenizer, &engine->config, text->prompt, steps,
                           false, run->error))
                return false;
            if (needs_negative(run, &run->task->passes[p]) &&
                !texts_add(&run->texts, engine->tokenizer, &engine->config, text->negative, steps,
                           true, run->error))
                return false;
        }
    return true;
}

/* Layers earlier than as trained, for a clip skip that counts from the last layer. */
static int earlier_layers(const Generate *run)
{
    const ModelConfig *config = &run->engine->config;
    int                skip = run->task->passes[0].clip_skip + config->text[0].output_layer;
    for (int i = 0; i < config->text_count; i++) { /* of the shallowest encoder one layer stays */
        int most = config->text[i].layers + config->text[i].output_layer;
        skip = skip < most ? skip : most;
    }
    return skip < 0 ? 0 : skip;
}

static bool check_text(Generate *run, Text *text, const char *name)
{
    Tensor context = text->conditioning.parts[0].context;
    if (text->seen)
        return true;
    text->seen = true;
    if (!all_finite(&run->compute, context))
        return fail(run->error, ENGINE_BAD_FILE,
                    "%s: its text encoder computes numbers that are not finite; the file is "
                    "damaged or was converted wrongly.",
                    run->engine->path);
    observe_text(run, name, context);
    return true;
}

static Text *find_text(const Generate *run, const char *words, int steps, bool negative)
{
    return texts_find(&run->texts, &run->engine->config, words, steps, negative);
}

static bool encode_texts(Generate *run)
{
    enter(run, ENGINE_STAGE_TEXT);
    texts_encode(&run->compute, &run->texts, &run->engine->config, run->engine->text,
                 earlier_layers(run));
    if (cancelled(run))
        return false;
    for (int i = 0; run->reports && i < run->task->count; i++) {
        const MakerText *text = &run->task->texts[i];
        int              steps = run->passes[0].steps;
        if (!check_text(run, find_text(run, text->prompt, steps, false), "cond") ||
            (needs_negative(run, &run->task->passes[0]) &&
             !check_text(run, find_text(run, text->negative, steps, true), "uncond")))
            return false;
    }
    return true;
}

/* The picture whose texts are longest: they bound everybody's memory. */
static int longest_texts(const Generate *run)
{
    int longest = 0, most = 0;
    for (int i = 0; i < run->task->count; i++) {
        const Text *texts[2] = { NULL };
        int         steps = run->passes[0].steps;
        texts[0] = find_text(run, run->task->texts[i].prompt, steps, false);
        if (needs_negative(run, &run->task->passes[0]))
            texts[1] = find_text(run, run->task->texts[i].negative, steps, true);
        for (int t = 0; t < 2; t++)
            if (texts[t] && texts[t]->conditioning.prompts[0].parts[0].count > most) {
                most = texts[t]->conditioning.prompts[0].parts[0].count;
                longest = i;
            }
    }
    return longest;
}

static void choose_texts(Generate *run)
{
    const EngineRequest *request = run->request;
    Text *text = find_text(run, request->prompt, run->pass->steps, false), *empty = text;
    if (needs_negative(run, request))
        empty = find_text(run, request->negative_prompt, run->pass->steps, true);
    const ModelConfig *config = &run->engine->config;
    run->text = text_for_size(&run->compute, text, config, request->width, request->height);
    run->empty = text_for_size(&run->compute, empty, config, request->width, request->height);
}

/* ---- a pass ------------------------------------------------------------------------------ */

static bool encode_source(Generate *run)
{
    enter(run, ENGINE_STAGE_ENCODE);
    source_encode(&run->compute, run->engine, &run->source, run->request);
    if (cancelled(run))
        return false;
    if (run->source.latents.n && !all_finite(&run->compute, run->source.latents))
        return fail(run->error, ENGINE_BAD_FILE,
                    "%s: its VAE computes numbers that are not finite from the picture; use another "
                    "VAE.",
                    run->engine->path);
    return true;
}

static void predict(void *user, Compute *compute, Tensor out, Tensor in, const float *times,
                    const DenoisePrompt *prompts, int step)
{
    Generate *run = user;
    Tensor    contexts[3], labels = { 0 };
    for (int i = 0; i < in.n; i++) {
        const Conditioning *which = prompts[i] == DENOISE_POSITIVE ? run->text : run->empty;
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
    if (compute_dry(&run->compute)) {
        if (shown)
            make_preview(run, estimate);
        return true;
    }
    run->reports->step = step;
    char name[32];
    snprintf(name, sizeof name, "latents.%d", step);
    observe_tensor(run, name, latents);
    if (!all_finite(&run->compute, latents))
        return fail(run->error, ENGINE_BAD_FILE,
                    "%s: step %d of %d gave numbers that are not finite; the model is damaged, or "
                    "its prediction type (epsilon, v) is not the one it was run with.",
                    run->engine->path, step, run->pass->steps);
    if (shown)
        make_preview(run, estimate);
    return !compute_stopped(&run->compute) && report(run, shown ? &run->preview : NULL);
}

static bool sample(Generate *run)
{
    const EngineRequest *request = run->request;
    Noise                noise;
    noise_init(&noise, request->noise, request->seed);
    enter(run, ENGINE_STAGE_SAMPLE);
    noise_upload(&run->compute, run->noise, &noise);
    observe_tensor(run, "noise", run->noise);
    bool       start = run->source.latents.n > 0;
    DenoiseRun denoising = {
        .levels = &run->engine->levels,
        .sampler = request->sampler,
        .sigmas = run->sigmas + run->pass->first,
        .steps = run->pass->steps,
        .request = request,
        .told = run->engine->can.guidance,
        .instruct = run->engine->can.instruction,
        .random = &noise,
        .noise = run->noise,
        .source = run->source.latents,
        .from_source = start && !(request->source_noise_only && run->pass->first == 0),
        .mask = run->source.mask,
        .concat = run->source.extra,
        .predict = predict,
        .report = on_step,
        .enough = has_enough,
        .user = run,
    };
    bool ok = denoise(&run->compute, run->latents, &denoising);
    ok = !cancelled(run) && ok;
    if (ok && run->reports && run->reports->step < run->pass->steps)
        observe_tensor(run, "kept", run->latents);
    return ok;
}

static bool decode(Generate *run, EnginePicture *out)
{
    const EngineRequest *request = run->request;
    ArenaMark            mark = arena_mark(run->compute.scratch);
    enter(run, ENGINE_STAGE_DECODE);
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

/* Memory of the pass's own. */
static void take_tensors(Generate *run)
{
    const Engine *engine = run->engine;
    int           z = engine->config.vae.z_channels, labels = engine->can.label_width;
    int h = run->request->height / engine->factor, w = run->request->width / engine->factor;
    run->noise = tensor_new(&run->compute, ARENA_LOW, 1, z, h, w);
    run->latents = tensor_new(&run->compute, ARENA_LOW, 1, z, h, w);
    run->labels = (Tensor){ 0 };
    if (labels)
        run->labels = tensor_new(&run->compute, ARENA_LOW, 1, 1, 3, labels);
    if (run->request->want_preview) {
        bool full = engine->taesd && taesd_can_decode(engine->taesd);
        int  scale = full ? engine->factor : 1;
        size_t count = 3 * (size_t)(w * scale) * (size_t)(h * scale);
        run->preview = (EnginePicture){ w * scale, h * scale, 3, run->preview.pixels };
        run->preview_count = count > run->preview_count ? count : run->preview_count;
    }
}

static bool is_shared(const Generate *run, int pass)
{
    return pass < run->task->shared_passes && run->task->count > 1;
}

/* Which levels of noise run. */
static void fill_schedule(Generate *run, const EngineRequest *request, int *first, int *steps)
{
    int layout = request->steps;
    *first = 0;
    if (source_is_start(run->engine, request))
        schedule_strength(request->steps, request->strength, &layout, first);
    int count = schedule_fill(run->sigmas, request->schedule, &run->engine->levels, layout);
    *first = *first < count ? *first : count - 1;
    *steps = count - *first;
}

/* With reports->step at 0 and what all pictures share ready. */
static bool run_pass(Generate *run, int image, int pass, const EngineRequest *request,
                     EnginePicture *picture)
{
    Pass     *plan = &run->passes[pass];
    ArenaMark mark = arena_mark(run->compute.scratch);
    run->request = request;
    run->pass = plan;
    fill_schedule(run, request, &plan->first, &plan->steps);
    if (run->reports)
        run->reports->steps = plan->steps;
    choose_texts(run);
    take_tensors(run);
    run->source = is_shared(run, pass) ? plan->source
                                       : source_new(&run->compute, run->engine, request);
    double before = run->compute.flops;
    bool   ok = (is_shared(run, pass) && image > 0) || encode_source(run);
    double encoded = run->compute.flops;
    ok = ok && sample(run);
    double sampled = run->compute.flops;
    ok = ok && decode(run, picture);
    if (!run->reports) {
        plan->encode_flops = encoded - before;
        plan->decode_flops = run->compute.flops - sampled;
        plan->flops = run->compute.flops - encoded;
    }
    arena_rewind(run->compute.scratch, mark);
    return ok;
}

/* Strength 0 is the source itself. */
static bool is_source_itself(const Generate *run, const EngineRequest *request)
{
    return request->source && request->strength == 0 && !run->engine->can.instruction;
}

/* ---- what all pictures share ------------------------------------------------------------- */

static bool share(Generate *run)
{
    Engine *engine = run->engine;
    double  before = run->compute.flops;
    if (run->task->passes[0].want_preview && !(engine->taesd && taesd_can_decode(engine->taesd)) &&
        engine->preview.channels == 0)
        preview_fit(&run->compute, &engine->preview, engine->vae, &engine->config.vae);
    bool ok = encode_texts(run);
    run->text_flops = run->compute.flops - before;
    for (int pass = 0; ok && pass < run->task->pass_count; pass++)
        if (is_shared(run, pass))
            run->passes[pass].source =
                source_new(&run->compute, engine, &run->task->passes[pass]);
    return ok;
}

/* Everything once, with nothing in it. */
static bool rehearse(Generate *run)
{
    Dry   rehearsal;
    Arena dry;
    dry_init(&rehearsal, run->engine->session->device);
    if (!arena_init(&dry, &rehearsal.device, 0))
        return fail(run->error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the request.");
    run->compute.scratch = &dry;
    bool ok = share(run);
    int  longest = longest_texts(run);
    for (int pass = 0; ok && pass < run->task->pass_count; pass++) {
        EngineRequest request = run->task->passes[pass];
        request.prompt = run->task->texts[longest].prompt;
        request.negative_prompt = run->task->texts[longest].negative;
        ok = run_pass(run, 0, pass, &request, NULL);
    }
    run->bytes = dry.peak;
    arena_finish(&dry);
    return ok;
}

/* ---- the maker --------------------------------------------------------------------------- */

static void generate_close(void *maker, bool done)
{
    Generate *run = maker;
    /* Of a run that ends early too much is decoding, which is faster than the network. */
    if (done)
        session_measured(run->engine->session, run->compute.flops, run->seconds);
    texts_clear(&run->texts);
    free(run->preview.pixels);
    free(run->passes);
    free(run);
}

static bool check_passes(const Generate *run)
{
    const Engine *engine = run->engine;
    for (int pass = 0; pass < run->task->pass_count; pass++)
        for (int image = 0; image < (pass ? 1 : run->task->count); image++) {
            EngineRequest request = run->task->passes[pass];
            request.prompt = run->task->texts[image].prompt;
            request.negative_prompt = run->task->texts[image].negative;
            if (!request_check(&request, &engine->info, engine->factor, run->error))
                return false;
        }
    return true;
}

static void *generate_open(Engine *engine, const MakerTask *task, EngineEstimate *cost,
                           EngineError *error)
{
    Generate *run = calloc(1, sizeof *run);
    if (!run || !(run->passes = calloc((size_t)task->pass_count, sizeof *run->passes))) {
        free(run);
        fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the request.");
        return NULL;
    }
    run->engine = engine;
    run->task = task;
    run->error = error;
    run->compute = session_compute(engine->session);
    bool ok = check_passes(run);
    run->idle = ok;
    for (int pass = 0; pass < task->pass_count; pass++)
        run->idle = run->idle && is_source_itself(run, &task->passes[pass]);
    for (int pass = 0; ok && pass < task->pass_count; pass++)
        fill_schedule(run, &task->passes[pass], &run->passes[pass].first, &run->passes[pass].steps);
    if (!ok || !read_texts(run) || !rehearse(run)) {
        generate_close(run, false);
        return NULL;
    }
    cost->scratch_bytes = run->bytes + run->preview_count * sizeof(float);
    cost->weight_bytes = checkpoint_bytes(engine->checkpoint);
    cost->available_bytes = session_available(engine->session);
    return run;
}

static double generate_work(const void *maker, int image, int pass)
{
    const Generate *run = maker;
    const Pass     *plan = &run->passes[pass];
    double          shared = image == 0 && pass == 0 && !run->idle ? run->text_flops : 0;
    if (is_source_itself(run, &run->task->passes[pass]))
        return shared;
    bool encoded = is_shared(run, pass) && image > 0;
    return shared + plan->flops + (encoded ? 0 : plan->encode_flops);
}

static double generate_seconds(void *maker, double work)
{
    Generate *run = maker;
    return work / session_speed(run->engine->session);
}

/* The size that memory would do for: its need goes with the picture's area at most. */
static bool refuse_memory(const EngineRequest *request, size_t need, uint64_t available,
                          EngineError *error)
{
    double share_left = sqrt((double)available / (double)need);
    int    width = (int)(request->width * share_left) / 64 * 64;
    int    height = (int)(request->height * share_left) / 64 * 64;
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

static bool take_memory(Generate *run)
{
    const EngineRequest *largest = &run->task->passes[0];
    uint64_t             available;
    for (int i = 1; i < run->task->pass_count; i++) {
        const EngineRequest *pass = &run->task->passes[i];
        if ((double)pass->width * pass->height > (double)largest->width * largest->height)
            largest = pass;
    }
    if (!session_reserve(run->engine->session, run->bytes, &available))
        return refuse_memory(largest, run->bytes, available, run->error);
    if (run->preview_count)
        run->preview.pixels = malloc(run->preview_count * sizeof *run->preview.pixels);
    return !run->preview_count || run->preview.pixels ||
           fail(run->error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the preview.");
}

/* Not the numbers are to blame but what was done to the file. */
static bool check_checkpoint(Generate *run, bool ok)
{
    if (!checkpoint_changed(run->engine->checkpoint) ||
        (!ok && run->error->status == ENGINE_CANCELLED))
        return ok;
    *run->error = (EngineError){ 0 };
    return fail(run->error, ENGINE_BAD_FILE,
                "%s was changed while it was in use; run again when it is complete.",
                run->engine->path);
}

static bool generate_begin(void *maker, Reports *reports, EngineError *error)
{
    Generate *run = maker;
    run->error = error;
    run->reports = reports;
    if (run->idle)
        return true;
    if (!take_memory(run))
        return false;
    run->compute = session_compute(run->engine->session);
    run->compute.poll = on_poll;
    run->compute.poll_user = run;
    enter(run, ENGINE_STAGE_TEXT);
    report(run, NULL);
    if (cancelled(run))
        return false;
    double began = machine_seconds();
    map_guard_begin();
    bool ok = check_checkpoint(run, share(run));
    map_guard_end();
    run->seconds = machine_seconds() - began;
    reports->done = run->compute.flops;
    return ok;
}

/* What memory was counted for. */
static bool is_as_planned(const EngineRequest *plan, const EngineRequest *request)
{
    return plan->width == request->width && plan->height == request->height &&
           !plan->source == !request->source && !plan->mask == !request->mask;
}

static bool generate_make(void *maker, int image, int pass, const EngineRequest *request,
                          EnginePicture *picture, EngineError *error)
{
    Generate *run = maker;
    run->error = error;
    if (!is_as_planned(&run->task->passes[pass], request))
        return fail(error, ENGINE_BAD_REQUEST,
                    "Pass %d of the request has another size or other pictures than it was planned "
                    "with.",
                    pass + 1);
    if (is_source_itself(run, request))
        return engine_picture_copy(picture, request->source, error);
    atomic_store(run->compute.stop, false);
    double    began = machine_seconds();
    ArenaMark mark = arena_mark(run->compute.scratch);
    map_guard_begin();
    bool ok = check_checkpoint(run, run_pass(run, image, pass, request, picture));
    map_guard_end();
    arena_rewind(run->compute.scratch, mark);
    run->seconds += machine_seconds() - began;
    run->reports->done = run->compute.flops;
    return ok;
}

const Maker generate_maker = {
    .open = generate_open,
    .work = generate_work,
    .seconds = generate_seconds,
    .begin = generate_begin,
    .make = generate_make,
    .close = generate_close,
};
