/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing a file so that there is the old one or the whole new one, and never a half: a temporary
 * file beside it, fsync, rename. */
#pragma once

#include "../base/error.h"

#include <stdio.h>

typedef struct {
    FILE       *stream;    /* write here */
    char       *temporary; /* its name, until it is renamed */
    const char *path;      /* borrowed */
} Replace;

bool replace_begin(Replace *replace, const char *path, EngineError *error);
/* Renames when ok and everything was written, else removes the temporary file. */
bool replace_end(Replace *replace, bool ok, EngineError *error);
