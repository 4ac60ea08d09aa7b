/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session.h"

#include "machine.h"

#include <stdlib.h>

EngineSessionOptions engine_session_options_default(void)
{
    return (EngineSessionOptions){ .threads = 0 };
}

EngineSession *engine_session_create(const EngineSessionOptions *options, EngineError *error)
{
    EngineSession *session = calloc(1, sizeof *session);
    if (session) {
        session->threads = threads_create(options->threads);
        session->device = session->threads ? device_create_cpu(session->threads, error) : NULL;
    }
    if (!session || !session->device) {
        fail(error, ENGINE_OUT_OF_MEMORY, "The system gives no thread to work with.");
        engine_session_destroy(session);
        return NULL;
    }
    atomic_init(&session->stop, false);
    return session;
}

void engine_session_destroy(EngineSession *session)
{
    if (!session)
        return;
    arena_finish(&session->arena);
    device_destroy(session->device);
    threads_destroy(session->threads);
    free(session);
}

Compute session_compute(EngineSession *session)
{
    atomic_store(&session->stop, false);
    return (Compute){ .scratch = &session->arena, .stop = &session->stop };
}

bool session_reserve(EngineSession *session, size_t bytes, uint64_t *available)
{
    Arena *arena = &session->arena;
    if (arena->size > 0)
        arena_rewind(arena, (ArenaMark){ 0 });
    if (arena->size >= bytes)
        return true;
    arena_finish(arena); /* first, so that the old block and the new one are never both there */
    *available = machine_available_bytes();
    if (*available && bytes > *available)
        return false;
    if (arena_init(arena, session->device, bytes))
        return true;
    *available = *available ? *available : bytes / 2;
    return false;
}

uint64_t session_available(const EngineSession *session)
{
    uint64_t available = machine_available_bytes();
    return available ? available + session->arena.size : 0;
}

double session_speed(EngineSession *session)
{
    if (session->speed <= 0)
        session->speed = machine_speed(session->device);
    return session->speed;
}

void session_measured(EngineSession *session, double flops, double seconds)
{
    if (seconds > 0.5) /* shorter ones are mostly the clock's and the cache's */
        session->speed = flops / seconds;
}
