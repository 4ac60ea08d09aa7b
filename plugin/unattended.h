/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run without a dialog, from scripts and with the last values: GIMP's own progress bar
 * shows how far it is and how long it takes.  Needs no display. */
#pragma once

#include "run.h"

/* Everything, with the arguments as they are; `values_of' makes the return values. */
GimpValueArray *unattended_run (Run           *run,
                                GimpProcedure *values_of);
