/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The info bar of the dialog: one sentence, and the button that does what it says. */
#pragma once

#include <gtk/gtk.h>

GtkWidget *dialog_bar_new  (void);

/* Shows a sentence; NULL: nothing.  `button' (a mnemonic label, or NULL) calls act (user).  The sentence
 * stays until the next one, or until it is closed; a warning that was closed does not come again as
 * long as it is the same. */
void       dialog_bar_say  (GtkWidget       *bar,
                            GtkMessageType   type,
                            const gchar     *text,
                            const gchar     *button,
                            void          (* act) (gpointer user),
                            gpointer         user);
