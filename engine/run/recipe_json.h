/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What ComfyUI and InvokeAI write into their pictures, as far as it is in a request: prompts, seed,
 * steps, guidance, size, sampler, schedule, strength, model. */
#pragma once

#include "../recipe.h"

/* Whether it is JSON at all: a prompt may begin with a brace too. */
bool recipe_json_is(const char *text, size_t bytes);

/* Writes over recipe->request; strings go into *storage, which has
 * room for 2 * bytes and is moved behind them.  False with a sentence: it is JSON of
 * something else. */
bool recipe_json_read(Recipe *recipe, char **storage, const char *text, size_t bytes,
                      EngineError *error);
