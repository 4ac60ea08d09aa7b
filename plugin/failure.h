/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What did not work, on its way from the engine to GIMP. */
#pragma once

#include "engine.h"

#include <libgimp/gimp.h>

/* The domain of the engine's failures; the code is an EngineStatus. */
#define FAILURE (failure_quark ())

GQuark          failure_quark    (void);
/* An engine's failure as GError. */
void            failure_to_error (const EngineError  *failure,
                                  GError            **error);
/* What a procedure returns then: CANCEL, CALLING_ERROR or EXECUTION_ERROR; takes the error
 * over. */
GimpValueArray *failure_values   (GimpProcedure      *procedure,
                                  GError             *error);
