/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking at a model file on a thread of its own: on a network drive that takes as long as
 * it takes, and on a dead one for ever. */
#pragma once

#include "engine.h"

#include <glib.h>

typedef struct _Inspection Inspection;

/* `error' is NULL where there is an `info'.  From the main loop; the inspection ends with
 * it. */
typedef void (* InspectionDone) (const EngineModelInfo *info,
                                 const EngineError     *error,
                                 gpointer               user);

Inspection *inspection_start  (const gchar    *path,
                               InspectionDone  done,
                               gpointer        user);
/* Nobody wants to know any more: done () is not called.  A thread that hangs ends when it
 * can, or with the process. */
void        inspection_forget (Inspection     *inspection);

/* For the tests: waits as a slow drive would, the milliseconds that stand in the file
 * $GIMP_DIFFUSION_SLOW_FILES. */
void        inspection_wait   (void);
