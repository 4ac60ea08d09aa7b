/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "picture.h"

#include <stdlib.h>

void engine_picture_clear(EnginePicture *picture)
{
    free(picture->pixels);
    *picture = (EnginePicture){ 0 };
}
