/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe.h"
#include "request_settings.h"
#include "test.h"
#include "text_help.h"

#include <stdlib.h>
#include <string.h>

static EngineRequest base(void)
{
    EngineRequest request = { .width = 512,
                              .height = 512,
                              .steps = 20,
                              .cfg = 7,
                              .image_cfg = 1.5f,
                              .guidance_end = 1,
                              .seed = 99,
                              .sampler = ENGINE_EULER,
                              .schedule = ENGINE_SCHEDULE_BETA,
                              .noise = ENGINE_NOISE_CPU,
                              .clip_skip = 3,
                              .strength = .75f };
    return request;
}

static Recipe read(const char *text)
{
    EngineRequest request = base();
    EngineError   error = { 0 };
    Recipe        recipe;
    char         *copy = exact_copy(text, strlen(text));
    CHECK(recipe_read(&recipe, copy, strlen(text), &request, &error));
    CHECK_STRING(error.message, "");
    free(copy); /* nothing is borrowed from it */
    return recipe;
}

static void a_recipe_is_written_as_a1111_writes_it(void)
{
    for (int locale = 0; next_locale(&locale);) {
        Recipe recipe = { .request = base(),
                          .mask_blur = 4,
                          .has_strength = true,
                          .model = "a, \"b\"",
                          .model_hash = "6ce0161689b3853acaa03779ec93eafe",
                          .version = "x" };
        recipe.request.prompt = "a cat,\non a mat";
        recipe.request.negative_prompt = "dog";
        recipe.request.cfg = 7.5f;
        char *text = recipe_write(&recipe);
        CHECK_STRING(text, "a cat,\non a mat\nNegative prompt: dog\nSteps: 20, Sampler: Euler, "
                           "Schedule type: Beta, CFG scale: 7.5, Seed: 99, Size: 512x512, "
                           "Model hash: 6ce0161689, Model: \"a, \\\"b\\\"\", "
                           "Denoising strength: 0.75, Clip skip: 3, RNG: CPU, Mask blur: 4, "
                           "Version: x");
        free(text);
    }
}

static void what_was_written_reads_back(void)
{
    Recipe one = { .request = base(),
                   .mask_blur = -1,
                   .model = "m\xc3\xbc:\\\"\n\x01",
                   .model_hash = "ab",
                   .version = "v" };
    one.request.prompt = "Steps: 1, a: b, c: d\n\nBREAK (x:1.2)";
    one.request.negative_prompt = "n\nm";
    one.request.seed = UINT64_MAX;
    one.request.tile_y = true;
    one.request.cfg = 0.1f;
    one.request.cfg_rescale = 1.0f / 3;
    char  *text = recipe_write(&one);
    Recipe two = read(text);
    CHECK_STRING(two.request.prompt, one.request.prompt);
    CHECK_STRING(two.request.negative_prompt, one.request.negative_prompt);
    CHECK_STRING(two.model, one.model);
    CHECK_STRING(two.model_hash, one.model_hash);
    CHECK_STRING(two.version, "v");
    CHECK(two.request.seed == UINT64_MAX && two.request.cfg == 0.1f && two.mask_blur == -1);
    CHECK(two.request.cfg_rescale == one.request.cfg_rescale && !two.has_strength);
    CHECK(two.request.tile_y && !two.request.tile_x && two.request.clip_skip == 3);
    CHECK(two.request.schedule == ENGINE_SCHEDULE_BETA && two.request.noise == ENGINE_NOISE_CPU);
    char *again = recipe_write(&two);
    CHECK_STRING(again, text);
    free(again);
    free(text);
    recipe_clear(&two);
}

static void a_picture_of_a1111_is_read_with_its_defaults(void)
{
    Recipe recipe = read("  girl (a:1.2),\r\n beret  \r\nNegative prompt: ugly, fat\r\n bad\r\n"
                         "Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 965400086, "
                         "Size: 768x512, Model hash: 45dee52b, Denoising strength: 0.5, "
                         "Lora hashes: \"a: b, Steps: 5\", ENSD: 31337\n");
    const EngineRequest *request = &recipe.request;
    CHECK_STRING(request->prompt, "girl (a:1.2),\nberet");
    CHECK_STRING(request->negative_prompt, "ugly, fat\nbad");
    CHECK(request->steps == 30 && request->seed == 965400086 && request->width == 768);
    CHECK(request->sampler == ENGINE_DPMPP_2M && request->schedule == ENGINE_SCHEDULE_KARRAS);
    CHECK(request->noise == ENGINE_NOISE_GPU && request->clip_skip == 0);
    CHECK(recipe.has_strength && request->strength == 0.5f);
    CHECK_STRING(recipe.model_hash, "45dee52b");
    CHECK_STRING(recipe.note, "");
    recipe_clear(&recipe);
    recipe = read("x\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Automatic, Seed: 1");
    CHECK(recipe.request.schedule == ENGINE_SCHEDULE_KARRAS);
    recipe_clear(&recipe);
    recipe = read("x\nSteps: 20, Sampler: Euler, Schedule type: Uniform, Seed: 1");
    CHECK(recipe.request.schedule == ENGINE_SCHEDULE_NORMAL);
    recipe_clear(&recipe);
}

static void values_out_of_range_count_as_missing(void)
{
    Recipe recipe = read("x\nSteps: 0, Sampler: PLMS, CFG scale: 1e9, Seed: -1, Size: 8x100000, "
                         "Denoising strength: nan, Clip skip: 99999999999999999999, Mask blur: -3");
    CHECK(recipe.request.steps == 20 && recipe.request.cfg == 7 && recipe.request.seed == 99);
    CHECK(recipe.request.width == 512 && recipe.request.height == 512 && !recipe.has_strength);
    CHECK(recipe.request.sampler == ENGINE_EULER && recipe.mask_blur == -1);
    CHECK(strstr(recipe.note, "Steps is \"0\" and would have to be a whole number from 1 to 1000."));
    CHECK(strstr(recipe.note, "Clip skip is \"99999999999999999999\""));
    CHECK(strstr(recipe.note, "The sampler \"PLMS\" is not known here."));
    recipe_clear(&recipe);
    recipe = read("x\nSteps: 2,5, Sampler: Euler, Seed: 1, CFG scale: 7,5, Size: 500x512");
    CHECK(recipe.request.steps == 2 && recipe.request.cfg == 7 && recipe.request.width == 512);
    recipe_clear(&recipe);
}

static void settings_end_in_a_template_with_line_breaks(void)
{
    Recipe recipe = read("a cat\nNegative prompt: ugly\nSteps: 30, Sampler: Euler, CFG scale: 5, "
                         "Seed: 1, Size: 768x512, Template: a {cat|dog}\non a mat, Negative "
                         "Template: ugly\n");
    CHECK_STRING(recipe.request.prompt, "a cat");
    CHECK_STRING(recipe.request.negative_prompt, "ugly");
    CHECK(recipe.request.steps == 30 && recipe.request.width == 768 && recipe.request.cfg == 5);
    recipe_clear(&recipe);
    /* Like settings, but not the last ones. */
    recipe = read("Steps: 1, Seed: 2, CFG scale: 3\nSteps: 4, Seed: 5, CFG scale: 6, Size: 64x64");
    CHECK_STRING(recipe.request.prompt, "Steps: 1, Seed: 2, CFG scale: 3");
    CHECK(recipe.request.steps == 4 && recipe.request.seed == 5);
    recipe_clear(&recipe);
    recipe = read("Steps: 4, Seed: 5, CFG scale: 6, Size: 64x64");
    CHECK_STRING(recipe.request.prompt, "");
    CHECK(recipe.request.steps == 4);
    recipe_clear(&recipe);
}

static void any_prompt_comes_back_as_it_was(void)
{
    static const char *const prompts[] = {
        "",
        "a",
        " a",
        "a ",
        "\n\na\n",
        "a\n",
        "a\r\nb",
        "a\n\n\nb",
        "a\nNegative prompt: b",
        "Negative prompt:",
        "a\n Negative prompt: b\n\tc",
        "a\nSteps: 1, Sampler: Heun, Seed: 2, Size: 8x8",
        "\"a\", \\(b\\): \x01\x7f",
        "Prompt text: \"b\"",
    };
    enum { COUNT = sizeof prompts / sizeof *prompts };
    for (int i = 0; i < COUNT * COUNT; i++) {
        Recipe one = { .request = base(), .mask_blur = -1 };
        one.request.prompt = prompts[i / COUNT];
        one.request.negative_prompt = prompts[i % COUNT];
        char  *text = recipe_write(&one);
        Recipe two = read(text);
        CHECK_STRING(two.request.prompt, one.request.prompt);
        CHECK_STRING(two.request.negative_prompt, one.request.negative_prompt);
        CHECK(two.request.steps == 20 && two.request.seed == 99);
        free(text);
        recipe_clear(&two);
    }
}

static void every_setting_with_a_key_is_written_and_read(void)
{
    for (int i = 0; i < REQUEST_SETTING_COUNT; i++) {
        const RequestSetting *setting = &request_settings[i];
        Recipe one = { .request = engine_request_default(NULL), .mask_blur = -1,
                       .has_strength = true };
        bool   usual = request_setting_is_usual(&one.request, setting);
        double other = setting->usual == setting->most ? setting->least : setting->most;
        if (!setting->key)
            continue;
        CHECK(usual);
        if (setting->type == REQUEST_SEED)
            one.request.seed = ((uint64_t)1 << 60) + 1; /* no double */
        else
            request_setting_set(&one.request, setting, other);
        char  *text = recipe_write(&one);
        Recipe two = read(text);
        CHECK(strstr(text, setting->key) != NULL);
        CHECK(request_setting_get(&two.request, setting) ==
              request_setting_get(&one.request, setting));
        CHECK(two.request.seed == one.request.seed);
        CHECK_STRING(two.note, "");
        free(text);
        recipe_clear(&two);
    }
}

static void what_is_not_understood_is_said(void)
{
    Recipe recipe = read("x\nSteps: 20, Sampler: DPM fast, Schedule type: Align Your Steps, Seed: "
                         "18446744073709551616, Size: 500x512, RNG: NV");
    CHECK_STRING(recipe.note,
                 "Seed is \"18446744073709551616\" and would have to be a whole number from 0 to "
                 "18446744073709551615. The size 500x512 cannot be made here: sides are multiples of "
                 "8 from 64 to 16384. The sampler \"DPM fast\" is not known here. The schedule "
                 "\"Align Your Steps\" is not known here.");
    recipe_clear(&recipe);
    recipe = read("x\nSteps: 20, Sampler: DPM++ SDE SGM Uniform, Seed: 1152921504606846977");
    CHECK(recipe.request.sampler == ENGINE_DPMPP_SDE && recipe.request.seed == 1152921504606846977u);
    CHECK(recipe.request.schedule == ENGINE_SCHEDULE_SGM_UNIFORM);
    CHECK_STRING(recipe.note, "");
    recipe_clear(&recipe);
}

static void a_graph_of_comfyui_gives_what_its_sampler_was_given(void)
{
    Recipe recipe = read(
        "{\"3\": {\"class_type\": \"KSampler\", \"inputs\": {\"seed\": 18446744073709551557, "
        "\"steps\": 25, \"cfg\": 6.5, \"sampler_name\": \"euler_ancestral\", \"scheduler\": "
        "\"karras\", \"denoise\": 1, \"model\": [\"4\", 0], \"positive\": [\"6\", 0], "
        "\"negative\": [\"7\", 0], \"latent_image\": [\"5\", 0]}}, \"4\": {\"class_type\": "
        "\"CheckpointLoaderSimple\", \"inputs\": {\"ckpt_name\": \"sd\\\\dream.safetensors\"}}, "
        "\"5\": {\"class_type\": \"EmptyLatentImage\", \"inputs\": {\"width\": 768, \"height\": "
        "512, \"batch_size\": 1}}, \"6\": {\"class_type\": \"CLIPTextEncode\", \"inputs\": "
        "{\"text\": [\"9\", 0], \"clip\": [\"4\", 1]}}, \"7\": {\"class_type\": "
        "\"CLIPTextEncode\", \"inputs\": {\"text\": \"ugly\", \"clip\": [\"4\", 1]}}, \"9\": "
        "{\"class_type\": \"PrimitiveString\", \"inputs\": {\"value\": \"a cat\\non a mat\"}}}");
    const EngineRequest *request = &recipe.request;
    CHECK_STRING(request->prompt, "a cat\non a mat");
    CHECK_STRING(request->negative_prompt, "ugly");
    CHECK(request->seed == 18446744073709551557u && request->steps == 25 && request->cfg == 6.5f);
    CHECK(request->sampler == ENGINE_EULER_A && request->schedule == ENGINE_SCHEDULE_KARRAS);
    CHECK(request->width == 768 && request->height == 512 && !recipe.has_strength);
    CHECK(request->noise == ENGINE_NOISE_CPU);
    CHECK_STRING(recipe.model, "dream");
    CHECK_STRING(recipe.note, "");
    recipe_clear(&recipe);
}

static void a_graph_of_nodes_of_their_own_is_walked(void)
{
    Recipe recipe = read(
        "{\"1\": {\"class_type\": \"SamplerCustomAdvanced\", \"inputs\": {\"noise\": [\"2\", 0], "
        "\"guider\": [\"3\", 0], \"sampler\": [\"4\", 0], \"sigmas\": [\"5\", 0], "
        "\"latent_image\": [\"6\", 0]}}, \"2\": {\"class_type\": \"RandomNoise\", \"inputs\": "
        "{\"noise_seed\": 7}}, \"3\": {\"class_type\": \"CFGGuider\", \"inputs\": {\"cfg\": 4, "
        "\"positive\": [\"8\", 0], \"negative\": [\"3\", 0]}}, \"4\": {\"class_type\": "
        "\"KSamplerSelect\", \"inputs\": {\"sampler_name\": \"res_multistep\"}}, \"5\": "
        "{\"class_type\": \"BasicScheduler\", \"inputs\": {\"scheduler\": \"simple\", \"steps\": "
        "12, \"denoise\": 0.5, \"model\": [\"5\", 0]}}, \"6\": {\"class_type\": \"VAEEncode\", "
        "\"inputs\": {\"pixels\": [\"9\", 0]}}, \"8\": {\"class_type\": \"CLIPTextEncode\", "
        "\"inputs\": {\"text\": \"a dog\"}}, \"9\": {\"class_type\": \"LoadImage\", \"inputs\": "
        "{\"image\": \"x.png\"}}}");
    const EngineRequest *request = &recipe.request;
    CHECK_STRING(request->prompt, "a dog");
    CHECK_STRING(request->negative_prompt, "");
    CHECK(request->seed == 7 && request->steps == 12 && request->cfg == 4);
    CHECK(request->schedule == ENGINE_SCHEDULE_SIMPLE && recipe.has_strength);
    CHECK(request->strength == 0.5f && request->sampler == ENGINE_EULER);
    CHECK_STRING(recipe.note, "The sampler \"res_multistep\" is not known here.");
    recipe_clear(&recipe);
}

static void metadata_of_invokeai_is_read(void)
{
    Recipe recipe = read("{\"positive_prompt\": \"a cat\", \"negative_prompt\": \"ugly\", \"seed\": 5, "
                         "\"steps\": 30, \"cfg_scale\": 7.5, \"width\": 640, \"height\": 512, "
                         "\"scheduler\": \"dpmpp_2m_k\", \"cfg_rescale_multiplier\": 0.5, \"model\": "
                         "{\"name\": \"dream\"}}");
    const EngineRequest *request = &recipe.request;
    CHECK_STRING(request->prompt, "a cat");
    CHECK_STRING(request->negative_prompt, "ugly");
    CHECK(request->seed == 5 && request->steps == 30 && request->cfg == 7.5f);
    CHECK(request->width == 640 && request->cfg_rescale == 0.5f);
    CHECK(request->sampler == ENGINE_DPMPP_2M && request->schedule == ENGINE_SCHEDULE_KARRAS);
    CHECK_STRING(recipe.model, "dream");
    recipe_clear(&recipe);
    recipe = read("{\"image\": {\"prompt\": [{\"prompt\": \"a cat\", \"weight\": 1}], \"steps\": 9, "
                  "\"cfg_scale\": 1e9, \"seed\": 6, \"width\": 100, \"height\": 512, \"sampler\": "
                  "\"k_euler_a\"}}");
    CHECK_STRING(recipe.request.prompt, "a cat");
    CHECK(recipe.request.steps == 9 && recipe.request.seed == 6 && recipe.request.width == 512);
    CHECK(recipe.request.cfg == 7 && recipe.request.sampler == ENGINE_EULER_A);
    recipe_clear(&recipe);
}

static void json_of_something_else_is_refused(void)
{
    static const char *const texts[] = { "{}", "{\"a\": 1}", "{\"1\": {\"class_type\": \"SaveImage\"}}" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        EngineRequest request = base();
        EngineError   error = { 0 };
        Recipe        recipe;
        CHECK(!recipe_read(&recipe, texts[i], strlen(texts[i]), &request, &error));
        CHECK(error.message[0] != '\0');
        recipe_clear(&recipe);
    }
}

static void a_text_with_no_settings_is_a_prompt(void)
{
    Recipe recipe = read("just a prompt\nSeed: 5, or so");
    CHECK_STRING(recipe.request.prompt, "just a prompt\nSeed: 5, or so");
    CHECK_STRING(recipe.request.negative_prompt, "");
    CHECK(recipe.request.steps == 20 && recipe.request.seed == 99);
    recipe_clear(&recipe);
    recipe = read("{red|blue} house");
    CHECK_STRING(recipe.request.prompt, "{red|blue} house");
    recipe_clear(&recipe);
}

static void broken_quotes_are_text(void)
{
    Recipe recipe = read("\nSteps: 1, Model: \"a\\u12\", Seed: 3, Version: \"b, Size: 64x64");
    CHECK_STRING(recipe.model, "\"a\\u12\"");
    CHECK_STRING(recipe.version, "\"b");
    CHECK(recipe.request.width == 64);
    recipe_clear(&recipe);
    recipe = read("\nSteps: 1, Seed: 3, Model: \"\\ud83d\\ude00\\u00e9\\n\"");
    CHECK_STRING(recipe.model, "\xf0\x9f\x98\x80\xc3\xa9\n");
    recipe_clear(&recipe);
}

static void no_text_and_too_much_of_it_are_refused(void)
{
    EngineRequest request = base();
    EngineError   error = { 0 };
    Recipe        recipe;
    CHECK(!recipe_read(&recipe, " \n", 2, &request, &error) && error.status == ENGINE_BAD_REQUEST);
    recipe_clear(&recipe);
    error = (EngineError){ 0 };
    CHECK(!recipe_read(&recipe, "a\0b", 3, &request, &error));
    recipe_clear(&recipe);
    error = (EngineError){ 0 };
    char *text = repeated("a: b, ", RECIPE_BYTES + 6);
    CHECK(!recipe_read(&recipe, text, RECIPE_BYTES + 1, &request, &error));
    recipe_clear(&recipe);
    free(text);
}

static void a_megabyte_takes_less_than_five_seconds(void)
{
    static const char *const units[] = {
        "ab:\"x,",           "ab: c, ", "ab:\"\\\",", "a", "\n", ":", "\"", "Model: \"\\u00e9\", ",
        "Negative prompt:\n"
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        EngineRequest request = base();
        EngineError   error = { 0 };
        Recipe        recipe;
        char         *text = repeated(units[i], 1000000);
        double        start = seconds_now();
        recipe_read(&recipe, text, strlen(text), &request, &error);
        CHECK(seconds_now() - start < 5);
        recipe_clear(&recipe);
        free(text);
    }
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(a_recipe_is_written_as_a1111_writes_it);
    RUN(what_was_written_reads_back);
    RUN(a_picture_of_a1111_is_read_with_its_defaults);
    RUN(values_out_of_range_count_as_missing);
    RUN(settings_end_in_a_template_with_line_breaks);
    RUN(any_prompt_comes_back_as_it_was);
    RUN(every_setting_with_a_key_is_written_and_read);
    RUN(what_is_not_understood_is_said);
    RUN(a_graph_of_comfyui_gives_what_its_sampler_was_given);
    RUN(a_graph_of_nodes_of_their_own_is_walked);
    RUN(metadata_of_invokeai_is_read);
    RUN(json_of_something_else_is_refused);
    RUN(a_text_with_no_settings_is_a_prompt);
    RUN(broken_quotes_are_text);
    RUN(no_text_and_too_much_of_it_are_refused);
    RUN(a_megabyte_takes_less_than_five_seconds);
    return test_end();
}
