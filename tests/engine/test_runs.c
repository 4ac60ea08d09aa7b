/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole runs of the demo checkpoint against diffusers on the same noise (tests/golden/golden_runs.py,
 * which is to be run again when another demo checkpoint takes its place). */
#include "demo_help.h"
#include "files/safetensors.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATENTS = 4 * 32 * 32, PIXELS = 256 * 256 };

static void keep_last_latents(void *user, const char *name, const float *data, int rank,
                              const int *shape)
{
    (void)rank;
    if (strcmp(name, "latents.20") == 0 && shape[2] == 32 && shape[3] == 32)
        memcpy(user, data, LATENTS * sizeof(float));
}

/* The largest difference of 8-bit pictures; want is [3, h, w]. */
static int worst_of_255(const EnginePicture *picture, const unsigned char *want)
{
    int worst = 0;
    for (int i = 0; i < PIXELS; i++)
        for (int c = 0; c < 3; c++) {
            int got = (int)lrintf(picture->pixels[3 * i + c] * 255);
            int off = abs(got - want[c * PIXELS + i]);
            worst = off > worst ? off : worst;
        }
    return worst;
}

static void compare(EngineSchedule schedule, const char *name)
{
    char        path[4096], key[32];
    EngineError error = { 0 };
    snprintf(path, sizeof path, "%s/golden/runs.safetensors", getenv("TEST_DATA"));
    Safetensors  *golden = safetensors_open(path, &error);
    Engine       *engine = demo_open(0);
    if (!CHECK(golden != NULL)) {
        printf("     %s\n", error.message);
        return;
    }
    float        *latents = calloc(LATENTS, sizeof *latents), want[LATENTS];
    EnginePicture picture = { 0 };
    EngineRequest request = engine_request_default(engine);
    request.prompt = "a dog on a blue background";
    request.negative_prompt = "blurry";
    request.seed = 5;
    request.cfg = 7; /* the demo recommends less */
    request.noise = ENGINE_NOISE_CPU;
    request.sampler = ENGINE_EULER;
    request.schedule = schedule;
    request.observe = keep_last_latents;
    request.user = latents;
    CHECK(engine_generate(engine, &request, &picture, &error));
    snprintf(key, sizeof key, "%s.latents", name);
    memcpy(want, safetensors_find(golden, key)->data, sizeof want);
    CHECK_NEAR(latents, want, LATENTS, 1e-3);
    snprintf(key, sizeof key, "%s.picture", name);
    if (CHECK(picture.pixels != NULL)) {
        int worst = worst_of_255(&picture, safetensors_find(golden, key)->data);
        printf("     picture: worst %d of 255\n", worst);
        CHECK(worst <= 1);
    }
    free(latents);
    engine_picture_clear(&picture);
    demo_close(engine);
    safetensors_close(golden);
}

static void twenty_steps_of_euler_match_diffusers(void)
{
    compare(ENGINE_SCHEDULE_NORMAL, "normal");
}

static void twenty_steps_over_karras_levels_match_diffusers(void)
{
    compare(ENGINE_SCHEDULE_KARRAS, "karras");
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(twenty_steps_of_euler_match_diffusers);
    RUN(twenty_steps_over_karras_levels_match_diffusers);
    return test_end();
}
