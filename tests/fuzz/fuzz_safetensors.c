/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a safetensors file: refused with a sentence, or every byte of every tensor is there. */
#include "fuzz.h"

#include "files/safetensors.h"

#include <stdlib.h>

static void read_all(const Safetensors *file)
{
    unsigned sum = 0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const SafetensorsEntry *entry = safetensors_at(file, i);
        const unsigned char    *data = entry->data;
        for (uint64_t k = 0; k < entry->end - entry->begin; k++)
            sum += data[k];
        if (safetensors_find(file, entry->name) != entry)
            abort();
    }
    volatile unsigned keep = sum;
    (void)keep;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    EngineError  error = { ENGINE_OK, "" };
    Safetensors *file = safetensors_from_memory("fuzz", size ? bytes : (const uint8_t *)"", size, &error);
    if ((file != NULL) != (error.status == ENGINE_OK) || (!file && !error.message[0]))
        abort();
    if (file)
        read_all(file);
    safetensors_close(file);
    return 0;
}
