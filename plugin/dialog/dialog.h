/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog of all modes: from a prompt to results, and from these to layers.  It stays open, GIMP
 * stays usable, and nothing in the image changes before "Insert". */
#pragma once

#include "run.h"

/* Until the dialog is closed; the return values of the procedure. */
GimpValueArray *dialog_run (GimpProcedure        *procedure,
                            GimpProcedureConfig  *config,
                            EditMode              mode,
                            GimpImage            *image,
                            GimpDrawable        **drawables);

/* The same for a run that is set up already, such as a layer's record; takes it over. */
GimpValueArray *dialog_run_with (Run *run);
