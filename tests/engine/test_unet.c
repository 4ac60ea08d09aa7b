/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Worst element against diffusers' UNet2DConditionModel; see tests/golden/golden_models.py. */
#include "networks/unet.h"

#include "model_help.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const Unet  *unet;
    Tensor       out, latents, contexts[2], labels;
    const float *times;
    float        guidance;
    bool         wrap;
} Run;

static void body(Compute *compute, void *data)
{
    Run *run = data;
    unet_forward(compute, run->unet, run->out, run->latents, run->times, run->contexts, run->labels,
                 run->guidance, run->wrap, run->wrap);
}

static Unet *create(const Checkpoint *checkpoint, const ModelConfig *config)
{
    EngineError error = { 0 };
    Unet       *unet = unet_create(checkpoint, &config->unet, &error);
    if (!CHECK(unet != NULL))
        printf("     %s\n", error.message);
    return unet;
}

/* What golden_models.py put in; out is to be freed. */
static Run run_of(const char *model, const Unet *unet)
{
    Run run = { .unet = unet,
                .latents = golden_tensor(model, "latents"),
                .contexts = { golden_tensor(model, "context.0"),
                              golden_tensor(model, "context.1") },
                .times = golden_numbers(model, "timesteps", NULL) };
    int shape[TENSOR_MAX_RANK];
    if (golden_has(model, "y")) {
        const float *labels = golden_numbers(model, "y", shape);
        run.labels = cpu_tensor((float *)(uintptr_t)labels, 1, 1, shape[0], shape[1]);
    }
    run.out = test_tensor(run.latents.n, 4, run.latents.h, run.latents.w);
    return run;
}

static void check_model(const char *file, const char *model, bool wrap)
{
    ModelConfig config;
    Checkpoint *checkpoint = golden_checkpoint(file, &config);
    Unet       *unet = create(checkpoint, &config);
    Run         run = run_of(model, unet);
    run.wrap = wrap;
    run_rehearsed(2, body, &run);
    if (!CHECK_NEAR(cpu_data(run.out), golden_numbers(model, wrap ? "output_tiled" : "output", NULL),
                    tensor_count(run.out), 1e-4))
        printf("     of %s\n", file);
    test_free(run.out);
    unet_destroy(unet);
    checkpoint_close(checkpoint);
}

static void every_family_equals_diffusers_from_single_files(void)
{
    check_model("sd1.safetensors", "sd1", false);
    check_model("sd1_instruct.safetensors", "sd1_instruct", false);
    check_model("sd1_inpaint.safetensors", "sd1_inpaint", false);
    check_model("sd2.safetensors", "sd2", false);
    check_model("sdxl.safetensors", "sdxl", false);
}

static void every_family_equals_diffusers_from_folders(void)
{
    check_model("sd1", "sd1", false);
    check_model("sd2", "sd2", false);
    check_model("sdxl", "sdxl", false); /* five shards */
}

static void demo_checkpoint_equals_diffusers(void)
{
    check_model("demo", "demo", false);
}

static void padding_wraps_around_as_circular_convolutions_do(void)
{
    check_model("sd1.safetensors", "sd1", true);
    check_model("sdxl.safetensors", "sdxl", true);
}

static void the_same_bits_for_any_number_of_threads(void)
{
    static const int   counts[] = { 1, 2, 3, 8 };
    static const char *models[] = { "sd1", "sdxl", "demo" };
    for (int m = 0; m < 3; m++) {
        char        file[64];
        ModelConfig config;
        snprintf(file, sizeof file, m == 2 ? "%s" : "%s.safetensors", models[m]);
        Checkpoint *checkpoint = golden_checkpoint(file, &config);
        Unet       *unet = create(checkpoint, &config);
        Run         run = run_of(models[m], unet);
        size_t      bytes = tensor_count(run.out) * sizeof(float);
        float      *first = malloc(bytes);
        for (int i = 0; i < 4; i++) {
            run_rehearsed(counts[i], body, &run);
            if (i == 0)
                memcpy(first, cpu_data(run.out), bytes);
            CHECK(memcmp(first, cpu_data(run.out), bytes) == 0);
        }
        free(first);
        test_free(run.out);
        unet_destroy(unet);
        checkpoint_close(checkpoint);
    }
}

static void an_item_does_not_depend_on_its_neighbour(void)
{
    ModelConfig config;
    Checkpoint *checkpoint = golden_checkpoint("sd1.safetensors", &config);
    Unet       *unet = create(checkpoint, &config);
    Run         run = run_of("sd1", unet);
    size_t      one = tensor_count(run.out) / 2;
    run.latents = tensor_batch(run.latents, 0, 1);
    run.out = tensor_batch(run.out, 0, 1);
    run_rehearsed(2, body, &run);
    CHECK_NEAR(cpu_data(run.out), golden_numbers("sd1", "output", NULL), one, 1e-4);
    run.latents = tensor_batch(golden_tensor("sd1", "latents"), 1, 1);
    run.contexts[0] = run.contexts[1];
    run.times++;
    run_rehearsed(2, body, &run);
    CHECK_NEAR(cpu_data(run.out), golden_numbers("sd1", "output", NULL) + one, one, 1e-4);
    test_free(run.out);
    unet_destroy(unet);
    checkpoint_close(checkpoint);
}

static void unaligned_weights_give_the_same_bits(void)
{
    static const char *const models[] = { "sd1", "sd1_instruct",
                                          "sd1_inpaint" }; /* F16, F32, BF16 */
    for (int m = 0; m < 3; m++)
        for (int skew = 1; skew <= 3; skew += 2) {
            char        file[64];
            void       *memory;
            ModelConfig config;
            snprintf(file, sizeof file, "%s.safetensors", models[m]);
            Checkpoint *checkpoint = golden_skewed(file, skew, &config, &memory);
            Unet       *unet = create(checkpoint, &config);
            Run         run = run_of(models[m], unet);
            run_rehearsed(2, body, &run);
            CHECK_NEAR(cpu_data(run.out), golden_numbers(models[m], "output", NULL),
                       tensor_count(run.out), 1e-4);
            test_free(run.out);
            unet_destroy(unet);
            checkpoint_close(checkpoint);
            free(memory);
        }
}

/* Small sides, odd ones, and a single row: only that it runs and that the dry run is right. */
static void every_size_of_latents_runs(void)
{
    static const int sizes[][2] = { { 1, 1 }, { 1, 9 }, { 3, 2 }, { 13, 5 } };
    ModelConfig      config;
    Checkpoint      *checkpoint = golden_checkpoint("sd1.safetensors", &config);
    Unet            *unet = create(checkpoint, &config);
    Run              run = run_of("sd1", unet);
    float            latents[2 * 4 * 13 * 5];
    for (size_t i = 0; i < sizeof latents / sizeof *latents; i++)
        latents[i] = (float)(i % 7) - 3;
    for (int i = 0; i < 4; i++) {
        run.latents = cpu_tensor(latents, 2, 4, sizes[i][0], sizes[i][1]);
        test_free(run.out);
        run.out = test_tensor(2, 4, sizes[i][0], sizes[i][1]);
        run_rehearsed(2, body, &run);
        for (size_t k = 0; k < tensor_count(run.out); k++)
            if (!CHECK(cpu_data(run.out)[k] - cpu_data(run.out)[k] == 0)) /* finite */
                break;
    }
    test_free(run.out);
    unet_destroy(unet);
    checkpoint_close(checkpoint);
}

static size_t sd15_peak(const Unet *unet, int size, int threads)
{
    static const float times[2];
    Tensor             latents = tensor_at(NULL, 0, TYPE_F32, 2, 4, size / 8, size / 8);
    Run                run = { .unet = unet, .out = latents, .latents = latents, .times = times,
                               .contexts = { tensor_at(NULL, 0, TYPE_F32, 1, 1, 77, 768),
                                             tensor_at(NULL, 0, TYPE_F32, 1, 1, 154, 768) } };
    return run_dry(threads, body, &run);
}

static void a_guided_pair_of_sd15_keeps_within_its_memory(void)
{
    ModelConfig config;
    Checkpoint *checkpoint = sd15_shapes(&config);
    Unet       *unet = create(checkpoint, &config);
    for (int threads = 2; threads <= 16; threads *= 8) {
        size_t small = sd15_peak(unet, 512, threads), large = sd15_peak(unet, 1024, threads);
        printf("     %d threads: 512: %.0f MB, 1024: %.0f MB\n", threads, (double)small / 1e6,
               (double)large / 1e6);
        CHECK(small <= 580e6);
        CHECK(large <= 1560e6);
    }
    unet_destroy(unet);
    checkpoint_close(checkpoint);
}

static void a_missing_tensor_is_named(void)
{
    ModelConfig config;
    EngineError error = { 0 };
    Checkpoint *checkpoint = golden_checkpoint("sd1.safetensors", &config);
    config.unet.down_depth[2][0] = 1;
    CHECK(unet_create(checkpoint, &config.unet, &error) == NULL);
    CHECK(error.status == ENGINE_BAD_FILE || error.status == ENGINE_UNSUPPORTED);
    CHECK(strstr(error.message, "input_blocks.5.1.") != NULL);
    checkpoint_close(checkpoint);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(every_family_equals_diffusers_from_single_files);
    RUN(every_family_equals_diffusers_from_folders);
    RUN(demo_checkpoint_equals_diffusers);
    RUN(padding_wraps_around_as_circular_convolutions_do);
    RUN(the_same_bits_for_any_number_of_threads);
    RUN(an_item_does_not_depend_on_its_neighbour);
    RUN(unaligned_weights_give_the_same_bits);
    RUN(every_size_of_latents_runs);
    RUN(a_guided_pair_of_sd15_keeps_within_its_memory);
    RUN(a_missing_tensor_is_named);
    return test_end();
}
