/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The procedures around a run: making a layer again, telling what a model file is,
 * reading the settings out of a picture. */
#pragma once

#include <libgimp/gimp.h>

/* The GimpRunImageFunc and GimpRunFuncs of procedures.c. */
GimpValueArray *regenerate_procedure      (GimpProcedure        *procedure,
                                           GimpRunMode           run_mode,
                                           GimpImage            *image,
                                           GimpDrawable        **drawables,
                                           GimpProcedureConfig  *config,
                                           gpointer              data);
GimpValueArray *inspect_procedure         (GimpProcedure        *procedure,
                                           GimpProcedureConfig  *config,
                                           gpointer              data);
GimpValueArray *read_parameters_procedure (GimpProcedure        *procedure,
                                           GimpProcedureConfig  *config,
                                           gpointer              data);
