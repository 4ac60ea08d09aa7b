/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text_help.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

Safetensors *golden_open(const char *name)
{
    char        path[1024];
    EngineError error = { 0 };
    snprintf(path, sizeof path, "%s/golden/%s", getenv("TEST_DATA") ? getenv("TEST_DATA") : "tests",
             name);
    Safetensors *file = safetensors_open(path, &error);
    if (!file) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    return file;
}

void *golden_copy(const Safetensors *file, const char *name, size_t *count)
{
    const SafetensorsEntry *entry = safetensors_find(file, name);
    if (!entry) {
        fprintf(stderr, "%s: no tensor '%s'\n", safetensors_path(file), name);
        exit(1);
    }
    *count = 1;
    for (int i = 0; i < entry->rank; i++)
        *count *= (size_t)entry->shape[i];
    return exact_copy(entry->data, (size_t)(entry->end - entry->begin));
}

char *exact_copy(const char *text, size_t bytes)
{
    char *copy = malloc(bytes ? bytes : 1);
    memcpy(copy, text, bytes);
    return copy;
}

char *repeated(const char *unit, size_t bytes)
{
    size_t length = strlen(unit);
    char  *text = malloc(bytes + 1);
    for (size_t i = 0; i < bytes; i++)
        text[i] = unit[i % length];
    text[bytes - bytes % length] = '\0';
    return text;
}

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool next_locale(int *number)
{
    static const char *const names[] = { "C",           "de_DE.UTF-8", "tr_TR.UTF-8",
                                         "fa_IR.UTF-8", "de_DE.utf8",  "tr_TR.utf8" };
    while (*number < (int)(sizeof names / sizeof *names))
        if (setlocale(LC_ALL, names[(*number)++]))
            return true;
    setlocale(LC_ALL, "C");
    return false;
}
