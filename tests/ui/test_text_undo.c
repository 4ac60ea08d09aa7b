/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Undo in the prompt panel's areas, by keys. */
#include "../test.h"
#include "shown.h"

static void
words_are_undone_one_by_one (void)
{
  Shown shown;

  shown_begin (&shown, "");
  for (gint i = 0; i < 2; i++)
    {
      shown_type (shown.view[i], "röd  äpple,");
      shown_undo (shown.view[i]);
    }
  shown_holds (&shown, "röd  ", "röd  ");
  shown_undo (shown.view[0]);
  shown_holds (&shown, "", "röd  ");
  shown_undo (shown.view[0]);
  shown_redo (shown.view[0]);
  shown_press (shown.view[0], GDK_KEY_y, GDK_CONTROL_MASK);
  shown_redo (shown.view[0]);
  shown_holds (&shown, "röd  äpple,", "röd  ");
  shown_selected (shown.buffer[0], 11, 11);
  shown_undo (shown.view[0]);
  shown_type (shown.view[0], "x");
  shown_redo (shown.view[0]); /* there is nothing to do again */
  shown_holds (&shown, "röd  x", "röd  ");
  shown_undo (shown.view[0]);
  shown_holds (&shown, "röd  ", "röd  ");
  shown_end (&shown);
}

static void
deleted_characters_are_one_step (void)
{
  Shown shown;

  shown_begin (&shown, "one two three");
  shown_select (shown.buffer[0], 13, 13);
  for (gint i = 0; i < 5; i++)
    shown_press (shown.view[0], GDK_KEY_BackSpace, 0);
  shown_select (shown.buffer[0], 0, 0);
  shown_press (shown.view[0], GDK_KEY_Delete, 0);
  shown_press (shown.view[0], GDK_KEY_Delete, 0);
  shown_holds (&shown, "e two ", "");
  shown_undo (shown.view[0]);
  shown_holds (&shown, "one two ", "");
  shown_undo (shown.view[0]);
  shown_holds (&shown, "one two three", "");
  shown_redo (shown.view[0]);
  shown_redo (shown.view[0]);
  shown_holds (&shown, "e two ", "");
  shown_end (&shown);
}

static void
lines_and_pauses_end_a_step (void)
{
  Shown shown;

  shown_begin (&shown, "");
  shown_type (shown.view[0], "a");
  shown_press (shown.view[0], GDK_KEY_Return, 0);
  shown_type (shown.view[0], "b");
  shown_undo (shown.view[0]);
  shown_holds (&shown, "a\n", "");
  shown_undo (shown.view[0]);
  shown_holds (&shown, "a", "");
  shown_type (shown.view[0], "bc");
  g_usleep (1100000);
  shown_type (shown.view[0], "d");
  shown_undo (shown.view[0]);
  shown_holds (&shown, "abc", "");
  shown_end (&shown);
}

static void
replaced_selection_is_one_step (void)
{
  Shown shown;

  shown_begin (&shown, "a red apple");
  shown_select (shown.buffer[0], 2, 5);
  shown_type (shown.view[0], "p");
  shown_type (shown.view[0], "ink");
  shown_holds (&shown, "a pink apple", "");
  shown_undo (shown.view[0]);
  shown_undo (shown.view[0]);
  shown_holds (&shown, "a red apple", "");
  shown_selected (shown.buffer[0], 2, 5);
  shown_end (&shown);
}

static void
weight_and_selection_are_undone (void)
{
  Shown shown;

  shown_begin (&shown, "a red apple");
  shown_select (shown.buffer[0], 2, 5);
  shown_press (shown.view[0], GDK_KEY_Up, GDK_CONTROL_MASK);
  shown_press (shown.view[0], GDK_KEY_Up, GDK_CONTROL_MASK);
  shown_selected (shown.buffer[0], 3, 6);
  shown_undo (shown.view[0]);
  shown_holds (&shown, "a (red:1.1) apple", "");
  shown_selected (shown.buffer[0], 3, 6);
  shown_undo (shown.view[0]);
  shown_holds (&shown, "a red apple", "");
  shown_selected (shown.buffer[0], 2, 5);
  shown_redo (shown.view[0]);
  shown_holds (&shown, "a (red:1.1) apple", "");
  shown_selected (shown.buffer[0], 3, 6);
  shown_end (&shown);
}

static void
property_set_from_outside_is_undone (void)
{
  Shown shown;

  shown_begin (&shown, "first");
  shown_select (shown.buffer[0], 5, 5);
  shown_type (shown.view[0], "!");
  g_object_set (shown.settings, "prompt", "first!?", NULL); /* next to what was typed */
  g_object_set (shown.settings, "prompt", "a whole other ö", "negative-prompt", "n", NULL);
  shown_undo (shown.view[0]);
  shown_undo (shown.view[1]);
  shown_holds (&shown, "first!?", "");
  shown_undo (shown.view[0]);
  shown_holds (&shown, "first!", "");
  shown_undo (shown.view[0]);
  shown_undo (shown.view[0]);
  shown_holds (&shown, "first", ""); /* what the panel began with stays */
  shown_end (&shown);
}

static void
old_steps_are_forgotten (void)
{
  Shown shown;

  shown_begin (&shown, "");
  for (gint i = 1; i <= 600; i++)
    {
      gchar *text = g_strdup_printf ("%d", i);

      g_object_set (shown.settings, "prompt", text, NULL);
      g_free (text);
    }
  for (gint i = 0; i < 600; i++)
    shown_undo (shown.view[0]);
  shown_holds (&shown, "100", "");
  for (gint i = 0; i < 600; i++)
    shown_redo (shown.view[0]);
  shown_holds (&shown, "600", "");
  shown_end (&shown);
}

int
main (int    argc,
      char **argv)
{
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
  gtk_init (NULL, NULL);
  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", FALSE, NULL);
  test_begin (argc, argv);
  RUN (words_are_undone_one_by_one);
  RUN (deleted_characters_are_one_step);
  RUN (lines_and_pauses_end_a_step);
  RUN (replaced_selection_is_one_step);
  RUN (weight_and_selection_are_undone);
  RUN (property_set_from_outside_is_undone);
  RUN (old_steps_are_forgotten);
  return test_end ();
}
