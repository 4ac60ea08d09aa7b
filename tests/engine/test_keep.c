/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stop and keep: runs of the demo checkpoint that request->enough() ends early. */
#include "compute/dry.h"
#include "demo_help.h"
#include "edit.h"
#include "run/engine_parts.h"
#include "run/latents.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { W = 72, H = 64, LATENTS = 4 * (W / 8) * (H / 8) };

static void generate(Engine *engine, const EngineRequest *request, EnginePicture *pictures)
{
    EngineError error = { 0 };
    if (!CHECK(engine_generate(engine, request, pictures, &error)))
        printf("     %s\n", error.message);
}

static bool same_picture(const EnginePicture *a, const EnginePicture *b)
{
    return a->width == b->width && a->height == b->height && a->pixels && b->pixels &&
           memcmp(a->pixels, b->pixels,
                  (size_t)a->width * (size_t)a->height * 3 * sizeof(float)) == 0;
}

enum { NEVER = 1 << 20 };

/* A run that is watched by somebody who says when there is enough. */
typedef struct {
    /* At this report (from 1) of those of this picture and pass, from this stage and step on. */
    EngineStage stage;
    int         image, pass, step, report;
    bool        cancels_then; /* says no while the kept picture is decoded */

    int    reports, asked, pictures, kept_count, steps_seen, last_step, passes;
    bool   said, asked_again, went_back;
    double fraction, before; /* of the last report and of the one before */
    float  kept[LATENTS], latents[8][LATENTS];
    float  preview[3 * LATENTS / 4]; /* the last one */
    EngineProgress now;
} Keep;

static bool keep_progress(void *user, const EngineProgress *now)
{
    Keep *keep = user;
    keep->went_back |= now->fraction < keep->fraction;
    keep->before = keep->fraction;
    keep->fraction = now->fraction;
    keep->passes += keep->now.stage == ENGINE_STAGE_DECODE && now->stage == ENGINE_STAGE_ENCODE;
    keep->now = *now;
    keep->reports += now->stage >= keep->stage && now->image == keep->image &&
                     keep->passes == keep->pass && now->step >= keep->step;
    if (now->preview && now->preview->width == W / 8 && now->preview->height == H / 8)
        memcpy(keep->preview, now->preview->pixels, sizeof keep->preview);
    return !(keep->cancels_then && keep->said && now->stage == ENGINE_STAGE_DECODE);
}

static bool keep_enough(void *user)
{
    Keep *keep = user;
    keep->asked++;
    keep->asked_again |= keep->said;
    keep->said |= keep->reports >= keep->report;
    return keep->said;
}

static bool keep_picture(void *user, int image, const EnginePicture *picture, EngineError *error)
{
    Keep *keep = user;
    (void)error;
    CHECK_INT(image, keep->pictures++);
    return CHECK(picture->pixels != NULL);
}

static void keep_observe(void *user, const char *name, const float *data, int rank,
                         const int *shape)
{
    Keep  *keep = user;
    size_t bytes = sizeof(float);
    for (int i = 0; i < rank; i++)
        bytes *= (size_t)shape[i];
    int step = strncmp(name, "latents.", 8) == 0 ? atoi(name + 8) : 0;
    keep->steps_seen += step > 0;
    keep->last_step = step > 0 ? step : keep->last_step;
    if (step > 0 && step < 8 && bytes == sizeof keep->kept)
        memcpy(keep->latents[step], data, bytes);
    if (strcmp(name, "kept") == 0) {
        keep->kept_count++;
        if (bytes == sizeof keep->kept)
            memcpy(keep->kept, data, bytes);
    }
}

static EngineRequest kept_request(const Engine *engine, Keep *keep)
{
    EngineRequest request = engine_request_default(engine);
    request.prompt = "a red apple on a blue background";
    request.width = W; /* 9 latents wide: no multiple of anything */
    request.height = H;
    request.steps = 5;
    request.seed = 7;
    request.progress = keep_progress;
    request.enough = keep_enough;
    request.picture = keep_picture;
    request.observe = keep_observe;
    request.user = keep;
    return request;
}

static void clear_pictures(EnginePicture *pictures, int count)
{
    for (int i = 0; i < count; i++)
        engine_picture_clear(&pictures[i]);
}

typedef struct {
    Engine       *engine;
    const float  *latents;
    EnginePicture out;
} Decoding;

static void decode_with(Compute *compute, Decoding *work)
{
    EngineError error = { 0 };
    ArenaMark   mark = arena_mark(compute->scratch);
    Tensor      z = tensor_new(compute, ARENA_LOW, 1, 4, H / 8, W / 8);
    Tensor      picture = tensor_new(compute, ARENA_LOW, 1, 3, H, W);
    upload(compute, z, work->latents);
    latents_decode(compute, picture, work->engine->vae, z, work->engine->config.vae.scale_factor,
                   false, false);
    if (!compute_dry(compute))
        CHECK(latents_to_picture(compute, &work->out, picture, &error));
    arena_rewind(compute->scratch, mark);
}

/* The picture that these latents are, as the engine decodes them. */
static EnginePicture decode(Engine *engine, const float *latents)
{
    Decoding work = { .engine = engine, .latents = latents };
    Dry      rehearsal;
    Arena    dry, arena;
    dry_init(&rehearsal, engine->session->device);
    CHECK(arena_init(&dry, &rehearsal.device, 0));
    decode_with(&(Compute){ .scratch = &dry }, &work);
    CHECK(arena_init(&arena, engine->session->device, dry.peak));
    decode_with(&(Compute){ .scratch = &arena }, &work);
    arena_finish(&arena);
    arena_finish(&dry);
    return work.out;
}

/* What the preview of these latents is. */
static void look(Engine *engine, EnginePicture *preview, const float *latents)
{
    Arena   arena;
    Compute compute = { .scratch = &arena };
    CHECK(arena_init(&arena, engine->session->device, LATENTS * sizeof *latents + 4096));
    Tensor x = tensor_new(&compute, ARENA_LOW, 1, 4, H / 8, W / 8);
    upload(&compute, x, latents);
    preview_apply(&compute, &engine->preview, preview, x);
    arena_finish(&arena);
}

static void enough_keeps_what_the_last_preview_showed(void)
{
    Engine *engine = demo_open(1); /* with one thread the reports of a run are always as many */
    for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++) {
        EnginePicture pictures[2] = { { 0 } };
        for (int within = 0; within < 2; within++) { /* after the second step, and in the third */
            float         again[3 * LATENTS / 4];
            EnginePicture preview = { W / 8, H / 8, 3, again };
            Keep          keep = { .stage = ENGINE_STAGE_SAMPLE, .step = 2,
                                   .report = within ? 4 : 1 };
            EngineRequest request = kept_request(engine, &keep);
            request.sampler = (EngineSampler)s;
            request.want_preview = true;
            generate(engine, &request, &pictures[within]);
            CHECK(keep.said && !keep.asked_again);
            CHECK_INT(keep.kept_count, 1);
            CHECK_INT(keep.steps_seen, 2);
            CHECK_INT(keep.now.step, 2);
            CHECK_INT(keep.now.steps, 5);
            CHECK(memcmp(keep.kept, keep.latents[2], sizeof keep.kept) != 0);
            look(engine, &preview, keep.kept);
            CHECK(memcmp(keep.preview, again, sizeof again) == 0);
            EnginePicture want = decode(engine, keep.kept);
            CHECK(same_picture(&pictures[within], &want));
            engine_picture_clear(&want);
        }
        CHECK(same_picture(&pictures[0], &pictures[1]));
        clear_pictures(pictures, 2);
    }
    demo_close(engine);
}

static void enough_from_the_start_makes_one_step_in_the_memory_of_a_whole_run(void)
{
    for (int watched = 0; watched < 2; watched++) {
        Engine        *engine = demo_open(1);
        Keep           keep = { .report = 0 };
        EngineRequest  request = kept_request(engine, &keep);
        EnginePicture  picture = { 0 };
        EngineEstimate estimate;
        EngineError    error = { 0 };
        request.progress = watched ? keep_progress : NULL;
        CHECK(engine_estimate(engine, &request, &estimate, &error));
        generate(engine, &request, &picture);
        CHECK(engine->session->arena.peak == estimate.scratch_bytes);
        CHECK_INT(keep.asked, 1);
        CHECK_INT(keep.steps_seen, 1);
        CHECK_INT(keep.kept_count, 1);
        CHECK(picture.pixels != NULL);
        engine_picture_clear(&picture);
        demo_close(engine);
    }
}

static void enough_begins_no_further_picture(void)
{
    Engine       *engine = demo_open(1);
    EnginePicture whole[3], alone, pictures[3];
    Keep          all = { .report = NEVER };
    Keep          second = { .stage = ENGINE_STAGE_SAMPLE, .step = 3, .image = 1, .report = 1 };
    Keep          only = { .stage = ENGINE_STAGE_SAMPLE, .step = 3, .report = 1 };
    Keep          late = { .stage = ENGINE_STAGE_DECODE, .report = 3 };
    EngineRequest request = kept_request(engine, &all);
    request.count = 3;
    generate(engine, &request, whole);
    CHECK_INT(all.pictures, 3);
    CHECK_INT(all.kept_count, 0);

    request.user = &second;
    generate(engine, &request, pictures);
    CHECK_INT(second.pictures, 2);
    CHECK(same_picture(&pictures[0], &whole[0]));
    CHECK(!same_picture(&pictures[1], &whole[1]));
    CHECK(pictures[2].pixels == NULL);
    CHECK(!second.went_back && second.fraction == 1);

    request.user = &only;
    request.count = 1;
    request.seed++;
    generate(engine, &request, &alone);
    CHECK(same_picture(&pictures[1], &alone));
    clear_pictures(pictures, 3);

    request = kept_request(engine, &late);
    request.count = 3;
    generate(engine, &request, pictures);
    CHECK_INT(late.pictures, 1);
    CHECK_INT(late.kept_count, 0);
    CHECK(same_picture(&pictures[0], &whole[0]));
    CHECK(!pictures[1].pixels && !pictures[2].pixels);
    CHECK(!late.went_back && late.fraction == 1);
    clear_pictures(pictures, 3);
    clear_pictures(whole, 3);
    engine_picture_clear(&alone);
    demo_close(engine);
}

static void enough_at_any_report_goes_forward_to_1_and_leaves_the_engine_usable(void)
{
    Engine       *engine = demo_open(1);
    Keep          never = { .report = NEVER };
    EngineRequest request = kept_request(engine, &never);
    EnginePicture before, picture;
    generate(engine, &request, &before);
    int reports = never.asked, early = 0;
    for (int at = 1; at <= reports; at += 1 + reports / 30) {
        Keep keep = { .report = at };
        request.user = &keep;
        generate(engine, &request, &picture);
        CHECK(keep.said && !keep.went_back && keep.fraction == 1);
        CHECK(keep.before > .9); /* not by a leap */
        CHECK_INT(keep.kept_count, keep.now.step < keep.now.steps);
        CHECK_INT(keep.steps_seen, keep.now.step);
        early += keep.kept_count;
        engine_picture_clear(&picture);
    }
    CHECK(early > 10);
    never = (Keep){ .report = NEVER };
    request = kept_request(engine, &never);
    generate(engine, &request, &picture);
    CHECK(same_picture(&picture, &before));
    engine_picture_clear(&picture);
    engine_picture_clear(&before);
    demo_close(engine);
}

static void cancel_while_the_kept_picture_is_decoded_cancels(void)
{
    Engine       *engine = demo_open(1);
    Keep          keep = { .stage = ENGINE_STAGE_SAMPLE, .step = 2, .report = 1,
                           .cancels_then = true };
    EngineRequest request = kept_request(engine, &keep);
    EnginePicture pictures[2] = { { 0 } };
    EngineError   error = { 0 };
    request.count = 2;
    CHECK(!engine_generate(engine, &request, pictures, &error));
    CHECK_INT(error.status, ENGINE_CANCELLED);
    CHECK_INT(keep.kept_count, 1);
    CHECK(!pictures[0].pixels && !pictures[1].pixels);
    demo_close(engine);
}

static void enough_keeps_what_the_mask_keeps(void)
{
    Engine *engine = demo_open(1);
    float  *pixels = malloc(3 * W * H * sizeof *pixels), *mask = malloc(W * H * sizeof *mask);
    for (int i = 0; i < W * H; i++) {
        mask[i] = i % W < 24 ? 0 : i % W < 48 ? .5f : 1;
        for (int c = 0; c < 3; c++)
            pixels[3 * i + c] = (float)((i / W + 20 * c) % 64) / 63;
    }
    EnginePicture source = { W, H, 3, pixels }, repaint = { W, H, 1, mask }, picture = { 0 };
    Keep          whole = { .report = NEVER };
    Keep          early = { .stage = ENGINE_STAGE_SAMPLE, .step = 2, .report = 4 };
    EngineRequest request = kept_request(engine, &whole);
    request.source = &source;
    request.mask = &repaint;
    request.strength = 1;
    generate(engine, &request, &picture);
    engine_picture_clear(&picture);
    request.user = &early;
    generate(engine, &request, &picture);
    engine_picture_clear(&picture);
    CHECK_INT(early.kept_count, 1);
    int kept = 0, painted = 0;
    for (int i = 0; i < LATENTS; i++) {
        bool same = early.kept[i] == whole.latents[5][i];
        if (i % (W / 8) < 3)
            kept += same;
        else
            painted += !same;
    }
    CHECK_INT(kept, LATENTS / 3);
    CHECK(painted > LATENTS / 2);
    free(pixels);
    free(mask);
    demo_close(engine);
}

/* ---- edits ----------------------------------------------------------------------------------- */

typedef struct {
    EditPlan   plan;
    EditResult results[2];
} Edited;

/* Two candidates of a canvas with colours that change slowly. */
static Edited run_edit(Engine *engine, const EditSettings *settings, Keep *keep)
{
    Edited      edited = { 0 };
    EngineError error = { 0 };
    if (!CHECK(edit_plan(settings, engine_model(engine), &edited.plan, &error)))
        printf("     %s\n", error.message);
    EditRect r = edited.plan.region;
    float   *rgba = calloc(4 * (size_t)r.width * (size_t)r.height, sizeof *rgba);
    for (int i = 0; i < r.width * r.height; i++) {
        int x = r.x + i % r.width - edited.plan.shift_x;
        int y = r.y + i / r.width - edited.plan.shift_y;
        if (x < 0 || y < 0 || x >= settings->canvas_width || y >= settings->canvas_height)
            continue;
        rgba[4 * i] = .5f + .3f * sinf((float)x / 30);
        rgba[4 * i + 1] = .5f + .3f * cosf((float)y / 40);
        rgba[4 * i + 2] = .4f;
        rgba[4 * i + 3] = 1;
    }
    EditJob *job = edit_prepare(settings, engine_model(engine), &edited.plan, rgba, NULL, &error);
    EngineRequest request = kept_request(engine, keep);
    request.count = 2;
    request.steps = 4;
    request.cfg = 1;
    if (!CHECK(job && edit_generate(job, engine, &request, edited.results, &error)))
        printf("     %s\n", error.message);
    edit_job_destroy(job);
    free(rgba);
    return edited;
}

/* Numbers all over the crop, and where the old canvas (at `known`) was not, nothing left open. */
static bool covers(const EditResult *result, EditRect known)
{
    EditRect r = result->rect;
    bool     good = result->rgba != NULL;
    for (int i = 0; good && i < r.width * r.height; i++) {
        int  x = r.x + i % r.width - known.x, y = r.y + i / r.width - known.y;
        bool fresh = x < 0 || y < 0 || x >= known.width || y >= known.height;
        for (int c = 0; c < 4; c++)
            good &= result->rgba[4 * i + c] >= 0 && result->rgba[4 * i + c] <= 1;
        good &= result->mask[i] >= 0 && result->mask[i] <= 1;
        good &= !fresh || (result->mask[i] == 1 && result->rgba[4 * i + 3] == 1);
    }
    return good;
}

static void edits_end_with_the_pass_that_runs(void)
{
    static const struct {
        EngineStage stage;
        int         pass, step, report, steps_seen, kept_step;
    } cases[] = {
        { ENGINE_STAGE_SAMPLE, 0, 0, 2, 1, 1 },  /* in the first step */
        { ENGINE_STAGE_SAMPLE, 0, 2, 1, 2, 2 },  /* after the second */
        { ENGINE_STAGE_SAMPLE, 0, 2, 4, 2, 2 },  /* in the third */
        { ENGINE_STAGE_DECODE, 0, 0, 2, 0, 0 },  /* of the first pass: its steps, all of them */
        { ENGINE_STAGE_ENCODE, 1, 0, 1, 0, 0 },  /* before the second pass's first step */
        { ENGINE_STAGE_SAMPLE, 1, 0, 4, 0, 0 },  /* in it */
        { ENGINE_STAGE_SAMPLE, 1, 1, 1, 1, 1 },  /* after it */
    };
    Engine *engine = demo_open(2);
    for (int mode = 0; mode < 2; mode++) {
        EditSettings settings = edit_settings_default(mode ? EDIT_OUTPAINT : EDIT_IMAGE_TO_IMAGE);
        settings.strength = 1;
        settings.canvas_width = mode ? 128 : 400;
        settings.canvas_height = mode ? 128 : 320;
        settings.right = mode ? 200 : 0;
        EditResult handed_back = { 0 };
        for (int i = 0; i < 7; i++) {
            Keep keep = { .stage = cases[i].stage, .pass = cases[i].pass, .step = cases[i].step,
                          .report = cases[i].report };
            Edited      edited = run_edit(engine, &settings, &keep);
            EditResult *result = &edited.results[0];
            EditRect    known = { 0, 0, mode ? settings.canvas_width : 0, settings.canvas_height };
            int         whole = cases[i].kept_step == 0 || cases[i].pass > 0 ? 4 : 0;
            CHECK(edited.plan.passes >= 2);
            CHECK(keep.said && !keep.went_back && keep.fraction == 1);
            CHECK_INT(keep.steps_seen, whole + cases[i].steps_seen);
            CHECK_INT(result->kept_step, cases[i].kept_step ? cases[i].kept_step : 4);
            CHECK_INT(result->kept_steps, cases[i].pass > 0 && cases[i].step ? keep.now.steps : 4);
            CHECK_INT(keep.kept_count, cases[i].kept_step > 0);
            CHECK(keep.kept_count == 0 || keep.before > .9); /* not by a leap */
            CHECK_INT(keep.pictures, 1);
            CHECK(covers(result, known));
            CHECK(result->rect.x + result->rect.width == edited.plan.canvas.width);
            CHECK(edited.results[1].rgba == NULL && edited.results[1].mask == NULL);
            if (cases[i].kept_step == 0 && handed_back.rgba) {
                CHECK(memcmp(handed_back.rgba, result->rgba,
                             4 * (size_t)result->rect.width * (size_t)result->rect.height *
                                 sizeof(float)) == 0);
            } else if (cases[i].kept_step == 0) {
                handed_back = *result;
                *result = (EditResult){ 0 };
            }
            edit_result_clear(result);
        }
        edit_result_clear(&handed_back);
    }
    demo_close(engine);
}

static void edits_that_end_by_themselves_say_so(void)
{
    Engine      *engine = demo_open(2);
    EditSettings settings = edit_settings_default(EDIT_IMAGE_TO_IMAGE);
    settings.canvas_width = settings.canvas_height = 256;
    for (int late = 0; late < 2; late++) {
        Keep   keep = { .stage = ENGINE_STAGE_DECODE, .report = late ? 2 : NEVER };
        Edited edited = run_edit(engine, &settings, &keep);
        CHECK_INT(edited.results[0].kept_step, 0);
        CHECK_INT(edited.results[0].kept_steps, 0);
        CHECK_INT(keep.pictures, late ? 1 : 2);
        CHECK((edited.results[1].rgba == NULL) == late);
        CHECK(!keep.went_back && keep.fraction == 1);
        edit_result_clear(&edited.results[0]);
        edit_result_clear(&edited.results[1]);
    }
    demo_close(engine);
}

static void an_edit_that_is_cancelled_after_enough_leaves_nothing(void)
{
    Engine      *engine = demo_open(2);
    EngineError  error = { 0 };
    EditSettings settings = edit_settings_default(EDIT_TEXT_TO_IMAGE);
    EditPlan     plan;
    EditResult   result;
    Keep keep = { .stage = ENGINE_STAGE_SAMPLE, .step = 1, .report = 1, .cancels_then = true };
    settings.width = settings.height = 256;
    CHECK(edit_plan(&settings, engine_model(engine), &plan, &error));
    EditJob      *job = edit_prepare(&settings, engine_model(engine), &plan, NULL, NULL, &error);
    EngineRequest request = kept_request(engine, &keep);
    CHECK(!edit_generate(job, engine, &request, &result, &error));
    CHECK_INT(error.status, ENGINE_CANCELLED);
    CHECK(result.rgba == NULL && keep.kept_count == 1);
    edit_job_destroy(job);
    demo_close(engine);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(enough_keeps_what_the_last_preview_showed);
    RUN(enough_from_the_start_makes_one_step_in_the_memory_of_a_whole_run);
    RUN(enough_begins_no_further_picture);
    RUN(enough_at_any_report_goes_forward_to_1_and_leaves_the_engine_usable);
    RUN(cancel_while_the_kept_picture_is_decoded_cancels);
    RUN(enough_keeps_what_the_mask_keeps);
    RUN(edits_end_with_the_pass_that_runs);
    RUN(edits_that_end_by_themselves_say_so);
    RUN(an_edit_that_is_cancelled_after_enough_leaves_nothing);
    return test_end();
}
