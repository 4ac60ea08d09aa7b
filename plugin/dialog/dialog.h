/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog of all modes: from a prompt to results, and from these to layers.  It stays open, GIMP
 * stays usable, and nothing in the image changes before "Insert". */
#pragma once

#include "run.h"

/* Until the dialog is closed; takes the run over.  The return values of its procedure. */
GimpValueArray *dialog_run (Run *run);
