/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making a layer again that has a record. */
#pragma once

#include <libgimp/gimp.h>

/* The GimpRunImageFunc of procedures.c. */
GimpValueArray *regenerate_procedure (GimpProcedure        *procedure,
                                      GimpRunMode           run_mode,
                                      GimpImage            *image,
                                      GimpDrawable        **drawables,
                                      GimpProcedureConfig  *config,
                                      gpointer              data);
