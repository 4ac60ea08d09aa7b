/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests for several pictures: what they share, what each has of its own, and what is told. */
#include "demo_help.h"
#include "edit.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 64, PIXELS = SIDE * SIDE, MOST = 4 };

/* ---- who watches ----------------------------------------------------------------------------- */

/* Of a model on one thread, where reports come at the same places each time. */
typedef struct {
    /* What is done, if anything. */
    int         fail_at;   /* the picture, from 1, that cannot be taken */
    int         cancel_at; /* the picture, from 1, in which there is a no, from this on: */
    EngineStage cancel_stage;
    int         cancel_step;

    /* What was seen. */
    int    reports, texts, encodes; /* the latter two: stretches of reports of that stage */
    int    conds, unconds, noises, decoded, handed;
    int    early_conds; /* before the first noise */
    bool   went_back, beyond, picture_went_back;
    double begins[MOST]; /* the fraction first told of each picture */
    double before;       /* and the last one but one of all */
    EngineProgress now;
    EnginePicture  copies[MOST];
} Watch;

static bool watch_progress(void *user, const EngineProgress *now)
{
    Watch *watch = user;
    bool   first = watch->reports++ == 0;
    bool   other_picture = first || now->image != watch->now.image;
    bool   other_stage = other_picture || now->stage != watch->now.stage;
    watch->texts += other_stage && now->stage == ENGINE_STAGE_TEXT;
    watch->encodes += other_stage && now->stage == ENGINE_STAGE_ENCODE;
    watch->went_back |= now->fraction < watch->now.fraction;
    watch->beyond |= !(now->fraction >= 0 && now->fraction <= 1) || now->step > now->steps;
    watch->picture_went_back |= now->image < watch->now.image;
    watch->before = watch->now.fraction;
    if (other_picture && now->image < MOST)
        watch->begins[now->image] = now->fraction;
    watch->now = *now;
    return now->image + 1 != watch->cancel_at || now->stage < watch->cancel_stage ||
           now->step < watch->cancel_step;
}

static bool watch_picture(void *user, int image, const EnginePicture *picture, EngineError *error)
{
    Watch *watch = user;
    CHECK_INT(image, watch->handed);
    CHECK_INT(watch->now.image, image); /* nothing was done for the next one yet */
    CHECK_INT(watch->now.stage, ENGINE_STAGE_DECODE);
    CHECK_INT(watch->decoded, image + 1);
    CHECK(image < MOST && engine_picture_copy(&watch->copies[image], picture, error));
    if (++watch->handed == watch->fail_at)
        return fail(error, ENGINE_BAD_FILE, "The disk is full of apples.");
    return true;
}

static void watch_stages(void *user, const char *name, const float *data, int rank,
                         const int *shape)
{
    Watch *watch = user;
    CHECK(data != NULL && rank > 0 && shape[0] == 1);
    watch->conds += strcmp(name, "cond") == 0;
    watch->unconds += strcmp(name, "uncond") == 0;
    watch->decoded += strcmp(name, "picture") == 0;
    if (strcmp(name, "noise") == 0 && watch->noises++ == 0)
        watch->early_conds = watch->conds + watch->unconds;
}

static void clear_pictures(EnginePicture *pictures)
{
    for (int i = 0; i < MOST; i++)
        engine_picture_clear(&pictures[i]);
}

/* ---- what is asked --------------------------------------------------------------------------- */

typedef enum { FROM_TEXT, FROM_PICTURE, WITH_MASK, KIND_COUNT } Kind;

typedef struct {
    float         source_pixels[3 * PIXELS], mask_pixels[PIXELS];
    EnginePicture source, mask;
} Scene;

/* Colours that change slowly; a mask that lets more and more be painted to the right. */
static void draw(Scene *scene)
{
    for (int i = 0; i < PIXELS; i++) {
        int x = i % SIDE, y = i / SIDE;
        scene->source_pixels[3 * i] = .5f + .3f * sinf((float)x / 9);
        scene->source_pixels[3 * i + 1] = .5f + .3f * cosf((float)y / 7);
        scene->source_pixels[3 * i + 2] = .4f;
        scene->mask_pixels[i] = (float)x / (SIDE - 1);
    }
    scene->source = (EnginePicture){ SIDE, SIDE, 3, scene->source_pixels };
    scene->mask = (EnginePicture){ SIDE, SIDE, 1, scene->mask_pixels };
}

static EngineRequest request_of(const Engine *engine, Kind kind, const Scene *scene, Watch *watch)
{
    EngineRequest request = engine_request_default(engine);
    request.prompt = "a red apple on a blue background";
    request.negative_prompt = "blurry";
    request.width = request.height = SIDE;
    request.steps = 2;
    request.seed = 7;
    request.cfg = 3;
    request.strength = 1;
    request.source = kind != FROM_TEXT ? &scene->source : NULL;
    request.mask = kind == WITH_MASK ? &scene->mask : NULL;
    if (watch) {
        request.progress = watch_progress;
        request.picture = watch_picture;
        request.observe = watch_stages;
        request.user = watch;
    }
    return request;
}

static bool generate(Engine *engine, const EngineRequest *request, EnginePicture *pictures)
{
    EngineError error = { 0 };
    bool        ok = engine_generate(engine, request, pictures, &error);
    if (!CHECK(ok))
        printf("     %s\n", error.message);
    return ok;
}

static EngineEstimate estimate_of(Engine *engine, EngineRequest request, int count)
{
    EngineError    error = { 0 };
    EngineEstimate estimate = { 0 };
    request.count = count;
    if (!CHECK(engine_estimate(engine, &request, &estimate, &error)))
        printf("     %s\n", error.message);
    return estimate;
}

static bool same_picture(const EnginePicture *a, const EnginePicture *b)
{
    return a->width == b->width && a->height == b->height && a->pixels && b->pixels &&
           memcmp(a->pixels, b->pixels,
                  (size_t)a->width * (size_t)a->height * 3 * sizeof(float)) == 0;
}

/* ---- what pictures share --------------------------------------------------------------------- */

static void texts_and_source_are_encoded_once_for_all_pictures(void)
{
    Engine *engine = demo_open(1);
    Scene   scene;
    draw(&scene);
    for (Kind kind = FROM_TEXT; kind < KIND_COUNT; kind++) {
        Watch         watch = { 0 };
        EngineRequest request = request_of(engine, kind, &scene, &watch);
        request.count = 3;
        generate(engine, &request, NULL);
        CHECK_INT(watch.texts, 1);
        CHECK_INT(watch.encodes, kind != FROM_TEXT);
        CHECK_INT(watch.conds, 1);
        CHECK_INT(watch.unconds, 1);
        CHECK_INT(watch.early_conds, 2);
        CHECK_INT(watch.noises, 3);
        CHECK_INT(watch.handed, 3);
        clear_pictures(watch.copies);
    }
    demo_close(engine);
}

static void each_text_that_was_picked_is_encoded_once(void)
{
    Engine       *engine = demo_open(1);
    Watch         watch = { 0 };
    EngineRequest request = request_of(engine, FROM_TEXT, NULL, &watch);
    request.prompt = "a {red|green} apple";
    request.count = 4; /* with seeds 7 … 10 both are picked */
    generate(engine, &request, NULL);
    CHECK_INT(watch.texts, 1);
    CHECK_INT(watch.conds, 2);
    CHECK_INT(watch.unconds, 1);
    CHECK_INT(watch.early_conds, 3);
    clear_pictures(watch.copies);
    demo_close(engine);
}

/* What is done once for all pictures, and what for each. */
typedef struct {
    double once, each;
} Work;

static Work work_of(Engine *engine, const EngineRequest *request)
{
    double one = estimate_of(engine, *request, 1).flops;
    double each = estimate_of(engine, *request, 2).flops - one;
    return (Work){ one - each, each };
}

static bool near(double got, double want)
{
    return fabs(got - want) <= 1e-9 * fabs(want);
}

static void the_estimate_counts_texts_and_source_once(void)
{
    Engine *engine = demo_open(2);
    Scene   scene;
    draw(&scene);
    EngineRequest plain = request_of(engine, FROM_TEXT, NULL, NULL), unguided = plain;
    EngineRequest sees = request_of(engine, FROM_PICTURE, &scene, NULL), picks = plain;
    Work          text = work_of(engine, &plain), source = work_of(engine, &sees);
    CHECK(text.once > 0 && text.each > 0);
    CHECK(near(estimate_of(engine, plain, 4).flops, text.once + 4 * text.each));
    CHECK(near(estimate_of(engine, sees, 4).flops, source.once + 4 * source.each));
    CHECK(near(source.each, text.each) && source.once > 1.5 * text.once);

    /* Four pictures with two prompts between them: one text more. */
    unguided.cfg = 1;
    picks.prompt = "a {red|green} apple";
    double one_text = work_of(engine, &unguided).once;
    double all = estimate_of(engine, picks, 4).flops;
    CHECK(near(text.once, 2 * one_text)); /* prompt and negative prompt */
    CHECK(near(all, text.once + one_text + 4 * text.each));
    demo_close(engine);
}

/* Else the bar would stop short, or stand at its end while pictures are made. */
static void a_run_does_the_work_that_was_estimated(void)
{
    Engine *engine = demo_open(1);
    Scene   scene;
    draw(&scene);
    for (Kind kind = FROM_TEXT; kind < KIND_COUNT; kind++) {
        Watch         watch = { 0 };
        EngineRequest request = request_of(engine, kind, &scene, &watch);
        request.steps = 1;
        request.count = 3;
        Work   work = work_of(engine, &request);
        double all = work.once + 3 * work.each;
        generate(engine, &request, NULL);
        for (int i = 1; i < 3; i++)
            CHECK(fabs(watch.begins[i] - (work.once + i * work.each) / all) < .005);
        CHECK(watch.before > .99);
        clear_pictures(watch.copies);
    }
    demo_close(engine);
}

/* ---- what each has of its own ---------------------------------------------------------------- */

/* Picture i of a batch is the one picture of a request with its seed. */
static void check_each_is_the_single_one(Engine *engine, EngineRequest request, int count)
{
    EnginePicture batch[MOST] = { { 0 } };
    request.count = count;
    generate(engine, &request, batch);
    request.count = 1;
    for (int i = 0; i < count; i++) {
        EnginePicture alone = { 0 };
        generate(engine, &request, &alone);
        if (!CHECK(same_picture(&batch[i], &alone)))
            printf("     picture %d\n", i);
        if (i > 0)
            CHECK(!same_picture(&batch[i - 1], &alone));
        engine_picture_clear(&alone);
        request.seed++;
    }
    clear_pictures(batch);
}

static void picture_i_is_the_single_picture_with_its_seed(void)
{
    Engine *engine = demo_open(2);
    Scene   scene;
    draw(&scene);
    for (Kind kind = FROM_TEXT; kind < KIND_COUNT; kind++) {
        EngineRequest request = request_of(engine, kind, &scene, NULL);
        request.strength = kind == FROM_PICTURE ? .5f : 1;
        check_each_is_the_single_one(engine, request, 3);
    }
    EngineRequest random = request_of(engine, FROM_TEXT, NULL, NULL);
    random.sampler = ENGINE_EULER_A; /* draws fresh noise on the way */
    random.seed = UINT64_MAX;        /* and 0 follows */
    check_each_is_the_single_one(engine, random, 2);
    demo_close(engine);
}

static void wildcards_are_decided_by_the_pictures_own_seed(void)
{
    Engine *engine = demo_open(2);
    Scene   scene;
    draw(&scene);
    for (Kind kind = FROM_TEXT; kind < WITH_MASK; kind++) {
        EngineRequest request = request_of(engine, kind, &scene, NULL);
        request.prompt = "a {red|green|yellow} apple # not {this|that}\n"
                         "on a {blue|white} background";
        request.negative_prompt = "{blurry|dark, a {house|tree BREAK a car}|}";
        check_each_is_the_single_one(engine, request, 4);
    }
    demo_close(engine);
}

/* With the same noise, so that only the words can tell pictures apart. */
static void a_pick_is_what_its_words_make(void)
{
    Engine       *engine = demo_open(2);
    EngineRequest request = request_of(engine, FROM_TEXT, NULL, NULL);
    EnginePicture words[2] = { { 0 } };
    int           picked[2] = { 0 };
    for (int i = 0; i < 4; i++) {
        EnginePicture pick = { 0 };
        request.seed = (uint64_t)(7 + i);
        request.prompt = "a {red|green} apple";
        generate(engine, &request, &pick);
        for (int w = 0; w < 2; w++) {
            request.prompt = w ? "a green apple" : "a red apple";
            generate(engine, &request, &words[w]);
            picked[w] += same_picture(&pick, &words[w]);
        }
        CHECK(!same_picture(&words[0], &words[1]));
        engine_picture_clear(&pick);
        engine_picture_clear(&words[0]);
        engine_picture_clear(&words[1]);
    }
    CHECK(picked[0] > 0 && picked[1] > 0);
    CHECK_INT(picked[0] + picked[1], 4);
    demo_close(engine);
}

static void candidate_i_of_an_edit_is_the_single_one_with_its_seed(void)
{
    Engine      *engine = demo_open(2);
    EditSettings settings = edit_settings_default(EDIT_IMAGE_TO_IMAGE);
    EditPlan     plan;
    EditResult   batch[2] = { 0 }, alone = { 0 };
    EngineError  error = { 0 };
    Scene        scene;
    draw(&scene);
    settings.canvas_width = settings.canvas_height = SIDE;
    CHECK(edit_plan(&settings, engine_model(engine), &plan, &error));
    float *rgba = calloc(4 * PIXELS, sizeof *rgba);
    for (int i = 0; i < 4 * PIXELS; i++)
        rgba[i] = i % 4 == 3 ? 1 : scene.source_pixels[i / 4 * 3 + i % 4];
    CHECK_INT(plan.region.width * plan.region.height, PIXELS);
    EditJob *job = edit_prepare(&settings, engine_model(engine), &plan, rgba, NULL, &error);
    EngineRequest request = request_of(engine, FROM_TEXT, NULL, NULL);
    request.prompt = "a {red|green} {apple|leaf}";
    request.count = 2;
    CHECK(job && edit_generate(job, engine, &request, batch, &error));
    request.count = 1;
    for (int i = 0; job && i < 2; i++) {
        CHECK(edit_generate(job, engine, &request, &alone, &error));
        size_t pixels = (size_t)alone.rect.width * (size_t)alone.rect.height;
        CHECK(alone.rgba && batch[i].rgba && alone.seed == batch[i].seed);
        CHECK(alone.rgba && batch[i].rgba &&
              memcmp(batch[i].rgba, alone.rgba, 4 * pixels * sizeof(float)) == 0);
        edit_result_clear(&alone);
        edit_result_clear(&batch[i]);
        request.seed++;
    }
    edit_job_destroy(job);
    free(rgba);
    demo_close(engine);
}

/* ---- what is told and handed out ------------------------------------------------------------- */

static void pictures_are_handed_out_in_order_and_need_not_be_kept(void)
{
    Engine       *engine = demo_open(1);
    Watch         watch = { 0 }, unkept = { 0 };
    EngineRequest request = request_of(engine, FROM_TEXT, NULL, &watch);
    EnginePicture pictures[MOST] = { { 0 } };
    request.count = 3;
    generate(engine, &request, pictures);
    request.user = &unkept;
    generate(engine, &request, NULL);
    CHECK_INT(watch.handed, 3);
    CHECK_INT(unkept.handed, 3);
    for (int i = 0; i < 3; i++) {
        CHECK(same_picture(&watch.copies[i], &pictures[i]));
        CHECK(same_picture(&unkept.copies[i], &pictures[i]));
    }
    request.picture = NULL; /* nobody wants any */
    generate(engine, &request, NULL);
    clear_pictures(watch.copies);
    clear_pictures(unkept.copies);
    clear_pictures(pictures);
    demo_close(engine);
}

/* A run that ends in the second of three pictures, and one behind it. */
static void check_it_leaves_nothing(Engine *engine, Watch *watch, bool kept, EngineStatus status,
                                    const char *sentence)
{
    EngineRequest request = request_of(engine, FROM_TEXT, NULL, watch);
    EnginePicture pictures[MOST] = { { 0 } }, first = { 0 };
    EngineError   error = { 0 };
    request.count = 3;
    CHECK(!engine_generate(engine, &request, kept ? pictures : NULL, &error));
    CHECK_INT(error.status, status);
    CHECK_STRING(error.message, sentence);
    CHECK_INT(watch->noises, 2);
    for (int i = 0; i < 3; i++)
        CHECK(pictures[i].pixels == NULL && pictures[i].width == 0);

    request = request_of(engine, FROM_TEXT, NULL, NULL);
    generate(engine, &request, &first);
    CHECK(same_picture(&first, &watch->copies[0]));
    engine_picture_clear(&first);
    clear_pictures(watch->copies);
}

static void a_picture_that_cannot_be_taken_ends_the_run_with_its_sentence(void)
{
    Engine *engine = demo_open(1);
    for (int kept = 0; kept < 2; kept++) {
        Watch watch = { .fail_at = 2 };
        check_it_leaves_nothing(engine, &watch, kept, ENGINE_BAD_FILE,
                                "The disk is full of apples.");
        CHECK_INT(watch.handed, 2);
        CHECK(watch.now.fraction < .95);
    }
    demo_close(engine);
}

static void cancel_in_the_second_picture_leaves_nothing_behind(void)
{
    static const struct {
        EngineStage stage;
        int         step;
    } cases[] = {
        { ENGINE_STAGE_SAMPLE, 0 }, /* in its first step */
        { ENGINE_STAGE_SAMPLE, 1 }, /* after it */
        { ENGINE_STAGE_DECODE, 0 },
    };
    Engine *engine = demo_open(1);
    for (int i = 0; i < 6; i++) {
        Watch watch = { .cancel_at = 2, .cancel_stage = cases[i / 2].stage,
                        .cancel_step = cases[i / 2].step };
        check_it_leaves_nothing(engine, &watch, i % 2, ENGINE_CANCELLED, "The run was stopped.");
        CHECK_INT(watch.handed, 1);
        CHECK_INT(watch.now.image, 1);
        CHECK_INT(watch.now.stage, cases[i / 2].stage);
    }
    demo_close(engine);
}

static void progress_never_goes_back_and_ends_at_1(void)
{
    Engine *engine = demo_open(1);
    Scene   scene;
    draw(&scene);
    for (Kind kind = FROM_TEXT; kind < KIND_COUNT; kind++) {
        Watch         watch = { 0 };
        EngineRequest request = request_of(engine, kind, &scene, &watch);
        request.prompt = "a {red|green} apple";
        request.count = 3;
        generate(engine, &request, NULL);
        CHECK(!watch.went_back && !watch.beyond && !watch.picture_went_back);
        CHECK(watch.now.fraction == 1);
        CHECK_INT(watch.now.image, 2);
        CHECK_INT(watch.now.count, 3);
        CHECK_INT(watch.now.step, watch.now.steps);
        clear_pictures(watch.copies);
    }
    demo_close(engine);
}

static void the_estimate_tells_the_bytes_of_the_finished_pictures(void)
{
    Engine       *engine = demo_open(2);
    EngineRequest request = request_of(engine, FROM_TEXT, NULL, NULL);
    EnginePicture pictures[MOST] = { { 0 } };
    size_t        bytes = 0;
    request.steps = 1;
    request.width = SIDE + 8;
    request.count = 3;
    generate(engine, &request, pictures);
    for (int i = 0; i < 3; i++)
        bytes += (size_t)pictures[i].width * (size_t)pictures[i].height *
                 (size_t)pictures[i].channels * sizeof *pictures[i].pixels;
    CHECK_INT((long long)estimate_of(engine, request, 3).picture_bytes, (long long)bytes);
    CHECK_INT((long long)estimate_of(engine, request, 1).picture_bytes, (long long)bytes / 3);
    CHECK(estimate_of(engine, request, 3).scratch_bytes ==
          estimate_of(engine, request, 2).scratch_bytes); /* whatever else grows with them */
    clear_pictures(pictures);
    demo_close(engine);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(texts_and_source_are_encoded_once_for_all_pictures);
    RUN(each_text_that_was_picked_is_encoded_once);
    RUN(the_estimate_counts_texts_and_source_once);
    RUN(a_run_does_the_work_that_was_estimated);
    RUN(picture_i_is_the_single_picture_with_its_seed);
    RUN(wildcards_are_decided_by_the_pictures_own_seed);
    RUN(a_pick_is_what_its_words_make);
    RUN(candidate_i_of_an_edit_is_the_single_one_with_its_seed);
    RUN(pictures_are_handed_out_in_order_and_need_not_be_kept);
    RUN(a_picture_that_cannot_be_taken_ends_the_run_with_its_sentence);
    RUN(cancel_in_the_second_picture_leaves_nothing_behind);
    RUN(progress_never_goes_back_and_ends_at_1);
    RUN(the_estimate_tells_the_bytes_of_the_finished_pictures);
    return test_end();
}
