/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a model: what kind it is, its config, and what is wrong with it. */
#include "fuzz.h"

#include "networks/config.h"
#include "weights/kind.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    EngineError  error = { ENGINE_OK, "" }, why = { ENGINE_OK, "" };
    Safetensors *file = safetensors_from_memory("fuzz", size ? bytes : (const uint8_t *)"", size, &error);
    Checkpoint  *checkpoint = file ? checkpoint_from_file(file, &error) : NULL;
    ModelConfig  config;
    if (!checkpoint)
        return 0;
    ModelKind kind = kind_of(checkpoint);
    bool      runnable = config_from_checkpoint(&config, checkpoint, &why);
    if (runnable != (why.status == ENGINE_OK) || (runnable && kind.kind != ENGINE_FILE_CHECKPOINT))
        abort();
    checkpoint_close(checkpoint);
    return 0;
}
