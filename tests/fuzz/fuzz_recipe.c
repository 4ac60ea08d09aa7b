/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a recipe: refused with a sentence, or a request within its ranges, that can be
 * written, and reads back as the same numbers. */
#include "fuzz.h"

#include "recipe.h"
#include "request_settings.h"

#include <stdlib.h>
#include <string.h>

static void check(const EngineRequest *request)
{
    EngineError error = { ENGINE_OK, "" };
    for (int i = 0; i < REQUEST_SETTING_COUNT; i++)
        if (!request_setting_check(request, &request_settings[i], &error))
            abort();
    if (request->width % 8 || request->height % 8)
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
             again.request.cfg != recipe.request.cfg || again.note[0] ||
             strcmp(again.request.prompt, recipe.request.prompt) != 0 ||
             strcmp(again.request.negative_prompt, recipe.request.negative_prompt) != 0))
            abort();
        free(text);
        recipe_clear(&again);
    } else if (error.status == ENGINE_OK) {
        abort();
    }
    recipe_clear(&recipe);
    return 0;
}
