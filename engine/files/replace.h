/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing a file so that there is the old one or the whole new one, and never a half: a file without a
 * name, or with one that ends in .part, in the same folder; fsync, rename.
 *
 * A link is followed, and the new file has the rights of the old one.  A process that is killed leaves
 * nothing where the file system knows files without a name; else the next run that writes the same file
 * takes the .part away. */
#pragma once

#include "../base/error.h"

#include <stdio.h>

typedef struct {
    FILE       *stream;    /* write here */
    char       *target;    /* the file itself, links followed */
    char       *temporary; /* the name it gets or has until it is renamed */
    bool        nameless;  /* it has none yet */
    const char *path;      /* borrowed */
} Replace;

bool replace_begin(Replace *replace, const char *path, EngineError *error);
/* Renames when ok and everything was written, else removes the temporary file. */
bool replace_end(Replace *replace, bool ok, EngineError *error);
