/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Named sets of a mode's settings, kept as files in the user's configuration; and the defaults. */
#pragma once

#include <libgimp/gimp.h>

#include <gtk/gtk.h>

/* A button with a menu: choose, save, delete, reset.  Prompts stay as they are.
 * `folder': where the mode's presets are kept. */
GtkWidget *dialog_presets_new (GimpProcedureConfig *config,
                               const gchar         *folder);
