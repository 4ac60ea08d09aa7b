/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fails the n-th allocation, for every n, while a file is opened, described and closed: a sentence, no
 * crash, nothing kept.  The linker's --wrap puts these in the place of malloc and its relatives. */
#include "fuzz.h"

#include "files/json.h"
#include "files/picture_file.h"
#include "networks/config.h"

#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);

static long left = -1; /* allocations until one fails; below 0: none does */

static bool is_refused(void)
{
    return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return is_refused() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
    return is_refused() ? NULL : __real_strdup(text);
}

/* The same verdict as with all memory, or that there was not enough. */
static void describe(const uint8_t *bytes, size_t size)
{
    EngineError  error = { ENGINE_OK, "" }, why = { ENGINE_OK, "" };
    Safetensors *file = safetensors_from_memory("fuzz", bytes, size, &error);
    Checkpoint  *checkpoint = file ? checkpoint_from_file(file, &error) : NULL;
    ModelConfig  config;
    if (!checkpoint && !error.status)
        abort();
    if (checkpoint) {
        bool        runnable = config_from_checkpoint(&config, checkpoint, &why);
        ModelConfig whole;
        EngineError ignored = { ENGINE_OK, "" };
        left = left < 0 ? left : -1;
        bool same = runnable == config_from_checkpoint(&whole, checkpoint, &ignored) &&
                    why.status == ignored.status && strcmp(why.message, ignored.message) == 0;
        if (!same && why.status != ENGINE_OUT_OF_MEMORY)
            abort();
    }
    checkpoint_close(checkpoint);
}

static void decode(const uint8_t *bytes, size_t size)
{
    EngineError   error = { ENGINE_OK, "" };
    EnginePicture picture = { .pixels = NULL };
    char         *parameters = NULL;
    if (!picture_file_read_memory("fuzz", bytes, size, &picture, &parameters, 0, &error) && !error.status)
        abort();
    free(parameters);
    free(picture.pixels);
}

static void parse(const uint8_t *bytes, size_t size)
{
    EngineError error = { ENGINE_OK, "" };
    Json       *json = json_parse("fuzz", (const char *)bytes, size, &error);
    if (!json && !error.status)
        abort();
    json_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static void (*const readers[])(const uint8_t *, size_t) = { describe, decode, parse };
    if (size < 8 || size > 4096)
        return 0;
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        for (long n = 0; n < 400; n++) {
            left = n;
            readers[i](bytes, size);
            bool used = left < 0; /* the failure happened: there may be a later one */
            left = -1;
            if (!used)
                break;
        }
    return 0;
}
