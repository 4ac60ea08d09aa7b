/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "demo_help.h"

#include "run/engine_parts.h"

#include <stdio.h>
#include <stdlib.h>

Engine *demo_try(const char *path, const EngineOptions *options, int threads, EngineError *error)
{
    EngineSessionOptions machine = { .threads = threads };
    EngineSession       *session = engine_session_create(&machine, error);
    Engine              *engine = session ? engine_open(session, path, options, error) : NULL;
    if (!engine)
        engine_session_destroy(session);
    return engine;
}

Engine *demo_open_path(const char *path, int threads)
{
    EngineError   error = { 0 };
    EngineOptions options = engine_options_default();
    Engine       *engine = demo_try(path, &options, threads, &error);
    if (!engine) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    return engine;
}

Engine *demo_open(int threads)
{
    return demo_open_path(DEMO_IN_SOURCE, threads);
}

void demo_close(Engine *engine)
{
    EngineSession *session = engine ? engine->session : NULL;
    engine_close(engine);
    engine_session_destroy(session);
}
