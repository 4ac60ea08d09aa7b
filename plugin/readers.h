/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The procedures that only read: what a model file is, which settings a picture has. */
#pragma once

#include <libgimp/gimp.h>

/* The GimpRunFuncs of procedures.c. */
GimpValueArray *readers_inspect    (GimpProcedure       *procedure,
                                    GimpProcedureConfig *config,
                                    gpointer             data);
GimpValueArray *readers_parameters (GimpProcedure       *procedure,
                                    GimpProcedureConfig *config,
                                    gpointer             data);
