/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A prompt panel in a window, for tests: what it holds, and keys as a keyboard sends them. */
#pragma once

#include <gtk/gtk.h>

typedef struct
{
  GObject       *settings;
  GtkWidget     *panel, *window;
  GtkWidget     *view[2];    /* prompt, negative prompt */
  GtkTextBuffer *buffer[2];
  gint           activated;  /* how often by Ctrl+Enter */
} Shown;

/* One token for each character; "uncountable" cannot be counted. */
void shown_open     (Shown          *shown,
                     GObject        *settings,
                     const gchar    *store);
void shown_close    (Shown          *shown);

/* With settings of its own, without a store. */
void shown_begin    (Shown          *shown,
                     const gchar    *prompt);
/* With the settings; nobody else may use them any more. */
void shown_end      (Shown          *shown);

/* Presses and releases a key; `widget' gets the focus. */
void shown_press    (GtkWidget      *widget,
                     guint           key,
                     GdkModifierType held);
void shown_type     (GtkWidget      *widget,
                     const gchar    *text);
void shown_undo     (GtkWidget      *view);
void shown_redo     (GtkWidget      *view);

/* Checks the areas and the properties. */
void shown_holds    (Shown          *shown,
                     const gchar    *prompt,
                     const gchar    *negative);

/* In characters; the cursor is at `to'. */
void shown_select   (GtkTextBuffer  *buffer,
                     gint            from,
                     gint            to);
void shown_selected (GtkTextBuffer  *buffer,
                     gint            from,
                     gint            to);
