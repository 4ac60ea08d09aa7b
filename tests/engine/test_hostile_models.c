/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Well-formed models whose numbers are not what anybody trained: counts beyond every limit, widths that do
 * not divide, networks that do not fit each other.  Each is inspected, opened, estimated and, where it is
 * said to be ready, run for one step of each mode; in a single file and in a folder.  What this looks for is
 * what the sanitizers see; HOSTILE_MODELS=N makes N random ones, HOSTILE_SEED=S begins elsewhere. */
#include "demo_help.h"
#include "model_maker.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 64 };

typedef struct {
    bool runnable;
    int  runs; /* that made a picture */
    char reason[1024];
} Verdict;

static void fill(EnginePicture *picture, float *pixels, int channels)
{
    *picture = (EnginePicture){ SIDE, SIDE, channels, pixels };
    for (int i = 0; i < SIDE * SIDE * channels; i++)
        pixels[i] = (float)(i % 7) / 6;
}

/* A picture, or a sentence. */
static bool run_mode(Engine *engine, bool source, bool mask, Verdict *verdict)
{
    static float   pixels[SIDE * SIDE * 3], holes[SIDE * SIDE];
    EnginePicture  from, hole, out = { 0 };
    EngineError    error = { ENGINE_OK, "" };
    EngineEstimate estimate;
    EngineRequest  request = engine_request_default(engine);
    fill(&from, pixels, 3);
    fill(&hole, holes, 1);
    request.width = request.height = SIDE;
    request.steps = 1;
    request.cfg = 2;
    request.want_preview = true;
    request.clip_skip = 2;
    request.source = source ? &from : NULL;
    request.mask = mask ? &hole : NULL;
    if (!engine_estimate(engine, &request, &estimate, &error) || estimate.scratch_bytes > 400u << 20) {
        snprintf(verdict->reason, sizeof verdict->reason, "%s", error.message);
        return estimate.scratch_bytes > 400u << 20 || CHECK(error.message[0] != '\0');
    }
    bool ok = engine_generate(engine, &request, &out, &error);
    verdict->runs += ok;
    if (!ok)
        snprintf(verdict->reason, sizeof verdict->reason, "%s", error.message);
    CHECK(ok == (out.pixels != NULL));
    CHECK(ok == (error.status == ENGINE_OK));
    engine_picture_clear(&out);
    return true;
}

static Verdict try_path(const char *path, const char *taesd)
{
    Verdict         verdict = { .runs = 0 };
    EngineModelInfo info;
    EngineError     error = { ENGINE_OK, "" };
    EngineOptions   options = engine_options_default();
    options.taesd_path = taesd;
    if (!CHECK(engine_inspect(path, &info, &error)))
        printf("     %s\n", error.message);
    Engine *engine = demo_try(path, &options, 1, &error);
    verdict.runnable = engine != NULL;
    snprintf(verdict.reason, sizeof verdict.reason, "%s", engine ? "" : error.message);
    CHECK(taesd || info.runnable == (engine != NULL));
    CHECK(engine || error.status == ENGINE_UNSUPPORTED);
    for (int mode = 0; mode < 3 && engine; mode++)
        run_mode(engine, mode > 0, mode > 1, &verdict);
    demo_close(engine);
    return verdict;
}

static Verdict try_sketch(const Sketch *sketch, bool folder)
{
    char path[64], taesd[80];
    snprintf(path, sizeof path, "/tmp/hostile-%ld%s", (long)getpid(), folder ? "" : ".safetensors");
    snprintf(taesd, sizeof taesd, "/tmp/hostile-%ld.taesd.safetensors", (long)getpid());
    Verdict verdict = { .runs = 0 };
    if (CHECK(sketch_write(sketch, path, folder)) &&
        CHECK(!sketch->taesd || sketch_write_taesd(taesd, 4, sketch->seed)))
        verdict = try_path(path, sketch->taesd ? taesd : NULL);
    sketch_remove(path, folder);
    unlink(taesd);
    return verdict;
}

/* Refused in both layouts, with this piece in the sentence. */
static void refused(const Sketch *sketch, const char *why)
{
    for (int folder = 0; folder < 2; folder++) {
        Verdict verdict = try_sketch(sketch, folder);
        if (!CHECK(!verdict.runnable) || !CHECK(strstr(verdict.reason, why)))
            printf("     %s: '%s' instead of '%s'\n", folder ? "folder" : "file", verdict.reason, why);
    }
}

static void runs(const Sketch *sketch, int modes)
{
    for (int folder = 0; folder < 2; folder++) {
        Verdict verdict = try_sketch(sketch, folder);
        if (!CHECK(verdict.runnable) || !CHECK_INT(verdict.runs, modes))
            printf("     %s: %s\n", folder ? "folder" : "file", verdict.reason);
    }
}

/* ---- one number at a time -------------------------------------------------------------------- */

static void small_models_run(void)
{
    Sketch sketch = sketch_small(), two = sketch_two_towers();
    runs(&sketch, 3);
    runs(&two, 3);
    sketch.taesd = true;
    runs(&sketch, 3);
    sketch.in_channels = 9;
    runs(&sketch, 3);
    sketch.in_channels = 8;
    runs(&sketch, 2); /* an instruction needs a picture */
}

static void blocks_beyond_the_arrays_are_refused(void)
{
    Sketch sketch = sketch_small();
    for (int blocks = 9; blocks <= 70; blocks += 61) {
        sketch = sketch_small();
        sketch.blocks[0] = blocks;
        refused(&sketch, "a level of the U-Net has more than 8 blocks");
        sketch = sketch_small();
        sketch.vae_blocks = blocks;
        refused(&sketch, "a level of the VAE has more than 8 blocks");
        sketch.encoder = false;
        refused(&sketch, "a level of the VAE has more than 8 blocks");
    }
    sketch = sketch_small();
    sketch.blocks[0] = sketch.blocks[1] = sketch.vae_blocks = 8;
    runs(&sketch, 3);
}

static void levels_beyond_the_arrays_are_refused(void)
{
    Sketch sketch = sketch_small();
    sketch.levels = 9;
    for (int i = 0; i < 9; i++) {
        sketch.channels[i] = 4;
        sketch.blocks[i] = 1;
        sketch.depth[i] = i == 1;
    }
    refused(&sketch, "the U-Net has more than 8 levels");
    sketch.levels = 8;
    runs(&sketch, 3);
    sketch = sketch_small();
    sketch.vae_levels = 9;
    for (int i = 0; i < 9; i++)
        sketch.vae_channels[i] = 4;
    refused(&sketch, "the VAE has more than 8 levels");
    for (int levels = 2; levels <= 7; levels += 5) {
        sketch.vae_levels = levels;
        runs(&sketch, 3);
    }
}

static void depths_beyond_the_limits_are_refused(void)
{
    Sketch sketch = sketch_small();
    sketch.depth[1] = 65;
    refused(&sketch, "a transformer of the U-Net has more than 64 layers");
    sketch = sketch_small();
    sketch.middle_depth = 65;
    refused(&sketch, "a transformer of the U-Net has more than 64 layers");
    sketch.middle_depth = 64;
    runs(&sketch, 3);
    sketch = sketch_small();
    sketch.text_layers = 257;
    refused(&sketch, "a text encoder has more than 256 layers");
    sketch.text_layers = 0;
    refused(&sketch, "the text encoder has no layers");
    for (sketch.text_layers = 1; sketch.text_layers < 4; sketch.text_layers++)
        runs(&sketch, 3);
}

static void heads_and_groups_that_do_not_divide_are_refused(void)
{
    static const int heads[] = { 3, 16, 1 << 20 };
    Sketch           sketch;
    for (int i = 0; i < 3; i++) {
        sketch = sketch_small();
        sketch.heads = heads[i];
        refused(&sketch, "heads");
        sketch = sketch_small();
        sketch.text_heads = heads[i];
        refused(&sketch, "heads");
        sketch = sketch_small();
        sketch.groups = heads[i];
        refused(&sketch, "norm groups");
        sketch = sketch_small();
        sketch.vae_groups = heads[i];
        refused(&sketch, "norm groups");
    }
    sketch = sketch_small();
    sketch.model_channels = 6;
    refused(&sketch, "the U-Net's 6 channels do not divide into 4 norm groups");
    sketch.model_channels = 20;
    runs(&sketch, 3);
    sketch = sketch_small();
    sketch.groups = sketch.vae_groups = sketch.heads = sketch.text_heads = 1;
    runs(&sketch, 3);
    sketch.groups = 0; /* 32 */
    refused(&sketch, "the U-Net's 8 channels do not divide into 32 norm groups");
}

static void words_and_positions_that_prompts_need_are_asked_for(void)
{
    Sketch sketch = sketch_small();
    for (sketch.vocabulary = 1; sketch.vocabulary < 3; sketch.vocabulary++)
        refused(&sketch, "vocabulary");
    runs(&sketch, 3);
    sketch.positions = 76;
    refused(&sketch, "76 positions");
    sketch.positions = 1;
    refused(&sketch, "1 positions");
    sketch.positions = 248;
    runs(&sketch, 3);
}

static void networks_that_do_not_fit_each_other_are_refused(void)
{
    Sketch sketch = sketch_small();
    sketch.context_width = 12;
    refused(&sketch, "the U-Net wants text of width 12 and the text encoders make 8");
    sketch = sketch_small();
    sketch.depth[0] = sketch.depth[1] = sketch.middle_depth = 0;
    CHECK(strstr(try_sketch(&sketch, false).reason, "the U-Net has no attention"));
    CHECK(!try_sketch(&sketch, true).runnable);
    sketch = sketch_small();
    sketch.z = 5;
    refused(&sketch, "latents have 5 channels in the VAE and 4 in the U-Net");
    sketch = sketch_small();
    sketch.out_channels = 8;
    refused(&sketch, "latents have 4 channels in the VAE and 8 in the U-Net");
    for (int channels = 1; channels < 12; channels++) {
        sketch = sketch_small();
        sketch.in_channels = channels;
        if (channels == 5 || channels == 7) /* of depth-to-image and of an upscaler, and named so */
            refused(&sketch, "picture");
        else if (channels != 4 && channels != 8 && channels != 9)
            refused(&sketch, "channels");
    }
    sketch = sketch_two_towers();
    sketch.projection = 0;
    refused(&sketch, "vector");
    sketch = sketch_two_towers();
    sketch.label_width = 12;
    refused(&sketch, "vector");
    sketch.label_width = 12 + 7;
    refused(&sketch, "vector");
    sketch = sketch_two_towers();
    sketch.text_count = 1;
    sketch.context_width = 8;
    refused(&sketch, "second text encoder is missing");
    sketch = sketch_small();
    sketch.taesd = true;
    sketch.vae_channels[4] = 8;
    for (sketch.vae_levels = 1; sketch.vae_levels < 6; sketch.vae_levels++)
        if (sketch.vae_levels == 4)
            runs(&sketch, 3);
        else
            refused(&sketch, "TAESD");
}

static void half_a_vae_is_told(void)
{
    Sketch sketch = sketch_small();
    sketch.encoder = false;
    runs(&sketch, 1);
    Verdict verdict = try_sketch(&sketch, false);
    CHECK(strstr(verdict.reason, "no encoder"));
    sketch.in_channels = 9;
    verdict = try_sketch(&sketch, false);
    CHECK_INT(verdict.runs, 0);
    CHECK(strstr(verdict.reason, "no encoder"));
    sketch.in_channels = 4;
    sketch.encoder = true;
    sketch.decoder = false;
    refused(&sketch, "is missing");
}

/* ---- anything at all -------------------------------------------------------------------------- */

static unsigned next(uint64_t *random, unsigned below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*random >> 33) % below;
}

static int one_of(uint64_t *random, const int *values, unsigned count)
{
    return values[next(random, count)];
}

/* Mostly numbers that fit, so that many of them run. */
static Sketch any_sketch(uint64_t *random)
{
    static const int widths[] = { 8, 8, 16, 24, 8, 16, 32, 1, 12 }, groups[] = { 4, 4, 4, 2, 1, 8, 0, 3 };
    static const int channels[] = { 4, 4, 4, 4, 9, 8, 5, 0, 1 };
    Sketch           sketch = next(random, 3) ? sketch_small() : sketch_two_towers();
    sketch.seed = next(random, 1 << 30);
    sketch.in_channels = one_of(random, channels, 9);
    sketch.levels = 1 + (int)next(random, next(random, 9) ? 4 : 11);
    for (int i = 0; i < sketch.levels; i++) {
        sketch.channels[i] = one_of(random, widths, 7 + 2 * !next(random, 9));
        sketch.blocks[i] = next(random, 9) ? 1 + (int)next(random, 3) : (int)next(random, 12);
        sketch.depth[i] = (int)next(random, next(random, 30) ? 3 : 70);
    }
    sketch.model_channels = next(random, 3) ? 0 : one_of(random, widths, 9);
    sketch.middle_depth = (int)next(random, 3);
    sketch.heads = next(random, 9) ? 1 << next(random, 3) : (int)next(random, 40);
    sketch.groups = one_of(random, groups, 4 + 4 * !next(random, 9));
    sketch.time_width = 1 + (int)next(random, 40);
    sketch.vae_levels = next(random, 3) ? 4 : 1 + (int)next(random, 11);
    sketch.vae_blocks = next(random, 9) ? 1 + (int)next(random, 2) : (int)next(random, 12);
    sketch.vae_groups = one_of(random, groups, 4 + 4 * !next(random, 9));
    for (int i = 0; i < sketch.vae_levels; i++)
        sketch.vae_channels[i] = one_of(random, widths, 7 + 2 * !next(random, 9));
    sketch.z = next(random, 12) ? 4 : (int)next(random, 20);
    sketch.encoder = next(random, 6) > 0;
    sketch.decoder = next(random, 20) > 0;
    sketch.quant = next(random, 4) > 0;
    sketch.text_layers = next(random, 20) ? 1 + (int)next(random, 3) : (int)next(random, 260);
    sketch.text_heads = 1 << next(random, 3);
    sketch.positions = next(random, 20) ? 77 : (int)next(random, 300);
    sketch.vocabulary = next(random, 20) ? 99 : (int)next(random, 5);
    sketch.taesd = !next(random, 4);
    return sketch;
}

static void random_models_run_or_are_refused(void)
{
    const char *wanted = getenv("HOSTILE_MODELS"), *from = getenv("HOSTILE_SEED");
    long        count = wanted ? atol(wanted) : 50, seed = from ? atol(from) : 1;
    long        ready = 0, made = 0;
    for (long i = 0; i < count; i++) {
        uint64_t random = (uint64_t)(seed + i) * 0x9e3779b97f4a7c15u;
        Sketch   sketch = any_sketch(&random);
        Verdict  verdict = try_sketch(&sketch, next(&random, 2));
        ready += verdict.runnable;
        made += verdict.runs;
    }
    printf("     %ld models, %ld ready, %ld pictures\n", count, ready, made);
    CHECK(ready > count / 10 && made >= ready);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(small_models_run);
    RUN(blocks_beyond_the_arrays_are_refused);
    RUN(levels_beyond_the_arrays_are_refused);
    RUN(depths_beyond_the_limits_are_refused);
    RUN(heads_and_groups_that_do_not_divide_are_refused);
    RUN(words_and_positions_that_prompts_need_are_asked_for);
    RUN(networks_that_do_not_fit_each_other_are_refused);
    RUN(half_a_vae_is_told);
    RUN(random_models_run_or_are_refused);
    return test_end();
}
