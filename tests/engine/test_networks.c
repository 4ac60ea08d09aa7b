/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layouts and parametrisations beyond the plain ones, in two whole steps against diffusers' own nets and
 * schedulers: tests/golden/golden_networks.py. */
#include "demo_help.h"
#include "files/safetensors.h"
#include "model_help.h"
#include "model_maker.h"
#include "sample/schedule.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LATENTS = 4 * 8 * 8, PIXELS = 3 * 64 * 64 };

typedef struct {
    float latents[LATENTS], picture[PIXELS];
} Stages;

static const float *numbers(const char *case_name, const char *what, size_t count)
{
    static Safetensors *file;
    EngineError         error = { 0 };
    char                path[1024], name[96];
    snprintf(path, sizeof path, "%s/golden/networks.safetensors", getenv("TEST_DATA"));
    if (!file && !(file = safetensors_open(path, &error))) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    snprintf(name, sizeof name, "%s.%s", case_name, what);
    const SafetensorsEntry *entry = safetensors_find(file, name);
    return entry && entry->end - entry->begin == 4 * count ? entry->data : NULL;
}

static void keep(void *user, const char *name, const float *data, int rank, const int *shape)
{
    Stages *stages = user;
    (void)rank;
    if (strcmp(name, "latents.2") == 0 && shape[2] == 8 && shape[3] == 8)
        memcpy(stages->latents, data, sizeof stages->latents);
    if (strcmp(name, "picture") == 0 && shape[2] == 64)
        memcpy(stages->picture, data, sizeof stages->picture);
}

static Engine *open_model(const char *file, EnginePrediction prediction)
{
    char          path[1024], name[96];
    EngineError   error = { 0 };
    EngineOptions options = engine_options_default();
    options.prediction = prediction;
    snprintf(name, sizeof name, "networks/%s", file);
    Engine *engine = demo_try(golden_path(path, name), &options, 1, &error);
    if (!CHECK(engine))
        printf("     %s\n", error.message);
    return engine;
}

/* Two steps of the prompt "a" from torch's noise of seed 5. */
static void compare(const char *file, const char *case_name, EngineSampler sampler, EngineSchedule schedule,
                    float cfg, EnginePrediction prediction)
{
    Engine *engine = open_model(file, prediction);
    if (!engine)
        return;
    Stages       *stages = calloc(1, sizeof *stages);
    EnginePicture picture = { 0 };
    EngineError   error = { 0 };
    EngineRequest request = engine_request_default(engine);
    request.prompt = "a";
    request.width = request.height = 64;
    request.seed = 5;
    request.noise = ENGINE_NOISE_CPU;
    request.sampler = sampler;
    request.schedule = schedule;
    request.steps = 2;
    request.cfg = cfg;
    request.observe = keep;
    request.user = stages;
    if (!CHECK(engine_generate(engine, &request, &picture, &error)))
        printf("     %s\n", error.message);
    const float *latents = numbers(case_name, "latents", LATENTS);
    const float *decoded = numbers(case_name, "picture", PIXELS);
    if (!CHECK(latents) || !CHECK_NEAR(stages->latents, latents, LATENTS, 1e-4))
        printf("     of %s\n", file);
    if (decoded)
        CHECK_NEAR(stages->picture, decoded, PIXELS, 1e-4);
    engine_picture_clear(&picture);
    free(stages);
    demo_close(engine);
}

static void plain(const char *file, const char *case_name, EnginePrediction prediction)
{
    compare(file, case_name, ENGINE_EULER, ENGINE_SCHEDULE_SIMPLE, 3, prediction);
}

static void blocks_left_out_of_the_middle_equal_diffusers(void)
{
    plain("middle_one.safetensors", "middle_one", ENGINE_PREDICTION_AUTO);
    plain("middle_one", "middle_one", ENGINE_PREDICTION_AUTO);
    plain("middle_none.safetensors", "middle_none", ENGINE_PREDICTION_AUTO);
    plain("middle_none", "middle_none", ENGINE_PREDICTION_AUTO);
}

static void edm_models_equal_diffusers(void)
{
    compare("playground.safetensors", "playground", ENGINE_EULER, ENGINE_SCHEDULE_KARRAS, 3,
            ENGINE_PREDICTION_AUTO);
    compare("playground", "playground", ENGINE_EULER, ENGINE_SCHEDULE_KARRAS, 3, ENGINE_PREDICTION_AUTO);
    compare("cosxl.safetensors", "cosxl", ENGINE_EULER, ENGINE_SCHEDULE_KARRAS, 3, ENGINE_PREDICTION_AUTO);
}

static void guidance_as_a_number_equals_diffusers(void)
{
    compare("lcm", "lcm", ENGINE_LCM, ENGINE_SCHEDULE_SIMPLE, 8.5f, ENGINE_PREDICTION_AUTO);
}

static void trimmed_towers_give_the_same_text(void)
{
    plain("tower_24.safetensors", "tower", ENGINE_PREDICTION_V);
    plain("tower_23.safetensors", "tower", ENGINE_PREDICTION_V);
}

static void a_scheduler_that_says_everything_is_followed(void)
{
    plain("sample", "sample", ENGINE_PREDICTION_AUTO);
}

static void scaled_fp8_is_stored_times_scale(void)
{
    plain("scaled_fp8.safetensors", "scaled_fp8", ENGINE_PREDICTION_AUTO);
}

static void noise_levels_equal_diffusers(void)
{
    static const struct {
        const char *name;
        Betas       betas;
        double      from, to;
        bool        zero;
    } cases[] = { { "linear", BETAS_LINEAR, 0.0001, 0.02, false },
                  { "cosine", BETAS_SQUARED_COSINE, 0.00085, 0.012, false },
                  { "trained", BETAS_TRAINED, 0.00085, 0.012, false },
                  { "rescaled", BETAS_SCALED_LINEAR, 0.00085, 0.012, true } };
    NoiseLevels levels;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Parametrisation of = parametrisation_default();
        of.betas = cases[i].betas;
        of.beta_start = cases[i].from;
        of.beta_end = cases[i].to;
        of.zero_terminal_snr = cases[i].zero;
        for (int k = 0; k < PARAMETRISATION_LEVELS; k++)
            of.trained[k] = (float)pow(0.01 + 0.09 * k / 999, 2);
        noise_levels_init(&levels, &of);
        const float *want = numbers("levels", cases[i].name, PARAMETRISATION_LEVELS);
        double       worst = 0;
        for (int k = 0; CHECK(want) && k < PARAMETRISATION_LEVELS - cases[i].zero; k++)
            worst = fmax(worst, fabs(levels.sigmas[k] - (double)want[k]) / (double)want[k]);
        printf("     %s: worst %.2g\n", cases[i].name, worst);
        CHECK(worst < 1e-3); /* diffusers multiplies a thousand floats */
    }
}

/* What a file is, from its header: parametrisation, range, defaults. */
static void inspect_tells_how_a_model_is_to_be_run(void)
{
    static const struct {
        const char    *file, *prediction;
        bool           edm, few;
        double         least, most;
        EngineSampler  sampler;
        EngineSchedule schedule;
    } cases[] = {
        { "playground.safetensors", "epsilon", true, false, 0.002, 80, ENGINE_DPMPP_2M, ENGINE_SCHEDULE_KARRAS },
        { "playground", "epsilon", true, false, 0.002, 80, ENGINE_DPMPP_2M, ENGINE_SCHEDULE_KARRAS },
        { "cosxl.safetensors", "v", true, false, 0.002, 120, ENGINE_DPMPP_2M, ENGINE_SCHEDULE_KARRAS },
        { "lcm", "epsilon", false, true, 0.02917, 14.615, ENGINE_LCM, ENGINE_SCHEDULE_SIMPLE },
        { "sample", "sample", false, false, 0.01, 157.4, ENGINE_DPMPP_2M, ENGINE_SCHEDULE_SIMPLE },
        { "middle_one.safetensors", "epsilon", false, false, 0.02917, 14.615, ENGINE_DPMPP_2M,
          ENGINE_SCHEDULE_KARRAS },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char            path[1024], name[96];
        EngineModelInfo info;
        EngineError     error = { 0 };
        snprintf(name, sizeof name, "networks/%s", cases[i].file);
        CHECK(engine_inspect(golden_path(path, name), &info, &error) && info.runnable);
        CHECK_STRING(info.prediction, cases[i].prediction);
        CHECK(info.edm == cases[i].edm && info.few_steps == cases[i].few);
        CHECK(fabs(info.sigma_min / cases[i].least - 1) < 1e-3);
        if (!CHECK(fabs(info.sigma_max / cases[i].most - 1) < 1e-3))
            printf("     %s: sigma %g to %g\n", cases[i].file, info.sigma_min, info.sigma_max);
        CHECK(info.sampler == cases[i].sampler && info.schedule == cases[i].schedule);
        CHECK(info.steps == (cases[i].few ? 4 : 20));
        Engine       *engine = open_model(cases[i].file, ENGINE_PREDICTION_AUTO);
        EngineRequest request = engine_request_default(engine);
        CHECK(request.sampler == info.sampler && request.steps == info.steps &&
              request.cfg == info.cfg && request.schedule == info.schedule);
        demo_close(engine);
    }
}

/* ---- what shapes cannot say ------------------------------------------------------------------- */

static EngineModelInfo inspect_sketch(const Sketch *sketch, bool folder)
{
    char            path[64];
    EngineModelInfo info = { .runnable = false };
    EngineError     error = { 0 };
    snprintf(path, sizeof path, "/tmp/networks-%ld%s", (long)getpid(), folder ? "" : ".safetensors");
    if (CHECK(sketch_write(sketch, path, folder)) && !CHECK(engine_inspect(path, &info, &error)))
        printf("     %s\n", error.message);
    sketch_remove(path, folder);
    return info;
}

/* SD 2.x's structure: four levels of two blocks, linear projections. */
static Sketch second_family(void)
{
    Sketch sketch = sketch_small();
    sketch.levels = 4;
    for (int i = 0; i < 4; i++) {
        sketch.channels[i] = 8;
        sketch.blocks[i] = 2;
        sketch.depth[i] = i < 3;
    }
    sketch.linear_projections = true;
    return sketch;
}

static void the_second_family_is_told_by_its_biases(void)
{
    Sketch sketch = second_family();
    CHECK_STRING(inspect_sketch(&sketch, false).prediction, "v");
    CHECK_STRING(inspect_sketch(&sketch, true).prediction, "v");
    sketch.calm = true;
    CHECK_STRING(inspect_sketch(&sketch, false).prediction, "epsilon");
    sketch.in_channels = 9; /* inpainting models predict noise, whatever their biases */
    sketch.calm = false;
    CHECK_STRING(inspect_sketch(&sketch, false).prediction, "epsilon");
}

static void a_claim_is_believed_in_every_family(void)
{
    static const char *const keys[] = { "modelspec.prediction_type", "modelspec.predict_key" };
    Sketch                   sketch = second_family(), two = sketch_two_towers(), first = sketch_small();
    for (int i = 0; i < 2; i++) {
        sketch.claim = two.claim = first.claim = keys[i];
        sketch.claimed = "epsilon";
        CHECK_STRING(inspect_sketch(&sketch, false).prediction, "epsilon");
        two.claimed = first.claimed = "v";
        CHECK_STRING(inspect_sketch(&two, false).prediction, "v");
        CHECK_STRING(inspect_sketch(&first, false).prediction, "v");
    }
    first.claim = "modelspec.title";
    first.claimed = "Something Turbo v2";
    EngineModelInfo info = inspect_sketch(&first, false);
    CHECK(info.few_steps && info.steps == 4 && info.cfg == 1);
}

static void schedulers_that_are_not_known_are_refused_by_name(void)
{
    static const struct {
        const char *config, *reason;
    } cases[] = {
        { "{\"_class_name\": \"FlowMatchEulerDiscreteScheduler\"}", "FlowMatchEulerDiscreteScheduler" },
        { "{\"beta_schedule\": \"sigmoid\"}", "'beta_schedule' is 'sigmoid'" },
        { "{\"prediction_type\": \"flow_prediction\"}", "predicts 'flow_prediction'" },
        { "{\"num_train_timesteps\": 4000}", "4000 noise levels" },
        { "{\"trained_betas\": [0.1, 0.2]}", "'trained_betas'" },
        { "{\"_class_name\": \"EDMEulerScheduler\", \"prediction_type\": \"sample\"}", "EDM" },
    };
    Sketch sketch = sketch_small();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sketch.scheduler = cases[i].config;
        EngineModelInfo info = inspect_sketch(&sketch, true);
        if (!CHECK(!info.runnable && strstr(info.reason, cases[i].reason)))
            printf("     '%s' instead of '%s'\n", info.reason, cases[i].reason);
    }
    sketch.scheduler = "{\"_class_name\": \"EulerAncestralDiscreteScheduler\", \"timestep_spacing\": \"trailing\"}";
    EngineModelInfo info = inspect_sketch(&sketch, true);
    CHECK(info.runnable && info.few_steps && info.sampler == ENGINE_EULER_A && info.cfg == 1);
    sketch.scheduler = "{\"_class_name\": \"EulerDiscreteScheduler\", \"timestep_spacing\": \"trailing\", "
                       "\"prediction_type\": \"v_prediction\", \"rescale_betas_zero_snr\": true}";
    info = inspect_sketch(&sketch, true);
    CHECK(info.runnable && !info.few_steps && info.zero_terminal_snr && info.steps == 20);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(blocks_left_out_of_the_middle_equal_diffusers);
    RUN(edm_models_equal_diffusers);
    RUN(guidance_as_a_number_equals_diffusers);
    RUN(trimmed_towers_give_the_same_text);
    RUN(a_scheduler_that_says_everything_is_followed);
    RUN(scaled_fp8_is_stored_times_scale);
    RUN(noise_levels_equal_diffusers);
    RUN(inspect_tells_how_a_model_is_to_be_run);
    RUN(the_second_family_is_told_by_its_biases);
    RUN(a_claim_is_believed_in_every_family);
    RUN(schedulers_that_are_not_known_are_refused_by_name);
    return test_end();
}
