/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Worst element against HF's CLIPTextModel and CLIPTextModelWithProjection; golden_models.py. */
#include "networks/clip.h"

#include "model_help.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const Clip *encoder;
    Tensor      hidden, pooled;
    const int  *tokens;
    int         skip;
} Run;

static void body(Compute *compute, void *data)
{
    Run *run = data;
    clip_forward(compute, run->encoder, run->hidden, run->pooled, run->tokens, run->skip);
}

/* Both rows of the golden tokens, one after the other; the caller frees.  pooled may be NULL. */
static float *encode(const Clip *encoder, const char *model, const TextConfig *config,
                     int skip, int threads, float *pooled)
{
    int    shape[TENSOR_MAX_RANK];
    int   *tokens = golden_tokens(model, shape);
    size_t row = (size_t)shape[1] * (size_t)config->width;
    float *hidden = malloc((size_t)shape[0] * row * sizeof *hidden);
    for (int i = 0; i < shape[0]; i++) {
        Run run = { .encoder = encoder,
                    .hidden = cpu_tensor(hidden + (size_t)i * row, 1, 1, shape[1], config->width),
                    .tokens = tokens + (size_t)i * (size_t)shape[1], .skip = skip };
        if (pooled)
            run.pooled = cpu_tensor(pooled + (size_t)i * (size_t)config->projection, 1, 1, 1,
                                    config->projection);
        run_rehearsed(threads, body, &run);
    }
    free(tokens);
    return hidden;
}

static Clip *create(const Checkpoint *checkpoint, CheckpointPart part,
                           const TextConfig *config)
{
    EngineError  error = { 0 };
    Clip *encoder = clip_create(checkpoint, part, config, &error);
    if (!CHECK(encoder != NULL))
        printf("     %s\n", error.message);
    return encoder;
}

static void check_encoder(const Checkpoint *checkpoint, CheckpointPart part,
                          const TextConfig *config, const char *model)
{
    Clip *encoder = create(checkpoint, part, config);
    Tensor want = golden_tensor(model, "text"), earlier = golden_tensor(model, "text_earlier");
    bool         projected = golden_has(model, "pooled");
    CHECK(want.w == config->width);
    CHECK((config->projection > 0) == projected);
    float *pooled =
        projected ? malloc((size_t)want.n * (size_t)config->projection * sizeof *pooled) : NULL;
    float *hidden = encode(encoder, model, config, 0, 2, pooled);
    if (!CHECK_NEAR(hidden, cpu_data(want), tensor_count(want), 1e-4))
        printf("     of %s\n", model);
    if (projected)
        CHECK_NEAR(pooled, golden_numbers(model, "pooled", NULL),
                   (size_t)want.n * (size_t)config->projection, 1e-4);
    free(hidden);
    hidden = encode(encoder, model, config, 1, 2, NULL);
    if (!CHECK_NEAR(hidden, cpu_data(earlier), tensor_count(earlier), 1e-4))
        printf("     of %s, a layer earlier\n", model);
    free(hidden);
    free(pooled);
    clip_destroy(encoder);
}

static void check_model(const char *file, const char *model)
{
    ModelConfig config;
    Checkpoint *checkpoint = golden_checkpoint(file, &config);
    check_encoder(checkpoint, PART_TEXT, &config.text[0], model);
    if (config.text_count == 2) {
        char second[64];
        snprintf(second, sizeof second, "%s.second", model);
        check_encoder(checkpoint, PART_TEXT_2, &config.text[1], second);
    }
    checkpoint_close(checkpoint);
}

static void every_family_equals_transformers_from_single_files(void)
{
    check_model("sd1.safetensors", "sd1");
    check_model("sd1_instruct.safetensors", "sd1_instruct");
    check_model("sd1_inpaint.safetensors", "sd1_inpaint");
    check_model("sd2.safetensors", "sd2");
    check_model("sdxl.safetensors", "sdxl");
}

static void every_family_equals_transformers_from_folders(void)
{
    check_model("sd1", "sd1");
    check_model("sd2", "sd2");
    check_model("sdxl", "sdxl");
}

static void demo_checkpoint_equals_transformers(void)
{
    check_model("demo", "demo");
}

static void the_same_bits_for_any_number_of_threads(void)
{
    static const int counts[] = { 1, 2, 3, 8 };
    ModelConfig      config;
    Checkpoint      *checkpoint = golden_checkpoint("sdxl.safetensors", &config);
    Clip     *encoder = create(checkpoint, PART_TEXT_2, &config.text[1]);
    size_t           count = tensor_count(golden_tensor("sdxl.second", "text"));
    float            pooled[4][2 * 64], *first = NULL;
    CHECK(config.text[1].projection <= 64);
    for (int i = 0; i < 4; i++) {
        float *hidden = encode(encoder, "sdxl.second", &config.text[1], 0, counts[i], pooled[i]);
        CHECK(!first || memcmp(first, hidden, count * sizeof *hidden) == 0);
        CHECK(memcmp(pooled[0], pooled[i], 2 * (size_t)config.text[1].projection * sizeof(float)) ==
              0);
        if (first)
            free(hidden);
        else
            first = hidden;
    }
    free(first);
    clip_destroy(encoder);
    checkpoint_close(checkpoint);
}

static void unaligned_weights_change_nothing(void)
{
    static const char *const models[] = { "sd1", "sd1_instruct",
                                          "sd1_inpaint" }; /* F16, F32, BF16 */
    for (int m = 0; m < 3; m++) {
        char        file[64];
        void       *memory;
        ModelConfig config;
        snprintf(file, sizeof file, "%s.safetensors", models[m]);
        Checkpoint *checkpoint = golden_skewed(file, 1, &config, &memory);
        check_encoder(checkpoint, PART_TEXT, &config.text[0], models[m]);
        checkpoint_close(checkpoint);
        free(memory);
    }
}

/* A token sees those before it only: changing the last one leaves all others as they are. */
static void words_do_not_see_what_comes_later(void)
{
    ModelConfig  config;
    Checkpoint  *checkpoint = golden_checkpoint("sd1.safetensors", &config);
    Clip *encoder = create(checkpoint, PART_TEXT, &config.text[0]);
    int          tokens[6] = { 198, 5, 6, 7, 8, 9 }, width = config.text[0].width;
    size_t       kept = 5 * (size_t)width, all = 6 * (size_t)width;
    float       *before = malloc(all * sizeof *before), *after = malloc(all * sizeof *after);
    Run          run = { .encoder = encoder, .hidden = cpu_tensor(before, 1, 1, 6, width),
                         .tokens = tokens };
    run_rehearsed(2, body, &run);
    tokens[5] = 77;
    run.hidden = cpu_tensor(after, 1, 1, 6, width);
    run_rehearsed(2, body, &run);
    CHECK_NEAR(after, before, kept, 1e-5);
    CHECK(memcmp(after + kept, before + kept, (size_t)width * sizeof(float)) != 0);
    free(before);
    free(after);
    clip_destroy(encoder);
    checkpoint_close(checkpoint);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(every_family_equals_transformers_from_single_files);
    RUN(every_family_equals_transformers_from_folders);
    RUN(demo_checkpoint_equals_transformers);
    RUN(the_same_bits_for_any_number_of_threads);
    RUN(unaligned_weights_change_nothing);
    RUN(words_do_not_see_what_comes_later);
    return test_end();
}
