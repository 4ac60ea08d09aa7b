/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole pipeline on the demo checkpoint: what does not need a reference's numbers. */
#include "demo_help.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static EngineRequest small_request(const Engine *engine)
{
    EngineRequest request = engine_request_default(engine);
    request.prompt = "a red apple on a blue background";
    request.negative_prompt = "blurry";
    request.width = 72; /* 9 latents wide: no multiple of anything */
    request.height = 64;
    request.steps = 3;
    request.seed = 7;
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

static bool same_picture(const EnginePicture *a, const EnginePicture *b)
{
    return a->width == b->width && a->height == b->height && a->pixels && b->pixels &&
           memcmp(a->pixels, b->pixels,
                  (size_t)a->width * (size_t)a->height * 3 * sizeof(float)) == 0;
}

static void same_seed_is_same_bits_for_any_threads_and_again(void)
{
    static const int counts[] = { 1, 2, 3, 8 };
    EnginePicture    first = { 0 };
    for (int i = 0; i < 4; i++) {
        Engine *engine = demo_open(counts[i]);
        EngineRequest request = small_request(engine);
        for (int again = 0; again < 2; again++) {
            EnginePicture picture = { 0 };
            generate(engine, &request, &picture);
            if (!first.pixels)
                first = picture;
            else {
                CHECK(same_picture(&first, &picture));
                engine_picture_clear(&picture);
            }
        }
        demo_close(engine);
    }
    engine_picture_clear(&first);
}

static void picture_i_of_a_batch_has_seed_plus_i(void)
{
    Engine       *engine = demo_open(2);
    EngineRequest request = small_request(engine);
    EnginePicture batch[3] = { { 0 } }, alone = { 0 };
    request.count = 3;
    generate(engine, &request, batch);
    request.count = 1;
    request.seed += 2;
    generate(engine, &request, &alone);
    CHECK(same_picture(&batch[2], &alone));
    CHECK(!same_picture(&batch[1], &alone));
    for (int i = 0; i < 3; i++)
        engine_picture_clear(&batch[i]);
    engine_picture_clear(&alone);
    demo_close(engine);
}

typedef struct {
    int    calls, previews, stop_after;
    bool   begins_with_text;
    double last;
    bool   went_back, bad_fraction;
} Watch;

static bool watch(void *user, const EngineProgress *now)
{
    Watch *seen = user;
    if (seen->calls++ == 0)
        seen->begins_with_text = now->stage == ENGINE_STAGE_TEXT && now->step == 0;
    seen->previews += now->preview != NULL;
    seen->went_back |= now->fraction < seen->last;
    seen->bad_fraction |= !(now->fraction >= 0 && now->fraction <= 1);
    seen->last = now->fraction;
    return seen->stop_after == 0 || seen->calls < seen->stop_after;
}

static void progress_goes_forward_and_shows_a_preview_each_step(void)
{
    Engine       *engine = demo_open(2);
    EngineRequest request = small_request(engine);
    Watch         seen = { 0 };
    EnginePicture picture = { 0 };
    request.progress = watch;
    request.want_preview = true;
    request.user = &seen;
    generate(engine, &request, &picture);
    CHECK(!seen.went_back && !seen.bad_fraction);
    CHECK(seen.last > 0.99);
    CHECK(seen.begins_with_text);
    CHECK_INT(seen.previews, request.steps);
    engine_picture_clear(&picture);
    demo_close(engine);
}

static void cancel_at_any_call_leaves_the_picture_empty_and_the_engine_usable(void)
{
    Engine       *engine = demo_open(2);
    EngineRequest request = small_request(engine);
    EnginePicture picture = { 0 }, before = { 0 };
    generate(engine, &request, &before);
    for (int stop = 1; stop < 60; stop += 6) {
        EngineError error = { 0 };
        Watch       seen = { .stop_after = stop };
        request.progress = watch;
        request.user = &seen;
        bool done = engine_generate(engine, &request, &picture, &error);
        if (done) {
            engine_picture_clear(&picture);
            break;
        }
        CHECK_INT(error.status, ENGINE_CANCELLED);
        CHECK(picture.pixels == NULL);
    }
    request.progress = NULL;
    generate(engine, &request, &picture);
    CHECK(same_picture(&picture, &before));
    engine_picture_clear(&picture);
    engine_picture_clear(&before);
    demo_close(engine);
}

static void refuses(Engine *engine, EngineRequest request, const char *part)
{
    EngineError   error = { 0 };
    EnginePicture picture = { 0 };
    CHECK(!engine_generate(engine, &request, &picture, &error));
    CHECK_INT(error.status, ENGINE_BAD_REQUEST);
    if (!CHECK(strstr(error.message, part) != NULL))
        printf("     %s\n", error.message);
    CHECK(picture.pixels == NULL);
}

static void refuses_requests_outside_the_documented_ranges(void)
{
    Engine             *engine = demo_open(1);
    const EngineRequest good = small_request(engine);
    EngineRequest       request = good;
    float               pixels[12] = { 0 };
    EnginePicture       tiny = { 2, 2, 3, pixels };
    request.width = 60;
    refuses(engine, request, "from 64 to 16384");
    request.width = 100;
    refuses(engine, request, "use 104");
    request = good;
    request.steps = 0;
    refuses(engine, request, "number of steps");
    request = good;
    request.cfg = NAN;
    refuses(engine, request, "guidance scale is not a number");
    request = good;
    request.cfg = -101;
    refuses(engine, request, "from -100 to 100");
    request = good;
    request.strength = 1.5f;
    refuses(engine, request, "denoising strength");
    request = good;
    request.count = 0;
    refuses(engine, request, "number of pictures");
    request = good;
    request.source = &tiny;
    refuses(engine, request, "same size");
    request = good;
    request.sampler = (EngineSampler)99;
    refuses(engine, request, "sampler");
    request = good;
    request.prompt = "a cat AND a dog";
    refuses(engine, request, "several prompts at once");
    demo_close(engine);
}

static void guidance_below_0_leads_away_from_the_prompt(void)
{
    Engine       *engine = demo_open(1);
    EngineRequest request = small_request(engine);
    EnginePicture towards = { 0 }, away = { 0 }, swapped = { 0 };
    request.negative_prompt = "a blue background";
    request.cfg = 3;
    CHECK(generate(engine, &request, &towards));
    request.cfg = -2;
    CHECK(generate(engine, &request, &away));
    CHECK(!same_picture(&towards, &away));
    /* n + g (p - n) = p + (1 - g) (n - p) */
    const char *prompt = request.prompt;
    request.prompt = request.negative_prompt;
    request.negative_prompt = prompt;
    request.cfg = 3;
    CHECK(generate(engine, &request, &swapped));
    size_t count = (size_t)away.width * (size_t)away.height * 3;
    CHECK_NEAR(away.pixels, swapped.pixels, count, 1.0 / 255);
    engine_picture_clear(&towards);
    engine_picture_clear(&away);
    engine_picture_clear(&swapped);
    demo_close(engine);
}

static void strength_0_returns_the_source(void)
{
    Engine       *engine = demo_open(1);
    EngineRequest request = small_request(engine);
    size_t        count = (size_t)request.width * (size_t)request.height * 3;
    float        *pixels = malloc(count * sizeof *pixels);
    for (size_t i = 0; i < count; i++)
        pixels[i] = (float)(i % 97) / 96;
    EnginePicture source = { request.width, request.height, 3, pixels }, picture = { 0 };
    request.source = &source;
    request.strength = 0;
    if (generate(engine, &request, &picture))
        CHECK(same_picture(&source, &picture));
    engine_picture_clear(&picture);
    engine_picture_clear(&source);
    demo_close(engine);
}

typedef struct {
    char names[64][32];
    int  count, ranks[64];
} Seen;

static void see(void *user, const char *name, const float *data, int rank, const int *shape)
{
    Seen *seen = user;
    CHECK(data != NULL && shape[0] == 1);
    if (seen->count < 64) {
        snprintf(seen->names[seen->count], 32, "%s", name);
        seen->ranks[seen->count++] = rank;
    }
}

static void observer_sees_every_stage_in_order(void)
{
    static const char *const want[] = { "cond", "uncond", "noise", "latents.0", "latents.1",
                                        "latents.2", "latents.3", "picture" };
    Engine       *engine = demo_open(1);
    EngineRequest request = small_request(engine);
    Seen          seen = { .count = 0 };
    EnginePicture picture = { 0 };
    request.observe = see;
    request.user = &seen;
    generate(engine, &request, &picture);
    CHECK_INT(seen.count, 8);
    for (int i = 0; i < 8 && i < seen.count; i++)
        CHECK_STRING(seen.names[i], want[i]);
    engine_picture_clear(&picture);
    demo_close(engine);
}

static void estimate_grows_with_size_and_needs_no_weights(void)
{
    Engine        *engine = demo_open(1);
    EngineRequest  request = small_request(engine);
    EngineEstimate small, large;
    EngineError    error = { 0 };
    CHECK(engine_estimate(engine, &request, &small, &error));
    request.width = request.height = 512;
    CHECK(engine_estimate(engine, &request, &large, &error));
    CHECK(large.scratch_bytes > 4 * small.scratch_bytes && small.scratch_bytes > 0);
    CHECK(large.flops > 20 * small.flops && small.seconds > 0);
    demo_close(engine);
}

static void huge_request_is_refused_with_numbers_before_anything_is_loaded(void)
{
    Engine       *engine = demo_open(1);
    EngineRequest request = small_request(engine);
    EnginePicture picture = { 0 };
    EngineError   error = { 0 };
    request.width = request.height = 16384;
    clock_t start = clock();
    CHECK(!engine_generate(engine, &request, &picture, &error));
    CHECK_INT(error.status, ENGINE_OUT_OF_MEMORY);
    CHECK(strstr(error.message, "MB") != NULL);
    CHECK((double)(clock() - start) / CLOCKS_PER_SEC < 2);
    demo_close(engine);
}

/* A copy of the demo checkpoint in a file of its own; the caller unlinks and frees. */
static char *copy_of_demo(void)
{
    char  *path = strdup("/tmp/demo-XXXXXX"), block[65536];
    int    out = mkstemp(path);
    FILE  *in = fopen(DEMO_IN_SOURCE, "rb");
    size_t got;
    while (in && (got = fread(block, 1, sizeof block, in)) > 0)
        CHECK(write(out, block, got) == (ssize_t)got);
    if (in)
        fclose(in);
    close(out);
    return path;
}

static bool cut_file(void *user, const EngineProgress *now)
{
    if (now->stage == ENGINE_STAGE_SAMPLE && now->step == 1)
        CHECK(truncate(user, 1 << 20) == 0);
    return true;
}

static void checkpoint_cut_while_it_is_used_fails_the_run_and_not_the_process(void)
{
    EngineError   error = { 0 };
    EnginePicture picture = { 0 };
    char         *path = copy_of_demo();
    Engine       *engine = demo_open_path(path, 0);
    EngineRequest request = small_request(engine);
    request.progress = cut_file;
    request.user = path;
    CHECK(!engine_generate(engine, &request, &picture, &error));
    CHECK_INT(error.status, ENGINE_BAD_FILE);
    if (!CHECK(strstr(error.message, "was changed while it was in use") != NULL))
        printf("     %s\n", error.message);
    CHECK(picture.pixels == NULL);
    demo_close(engine);
    unlink(path);
    free(path);
}

static void two_engines_in_one_process_are_independent(void)
{
    Engine       *a = demo_open(1), *b = demo_open(2);
    EngineRequest request = small_request(a), other = small_request(b);
    EnginePicture first = { 0 }, second = { 0 }, again = { 0 };
    other.prompt = "a yellow lemon";
    other.seed = 99;
    generate(a, &request, &first);
    generate(b, &other, &second);
    generate(a, &request, &again);
    CHECK(same_picture(&first, &again));
    CHECK(!same_picture(&first, &second));
    engine_picture_clear(&first);
    engine_picture_clear(&second);
    engine_picture_clear(&again);
    demo_close(b);
    demo_close(a);
}

static void counts(const char *prompt, int want_tokens, int want_chunks)
{
    int tokens = -1, chunks = -1;
    CHECK(engine_count_tokens(prompt, &tokens, &chunks));
    CHECK_INT(tokens, want_tokens);
    CHECK_INT(chunks, want_chunks);
}

static void tokens_are_counted_of_what_the_model_gets(void)
{
    counts(NULL, 0, 1);
    counts("", 0, 1);
    counts("a red apple", 3, 1);
    counts("a (red:1.2) apple", 3, 1);
    counts("a red apple # and nothing of all this", 3, 1);
    counts("a {red|red} apple", 3, 1);
    counts("{a red apple|a red apple|a red apple} # {a|b", 3, 1);
    counts("a \\{red\\|red\\} apple", 7, 1);
    counts("a red apple BREAK a red apple", 6, 2);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(same_seed_is_same_bits_for_any_threads_and_again);
    RUN(picture_i_of_a_batch_has_seed_plus_i);
    RUN(progress_goes_forward_and_shows_a_preview_each_step);
    RUN(cancel_at_any_call_leaves_the_picture_empty_and_the_engine_usable);
    RUN(refuses_requests_outside_the_documented_ranges);
    RUN(guidance_below_0_leads_away_from_the_prompt);
    RUN(strength_0_returns_the_source);
    RUN(observer_sees_every_stage_in_order);
    RUN(estimate_grows_with_size_and_needs_no_weights);
    RUN(huge_request_is_refused_with_numbers_before_anything_is_loaded);
    RUN(checkpoint_cut_while_it_is_used_fails_the_run_and_not_the_process);
    RUN(two_engines_in_one_process_are_independent);
    RUN(tokens_are_counted_of_what_the_model_gets);
    return test_end();
}
