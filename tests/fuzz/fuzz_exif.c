/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as an EXIF block, and as a comment that one is made of, which must come back. */
#include "fuzz.h"

#include "files/exif.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    int orientation = exif_orientation(bytes, size);
    if (orientation < 1 || orientation > 8)
        abort();
    char *comment = exif_comment(bytes, size);
    if (comment) {
        size_t         block_bytes;
        unsigned char *block = exif_write_comment(comment, &block_bytes);
        char          *back = block ? exif_comment(block, block_bytes) : NULL;
        char          *again = NULL;
        unsigned char *second = back ? exif_write_comment(back, &block_bytes) : NULL;
        if (second)
            again = exif_comment(second, block_bytes);
        if (back && again && strcmp(back, again) != 0)
            abort();
        free(again);
        free(second);
        free(back);
        free(block);
    }
    free(comment);
    return 0;
}
