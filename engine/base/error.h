/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What went wrong, as a status and one sentence: what, why, and what to do.
 *
 * Outside things (files, requests) can fail and say so here; our own mistakes are asserted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    ENGINE_OK = 0,
    ENGINE_CANCELLED,     /* the caller's progress function said stop: not a fault */
    ENGINE_BAD_REQUEST,   /* a value outside the range that engine.h gives */
    ENGINE_BAD_FILE,      /* unreadable, malformed or hostile model file */
    ENGINE_UNSUPPORTED,   /* well-formed, but a model this engine cannot run */
    ENGINE_OUT_OF_MEMORY, /* says how much was asked for */
} EngineStatus;

/* Lives with the caller, never NULL, and is written only by fail(). */
typedef struct {
    EngineStatus status;
    char         message[1024]; /* one UTF-8 sentence; control characters in names are escaped */
} EngineError;

/* Writes status and sentence into error and returns false, so that one can `return fail(…);`.
 * The first failure wins: a second call on the same error leaves it as it is.
 * Bytes of names that are not printable UTF-8 are shown as \xNN; a sentence that is too long is
 * cut at a character's border. */
bool fail(EngineError *error, EngineStatus status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
