/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine whose maker gives its source back: stands where generate.c would, so that what editing
 * does to pixels is seen alone. */
#pragma once

#include "engine.h"

struct Engine {
    EngineModelInfo model;
    /* What the model does to a picture; NULL: nothing.  decoded starts as the request's source. */
    void (*change)(EnginePicture *decoded, const EngineRequest *request, int call);
    int calls;   /* passes that were made */
    int fail_at; /* the call that fails, from 1; 0: none */
};

Engine engine_double(int native, int channels);
