/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The demo checkpoint, or another one, open on a session of its own. */
#pragma once

#include "engine.h"

/* NULL with a sentence where it cannot be opened. */
Engine *demo_try(const char *path, const EngineOptions *options, int threads, EngineError *error);
/* These end the program then. */
Engine *demo_open(int threads);
Engine *demo_open_path(const char *path, int threads);
/* Takes the session along; NULL is fine. */
void demo_close(Engine *engine);
