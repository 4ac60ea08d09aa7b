/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The prompts that were used and the styles that were saved, in a key file.  No widgets.
 *
 * The file is read anew each time, so that two dialogs add to it without losing anything.  One that
 * is missing or damaged is an empty one. */
#pragma once

#include <glib.h>

typedef struct PromptStore PromptStore;

typedef struct
{
  gchar *prompt;
  gchar *negative; /* "": none */
} PromptUsed;

typedef struct
{
  gchar *name;
  gchar *template; /* {prompt} stands for the prompt that is there */
} PromptStyle;

/* NULL for a file: kept until it is freed. */
PromptStore *prompt_store_new          (const gchar *file);
void         prompt_store_free         (PromptStore *store);

/* The last ones first: GPtrArray of PromptUsed, to be unreffed. */
GPtrArray   *prompt_store_list_used    (PromptStore *store);
void         prompt_store_add_used     (PromptStore *store,
                                        const gchar *prompt,
                                        const gchar *negative);
void         prompt_store_forget_used  (PromptStore *store);

/* By name: GPtrArray of PromptStyle, to be unreffed. */
GPtrArray   *prompt_store_list_styles  (PromptStore *store);
/* A style of the same name is replaced.  The name is not empty. */
gboolean     prompt_store_save_style   (PromptStore *store,
                                        const gchar *name,
                                        const gchar *template,
                                        GError     **error);
void         prompt_store_delete_style (PromptStore *store,
                                        const gchar *name);

/* The prompt in place of {prompt}, or with the template behind it. */
gchar       *prompt_store_apply_style  (const gchar *template,
                                        const gchar *prompt);
