/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the dialogs remember, as files in the user's configuration folder: named sets of a mode's
 * settings, the last used ones, and small marks. */
#pragma once

#include "run.h"

#include <gtk/gtk.h>

/* A button with a menu: choose, save, delete, reset.  Prompts stay as they are. */
GtkWidget *dialog_presets_new       (Run         *run);

/* Where libgimp itself keeps a procedure's last values, which it does only when a run was a success:
 * so that they are there after Close without Insert, and after a crash. */
void       dialog_presets_keep_last (Run         *run);

/* Small things to be remembered by name. */
gboolean   dialog_presets_is_marked (const gchar *name);
void       dialog_presets_mark      (const gchar *name,
                                     gboolean     marked);

/* Settings that the run's model recommends stand where those that were recommended before stood:
 * what a person chose stays. */
void       dialog_presets_suit      (Run         *run);

/* A file in our configuration folder, which is made; the caller frees. */
gchar     *dialog_presets_file      (const gchar *name);
