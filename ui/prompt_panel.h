/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two text areas for prompt and negative prompt, bound to string properties of any GObject.
 *
 * Shows how many tokens of how many chunks the prompt has, colours weighted passages,
 * changes the weight of the word at the cursor with Ctrl+Up and Ctrl+Down, and offers
 * earlier prompts and saved styles ("{prompt} as an oil painting") in a menu. */
#pragma once

#include <gtk/gtk.h>

typedef struct
{
  /* Tokens and chunks of 75 of a text. */
  gboolean (* count)   (const gchar *text, gint *tokens, gint *chunks);
  /* Where history and styles are kept: a file name, or NULL for nowhere. */
  const gchar *store;
} PromptPanelHooks;

/* `negative' may be NULL. */
GtkWidget *prompt_panel_new          (GObject                *settings,
                                      const gchar            *prompt,
                                      const gchar            *negative,
                                      const PromptPanelHooks *hooks);

/* The prompt's text area, for the first focus. */
GtkWidget *prompt_panel_get_entry    (GtkWidget *panel);

/* Puts the present prompt at the top of the history. */
void       prompt_panel_remember     (GtkWidget *panel);
