/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine.h"
#include "files/safetensors.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A file of small F32 tensors with these names, then what engine_inspect() says of it. */
static bool inspect_names(const char *const *names, EngineModelInfo *info)
{
    static const float zeros[64];
    SafetensorsItem    items[64];
    size_t             count = 0;
    EngineError        error = { 0 };
    char               path[64];
    snprintf(path, sizeof path, "/tmp/test-inspect-%d.safetensors", (int)getpid());
    for (; names[count]; count++)
        items[count] = (SafetensorsItem){ .name = names[count], .rank = 2, .shape = { 4, 4 },
                                          .type = TYPE_F32, .data = zeros };
    bool ok = CHECK(safetensors_write(path, items, count, &error)) &&
              CHECK(engine_inspect(path, info, &error));
    if (!ok)
        printf("     %s\n", error.message);
    unlink(path);
    return ok;
}

static void is_kind(EngineFileKind kind, const char *const *names)
{
    EngineModelInfo info;
    if (!inspect_names(names, &info))
        return;
    if (!CHECK_INT(info.kind, kind))
        printf("     %s: %s\n", names[0], info.summary);
    CHECK(!info.runnable);
    CHECK(info.summary[0] != '\0');
    CHECK(info.reason[0] != '\0');
}

static void names_what_cannot_be_run_for_what_it_is(void)
{
    is_kind(ENGINE_FILE_LORA,
            (const char *[]){ "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight",
                              "lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight",
                              "lora_unet_down_blocks_0_attentions_0_proj_in.alpha", NULL });
    is_kind(ENGINE_FILE_LORA,
            (const char *[]){ "unet.down_blocks.0.attentions.0.to_q.lora_A.weight",
                              "unet.down_blocks.0.attentions.0.to_q.lora_B.weight", NULL });
    is_kind(ENGINE_FILE_CONTROLNET, (const char *[]){ "control_model.zero_convs.0.0.weight",
                                                      "control_model.input_hint_block.0.weight",
                                                      "control_model.time_embed.0.weight", NULL });
    is_kind(ENGINE_FILE_EMBEDDING, (const char *[]){ "emb_params", NULL });
    is_kind(ENGINE_FILE_UPSCALER, (const char *[]){ "conv_first.weight", "body.0.rdb1.conv1.weight",
                                                    "conv_last.weight", NULL });
    is_kind(ENGINE_FILE_UNKNOWN, (const char *[]){ "some.weight", "other.bias", NULL });
}

static void incomplete_checkpoint_names_what_is_missing(void)
{
    EngineModelInfo info;
    if (!inspect_names((const char *[]){ "model.diffusion_model.input_blocks.0.0.weight",
                                         "model.diffusion_model.time_embed.0.weight", NULL },
                       &info))
        return;
    CHECK(info.kind == ENGINE_FILE_INCOMPLETE || info.kind == ENGINE_FILE_UNET);
    CHECK(!info.runnable);
    CHECK(strlen(info.reason) > 20);
}

static void demo_checkpoint_is_ready_in_milliseconds(void)
{
    EngineModelInfo info;
    EngineError     error = { 0 };
    clock_t         start = clock();
    for (int i = 0; i < 10; i++)
        CHECK(engine_inspect(DEMO_IN_SOURCE, &info, &error));
    CHECK((double)(clock() - start) / CLOCKS_PER_SEC < 1);
    CHECK(info.runnable);
    CHECK_INT(info.kind, ENGINE_FILE_CHECKPOINT);
    CHECK_INT(info.in_channels, 4);
    CHECK(info.v_prediction);
    CHECK_STRING(info.family, "SD 1.x");
    CHECK_STRING(info.precision, "F16");
    CHECK(info.native_width > 0 && info.native_width == info.native_height);
    CHECK(info.reason[0] == '\0');
}

static void sibling_of_a_model_is_the_file_for_the_other_task(void)
{
    char base[1024], other[1024], found[1024];
    EngineModelInfo info = { 0 };
    EngineError     error = { 0 };
    snprintf(base, sizeof base, "%s/../models/gimp-diffusion-demo.safetensors", getenv("TEST_DATA"));
    snprintf(other, sizeof other, "%s/../models/gimp-diffusion-demo-instruct.safetensors",
             getenv("TEST_DATA"));
    CHECK(engine_sibling(found, sizeof found, base, 8));
    CHECK_STRING(found, other);
    CHECK(engine_sibling(found, sizeof found, other, 4));
    CHECK_STRING(found, base);
    CHECK(!engine_sibling(found, sizeof found, base, 9));
    CHECK(!engine_sibling(found, sizeof found, base, 4)); /* itself */
    CHECK(!engine_sibling(found, strlen(base), base, 8)); /* no room */
    CHECK(engine_inspect(other, &info, &error));
    CHECK_INT(info.in_channels, 8);

    /* sd1.safetensors, sd1_inpaint.safetensors, sd1_instruct.safetensors and a folder sd1 */
    snprintf(base, sizeof base, "%s/golden/models/sd1_instruct.safetensors", getenv("TEST_DATA"));
    CHECK(engine_sibling(found, sizeof found, base, 9));
    CHECK_STRING(strrchr(found, '/'), "/sd1_inpaint.safetensors");
    CHECK(engine_sibling(found, sizeof found, base, 4));
    CHECK_STRING(strrchr(found, '/'), "/sd1.safetensors");
    CHECK(!engine_sibling(found, sizeof found, "/no/such.safetensors", 4));
}

static void what_a_file_recommends_is_the_default(void)
{
    static const struct {
        const char *name;
        float       cfg, image_cfg;
    } models[] = { { "../models/gimp-diffusion-demo.safetensors", 3, 1.5f },
                   { "../models/gimp-diffusion-demo-instruct.safetensors", 3, 1.2f },
                   { "golden/models/sd1_instruct.safetensors", 7, 1.5f } };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char            path[1024];
        EngineModelInfo info;
        EngineError     error = { 0 };
        snprintf(path, sizeof path, "%s/%s", getenv("TEST_DATA"), models[i].name);
        CHECK(engine_inspect(path, &info, &error));
        EngineRequest request = engine_request_for(&info);
        CHECK(request.cfg == models[i].cfg);
        CHECK(request.image_cfg == models[i].image_cfg);
        CHECK_INT(request.steps, 20);
        CHECK_INT(request.width, info.native_width);
    }
}

static void golden_models_are_what_they_were_made_as(void)
{
    static const struct {
        const char *name, *family;
        int         in_channels;
        bool        v_prediction;
    } models[] = { { "sd1.safetensors", "SD 1.x", 4, false },
                   { "sd1", "SD 1.x", 4, false },
                   { "sd1_instruct.safetensors", "SD 1.x", 8, false },
                   { "sd1_inpaint.safetensors", "SD 1.x", 9, false },
                   { "sd2.safetensors", "SD 2.x", 4, true },
                   { "sd2", "SD 2.x", 4, true },
                   { "sdxl.safetensors", "SDXL", 4, false },
                   { "sdxl", "SDXL", 4, false } };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char            path[1024];
        EngineModelInfo info;
        EngineError     error = { 0 };
        snprintf(path, sizeof path, "%s/golden/models/%s", getenv("TEST_DATA"), models[i].name);
        if (!CHECK(engine_inspect(path, &info, &error))) {
            printf("     %s\n", error.message);
            continue;
        }
        if (!CHECK(info.runnable))
            printf("     %s: %s\n", models[i].name, info.reason);
        CHECK_STRING(info.family, models[i].family);
        CHECK_INT(info.in_channels, models[i].in_channels);
        CHECK_INT(info.v_prediction, models[i].v_prediction);
    }
}

static void what_is_no_safetensors_file_is_refused_with_its_name(void)
{
    static const char *const paths[] = { "/", "/dev/null", "/no/such/file.safetensors", "/dev/zero" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        EngineModelInfo info;
        EngineError     error = { 0 };
        CHECK(!engine_inspect(paths[i], &info, &error));
        CHECK(strstr(error.message, paths[i]) != NULL);
        CHECK_INT(error.status, ENGINE_BAD_FILE);
    }
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(names_what_cannot_be_run_for_what_it_is);
    RUN(incomplete_checkpoint_names_what_is_missing);
    RUN(demo_checkpoint_is_ready_in_milliseconds);
    RUN(sibling_of_a_model_is_the_file_for_the_other_task);
    RUN(what_a_file_recommends_is_the_default);
    RUN(golden_models_are_what_they_were_made_as);
    RUN(what_is_no_safetensors_file_is_refused_with_its_name);
    return test_end();
}
