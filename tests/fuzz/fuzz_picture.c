/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a picture (PNG, JPEG or WebP, by what they begin with): refused with a sentence, or a
 * whole picture. */
#include "fuzz.h"

#include "files/picture_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    EngineError   error = { ENGINE_OK, "" };
    EnginePicture picture = { .pixels = NULL };
    char         *parameters = NULL;
    /* A huge picture in a few bytes is slow and nothing else. */
    bool ok = picture_file_read_memory("fuzz", size ? bytes : (const uint8_t *)"", size, &picture,
                                       &parameters, 8 << 20, &error);
    if (ok != (error.status == ENGINE_OK))
        abort();
    for (int i = 0; ok && i < picture.width * picture.height * picture.channels; i++)
        if (!(picture.pixels[i] >= 0 && picture.pixels[i] <= 1))
            abort();
    free(parameters);
    free(picture.pixels);
    return 0;
}
