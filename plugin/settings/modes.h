/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The modes of editing that have a procedure and a dialog, and their texts. */
#pragma once

#include "edit.h"

#include <glib.h>

#define MODE_COUNT 5

typedef struct
{
  EditMode     mode;
  const gchar *procedure; /* its name */
  const gchar *label;     /* in the menu; this and what follows: to be translated */
  const gchar *blurb;
  const gchar *help;
  const gchar *example;   /* what an empty prompt shows */
} Mode;

/* In the menu's order. */
const Mode *modes_at           (gint         index);
gboolean    modes_have         (EditMode     mode);
/* One that there is. */
const Mode *modes_of           (EditMode     mode);
/* NULL for the procedures that generate nothing. */
const Mode *modes_of_procedure (const gchar *procedure);
