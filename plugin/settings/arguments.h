/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings as a procedure's arguments, and as the properties of its config. */
#pragma once

#include "settings.h"

#include <libgimp/gimp.h>

/* All that the mode has. */
void      arguments_add      (GimpProcedure         *procedure,
                              EditMode               mode);

/* What GIMP lets through though it is no value: a sentence. */
gboolean  arguments_check    (GimpProcedureConfig   *config,
                              EditMode               mode,
                              GError               **error);
/* What is usual in the mode, and what the config says over it.  A random seed is drawn
 * here. */
Settings  arguments_read     (GimpProcedureConfig   *config,
                              EditMode               mode);
/* Sets what the config has of those that `wanted' says yes to. */
void      arguments_write    (GimpProcedureConfig   *config,
                              const Settings        *settings,
                              gboolean            (* wanted) (const Setting *setting,
                                                              gpointer       user),
                              gpointer               user);

/* Of the setting's argument; "" where the config has none.  The caller frees. */
gchar    *arguments_get_text (GimpProcedureConfig   *config,
                              const gchar           *name);
