/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog's form: which settings a mode has, in which order. */
#pragma once

#include "edit.h"

#include <gtk/gtk.h>

typedef struct
{
  GtkWidget *box;     /* all of it, to be packed */
  GtkWidget *form;    /* of fields.h: what is always seen */
  GtkWidget *seed;    /* for fields_seed_used () */
} DialogForm;

/* What happens where (intent, edge, context, amounts, strength), the list of models, quality (size,
 * steps, guidance, sampler, schedule, seed, count), and what is rarely needed behind an expander. */
void dialog_form_init     (DialogForm *form,
                           GObject    *config,
                           EditMode    mode,
                           GtkWidget  *models);

/* The image's size, that an outpaint's amounts in percent refer to. */
void dialog_form_set_size (DialogForm *form,
                           EditMode    mode,
                           gint        width,
                           gint        height);
