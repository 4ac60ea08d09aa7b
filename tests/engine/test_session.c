/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine, apart from the models that are open on it. */
#include "demo_help.h"
#include "run/engine_parts.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { W = 72, H = 64 };

/* Without a check, which only the first thread may make. */
static bool make(Engine *engine, const char *prompt, EnginePicture *picture)
{
    EngineError   error = { 0 };
    EngineRequest request = engine_request_default(engine);
    request.prompt = prompt;
    request.width = W;
    request.height = H;
    request.steps = 2;
    request.seed = 7;
    return engine_generate(engine, &request, picture, &error);
}

static EnginePicture picture_of(Engine *engine, const char *prompt)
{
    EnginePicture picture = { 0 };
    CHECK(make(engine, prompt, &picture));
    return picture;
}

static bool same_picture(const EnginePicture *a, const EnginePicture *b)
{
    return a->pixels && b->pixels &&
           memcmp(a->pixels, b->pixels, (size_t)W * H * 3 * sizeof(float)) == 0;
}

static Engine *open_on(EngineSession *session)
{
    EngineError   error = { 0 };
    EngineOptions options = engine_options_default();
    Engine       *engine = engine_open(session, DEMO_IN_SOURCE, &options, &error);
    if (!CHECK(engine != NULL))
        printf("     %s\n", error.message);
    return engine;
}

static EngineSession *session_of(int threads)
{
    EngineError          error = { 0 };
    EngineSessionOptions options = engine_session_options_default();
    options.threads = threads;
    EngineSession *session = engine_session_create(&options, &error);
    CHECK(session != NULL);
    return session;
}

static void two_models_take_turns_on_one_session(void)
{
    EngineSession *session = session_of(2);
    Engine        *a = open_on(session), *b = open_on(session), *alone = demo_open(1);
    EnginePicture  apple = picture_of(alone, "a red apple"), lemon = picture_of(alone, "a lemon");
    EnginePicture  first = picture_of(a, "a red apple"), second = picture_of(b, "a lemon");
    EnginePicture  again = picture_of(a, "a red apple");
    CHECK(same_picture(&first, &apple) && same_picture(&second, &lemon));
    CHECK(same_picture(&again, &apple) && !same_picture(&apple, &lemon));
    EnginePicture *all[] = { &apple, &lemon, &first, &second, &again };
    for (int i = 0; i < 5; i++)
        engine_picture_clear(all[i]);
    demo_close(alone);
    engine_close(a);
    engine_close(b);
    engine_session_destroy(session);
}

static void a_session_outlives_its_models_with_memory_and_speed(void)
{
    EngineSession *session = session_of(1);
    Engine        *engine = open_on(session);
    EngineRequest  request = engine_request_default(engine);
    EngineEstimate estimate;
    EngineError    error = { 0 };
    EnginePicture  before = picture_of(engine, "a red apple");
    void          *block = session->arena.memory;
    CHECK(engine_estimate(engine, &request, &estimate, &error));
    double speed = session->speed;
    engine_close(engine);
    CHECK(block && session->arena.memory == block && speed > 0);

    engine = open_on(session);
    EnginePicture after = picture_of(engine, "a red apple");
    CHECK(same_picture(&before, &after));
    CHECK(session->arena.memory == block);
    CHECK(engine_estimate(engine, &request, &estimate, &error));
    CHECK(session->speed == speed); /* no second probe */
    engine_picture_clear(&before);
    engine_picture_clear(&after);
    engine_close(engine);
    engine_session_destroy(session);
}

static bool stop_at_once(void *user, const EngineProgress *now)
{
    (void)user;
    (void)now;
    return false;
}

static void a_run_that_was_stopped_stops_no_other_model(void)
{
    EngineSession *session = session_of(1);
    Engine        *a = open_on(session), *b = open_on(session);
    EngineRequest  request = engine_request_default(a);
    EnginePicture  picture = { 0 };
    EngineError    error = { 0 };
    request.width = W;
    request.height = H;
    request.progress = stop_at_once;
    CHECK(!engine_generate(a, &request, &picture, &error));
    CHECK_INT(error.status, ENGINE_CANCELLED);
    EnginePicture other = picture_of(b, "a red apple");
    CHECK(other.pixels != NULL);
    engine_picture_clear(&other);
    engine_close(a);
    engine_close(b);
    engine_session_destroy(session);
}

static void *run_alone(void *user)
{
    Engine *engine = demo_open(2);
    make(engine, "a red apple", user);
    demo_close(engine);
    return NULL;
}

static void sessions_run_at_the_same_time(void)
{
    pthread_t     threads[2];
    EnginePicture pictures[2] = { { 0 } };
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, run_alone, &pictures[i]) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK(same_picture(&pictures[0], &pictures[1]));
    engine_picture_clear(&pictures[0]);
    engine_picture_clear(&pictures[1]);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(two_models_take_turns_on_one_session);
    RUN(a_session_outlives_its_models_with_memory_and_speed);
    RUN(a_run_that_was_stopped_stops_no_other_model);
    RUN(sessions_run_at_the_same_time);
    return test_end();
}
