/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a recipe: refused with a sentence, or a request within its ranges, that can be
 * written, and reads back as the same numbers. */
#include "fuzz.h"

#include "recipe.h"

#include <stdlib.h>
#include <string.h>

static void check(const EngineRequest *request)
{
    if (request->steps < 1 || request->steps > 1000 || request->width % 8 || request->height % 8 ||
        request->width < 64 || request->width > 16384 || request->height < 64 ||
        request->height > 16384 || !(request->cfg >= 0 && request->cfg <= 100) ||
        !(request->strength >= 0 && request->strength <= 1) || request->clip_skip < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    EngineError   error = { ENGINE_OK, "" };
    EngineRequest base = engine_request_default(NULL);
    Recipe        recipe, again = { 0 };
    if (recipe_read(&recipe, (const char *)bytes, size, &base, &error)) {
        check(&recipe.request);
        if (strlen(recipe.request.prompt) + strlen(recipe.request.negative_prompt) +
                strlen(recipe.model) >
            3 * size)
            abort();
        char *text = recipe_write(&recipe);
        if (text && recipe_read(&again, text, strlen(text), &base, &error) &&
            (again.request.seed != recipe.request.seed ||
             again.request.steps != recipe.request.steps ||
             again.request.cfg != recipe.request.cfg))
            abort();
        free(text);
        recipe_clear(&again);
    } else if (error.status == ENGINE_OK) {
        abort();
    }
    recipe_clear(&recipe);
    return 0;
}
