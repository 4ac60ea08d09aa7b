/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was made: shown as thumbnails, put into the image, asked for its settings. */
#pragma once

#include "run.h"

#include <gtk/gtk.h>

typedef struct
{
  void (* chosen)   (gpointer candidate, gpointer user); /* NULL: none */
  void (* inserted) (gpointer user);                     /* some more have been */
  void (* failed)   (const gchar *text, gpointer user);  /* why one was not */
} DialogResultsHooks;

typedef struct
{
  Run                *run;      /* borrowed */
  DialogResultsHooks  hooks;
  gpointer            user;
  GtkWidget          *panel;
  GHashTable         *layers;   /* of those that were inserted: borrowed GimpLayer */
  GimpLayer          *layer;    /* the last one inserted, borrowed */
  GimpImage          *image;    /* it was inserted into */
  Candidate          *last;     /* it shows, or NULL */
} DialogResults;

/* Returns the panel, to be packed. */
GtkWidget      *dialog_results_init   (DialogResults            *self,
                                       Run                      *run,
                                       const DialogResultsHooks *hooks,
                                       gpointer                  user);
/* While the panel lives. */
void            dialog_results_clear  (DialogResults            *self);

/* Takes it over. */
void            dialog_results_add    (DialogResults            *self,
                                       Candidate                *candidate);
/* What is inserted and what is not any more: Undo in GIMP takes a layer away. */
void            dialog_results_look   (DialogResults            *self);
/* What the procedure returns. */
GimpValueArray *dialog_results_values (DialogResults            *self);
