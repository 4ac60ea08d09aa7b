/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two text areas for prompt and negative prompt, bound to string properties of any GObject.
 *
 * Each shows how many tokens of how many chunks it has; weights, choices and comments in colours;
 * Ctrl+Up and Ctrl+Down change the weight of the selection or word, Ctrl+Z undoes.  A menu offers
 * earlier prompts and saved styles ("{prompt} as an oil painting"). */
#pragma once

#include <gtk/gtk.h>

typedef struct
{
  /* Tokens and chunks of 75 of a text; NULL: not counted. */
  gboolean (* count)    (const gchar *text, gint *tokens, gint *chunks, gpointer user);
  /* Where history and styles are kept: a file name, or NULL for nowhere. */
  const gchar *store;
  /* Ctrl+Enter in either area, or NULL. */
  void     (* activate) (gpointer user);
  gpointer     user;
} PromptPanelHooks;

/* `negative' may be NULL.  Packed to expand, the prompt's area takes the height. */
GtkWidget *prompt_panel_new             (GObject                *settings,
                                         const gchar            *prompt,
                                         const gchar            *negative,
                                         const PromptPanelHooks *hooks);

/* The prompt's text area, for the first focus. */
GtkWidget *prompt_panel_get_entry       (GtkWidget   *panel);

/* Puts the present prompts at the top of the history. */
void       prompt_panel_remember        (GtkWidget   *panel);

/* An example that stands in the prompt's area, dim, as long as that is empty; NULL: none. */
void       prompt_panel_set_placeholder (GtkWidget   *panel,
                                         const gchar *text);
