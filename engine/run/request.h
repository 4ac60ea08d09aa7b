/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks a request against what engine.h promises and what the model can do, before any weight is
 * read.  One sentence says what is wrong, why, and what to do. */
#pragma once

#include "../engine.h"

/* factor: pixels a latent pixel stands for (8). */
bool request_check(const EngineRequest *request, const EngineModelInfo *model, int factor,
                   EngineError *error);
