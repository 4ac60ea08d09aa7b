/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The prompt panel's areas on a screen; a GTK warning ends the program. */
#include "../test.h"
#include "settings.h"
#include "shown.h"

#include "contrast.h"
#include "prompt_panel.h"

#include <stdio.h>
#include <string.h>

/* Where a tag is: "0-3 7-9". */
static void
tagged (GtkTextBuffer *buffer,
        const gchar   *name,
        const gchar   *want)
{
  GtkTextTag *tag = gtk_text_tag_table_lookup (gtk_text_buffer_get_tag_table (buffer), name);
  GString    *got = g_string_new (NULL);
  GtkTextIter iter;

  gtk_text_buffer_get_start_iter (buffer, &iter);
  if (! gtk_text_iter_starts_tag (&iter, tag))
    gtk_text_iter_forward_to_tag_toggle (&iter, tag);
  while (gtk_text_iter_starts_tag (&iter, tag))
    {
      g_string_append_printf (got, "%s%d-", got->len ? " " : "", gtk_text_iter_get_offset (&iter));
      gtk_text_iter_forward_to_tag_toggle (&iter, tag);
      g_string_append_printf (got, "%d", gtk_text_iter_get_offset (&iter));
      if (! gtk_text_iter_starts_tag (&iter, tag))
        gtk_text_iter_forward_to_tag_toggle (&iter, tag);
    }
  CHECK_STRING (got->str, want);
  g_string_free (got, TRUE);
}

/* ---- text and property ----------------------------------------------------- */

static void
prompts_and_properties_follow_each_other (void)
{
  Shown shown;

  shown_begin (&shown, "grün");
  shown_holds (&shown, "grün", "");
  gtk_text_buffer_set_text (shown.buffer[0], "ein Häuschen", -1);
  shown_type (shown.view[1], "böse");
  shown_holds (&shown, "ein Häuschen", "böse");
  g_object_set (shown.settings, "prompt", "(a:1.3) b", "negative-prompt", NULL, NULL);
  settings_wait ();
  shown_type (shown.view[1], "x");
  shown_holds (&shown, "(a:1.3) b", "x");
  shown_end (&shown);
}

static void
notified_cb (GObject    *settings,
             GParamSpec *spec,
             gpointer    seen)
{
  gchar *text = settings_string (settings, "prompt");

  (void) spec;
  g_string_append_printf (seen, "[%s]", text);
  g_free (text);
}

static void
property_never_holds_half_a_change (void)
{
  Shown    shown;
  GString *seen = g_string_new (NULL);

  shown_begin (&shown, "red apple");
  g_signal_connect (shown.settings, "notify::prompt", G_CALLBACK (notified_cb), seen);
  shown_select (shown.buffer[0], 0, 3);
  shown_press (shown.view[0], GDK_KEY_Up, GDK_CONTROL_MASK);
  shown_press (shown.view[0], GDK_KEY_z, GDK_CONTROL_MASK);
  g_object_set (shown.settings, "prompt", "pear", NULL);
  CHECK_STRING (seen->str, "[(red:1.1) apple][red apple][pear]");
  g_string_free (seen, TRUE);
  shown_end (&shown);
}

static void
settings_outlive_the_panel (void)
{
  GObject *settings = settings_new ("prompt", "a");
  Shown    one, other;

  shown_open (&one, settings, NULL);
  shown_open (&other, settings, NULL);
  shown_type (one.view[0], "b");
  shown_holds (&other, "ab", "");
  g_object_ref (one.panel);
  shown_close (&one);
  g_object_set (settings, "prompt", "c", NULL);
  shown_holds (&other, "c", "");
  g_object_unref (one.panel);
  shown_end (&other);
}

static void
counters_tell_tokens_and_chunks (void)
{
  Shown      shown;
  GtkWidget *counter[2];
  gchar     *long_text = g_strnfill (90, 'x');

  shown_begin (&shown, "twelve chars");
  counter[0] = settings_nth (shown.panel, GTK_TYPE_LABEL, 1);
  counter[1] = settings_nth (shown.panel, GTK_TYPE_LABEL, 3);
  CHECK_STRING (gtk_label_get_text (GTK_LABEL (counter[0])), "12 of 75 tokens");
  CHECK_STRING (gtk_label_get_text (GTK_LABEL (counter[1])), "0 of 75 tokens");
  g_object_set (shown.settings, "negative-prompt", long_text, NULL);
  CHECK_STRING (gtk_label_get_text (GTK_LABEL (counter[1])), "90 of 150 tokens, 2 chunks");
  g_object_set (shown.settings, "prompt", "uncountable", NULL);
  CHECK_STRING (gtk_label_get_text (GTK_LABEL (counter[0])), "");
  g_free (long_text);
  shown_end (&shown);
}

/* ---- colours --------------------------------------------------------------- */

static void
tags_stand_at_characters_in_both_areas (void)
{
  Shown shown;

  shown_begin (&shown, "ä (ö:1.3) [ü] {a|ß} # (é:2)");
  g_object_set (shown.settings, "negative-prompt", "ö[x]", NULL);
  tagged (shown.buffer[0], "stronger", "2-9");
  tagged (shown.buffer[0], "weaker", "10-13");
  tagged (shown.buffer[0], "choice", "14-19");
  tagged (shown.buffer[0], "comment", "20-27");
  tagged (shown.buffer[1], "weaker", "1-4");
  shown_end (&shown);
}

static void
tags_follow_what_is_typed (void)
{
  Shown shown;

  shown_begin (&shown, "(ä:2) b (c:2)");
  shown_select (shown.buffer[0], 6, 6);
  shown_type (shown.view[0], "é ");
  tagged (shown.buffer[0], "stronger", "0-5 10-15");
  shown_select (shown.buffer[0], 5, 5);
  shown_type (shown.view[0], "x");      /* right behind a passage */
  tagged (shown.buffer[0], "stronger", "0-5 11-16");
  shown_press (shown.view[0], GDK_KEY_BackSpace, 0);
  shown_press (shown.view[0], GDK_KEY_BackSpace, 0); /* its bracket: now it weighs to the end */
  tagged (shown.buffer[0], "stronger", "0-14");
  shown_type (shown.view[0], ")");
  tagged (shown.buffer[0], "stronger", "0-5 10-15");
  shown_select (shown.buffer[0], 2, 2);
  shown_type (shown.view[0], "yy");
  tagged (shown.buffer[0], "stronger", "0-7 12-17");
  shown_select (shown.buffer[0], 0, 0);
  shown_type (shown.view[0], "#");
  tagged (shown.buffer[0], "stronger", "");
  tagged (shown.buffer[0], "comment", "0-18");
  shown_press (shown.view[0], GDK_KEY_Return, 0);
  tagged (shown.buffer[0], "stronger", "2-9 14-19");
  tagged (shown.buffer[0], "comment", "0-1");
  shown_press (shown.view[0], GDK_KEY_z, GDK_CONTROL_MASK);
  shown_press (shown.view[0], GDK_KEY_z, GDK_CONTROL_MASK);
  tagged (shown.buffer[0], "stronger", "0-7 12-17");
  tagged (shown.buffer[0], "comment", "");
  shown_end (&shown);
}

/* However text was changed, the tags are those of a new panel with that text. */
static void
tags_are_right_after_any_change (void)
{
  static const gchar *const pieces[] = { "(", ")", "[", "]", ":2", "#", "\n", "{", "|", "}", "ä", " ",
                                         "(b:2)", "{c|d}" };
  static const gchar *const names[]  = { "stronger", "weaker", "choice", "comment" };
  GRand *random = g_rand_new_with_seed (7);
  Shown  shown, fresh;

  shown_begin (&shown, "");
  shown_begin (&fresh, "");
  for (gint i = 0; i < 600; i++)
    {
      gint   length = gtk_text_buffer_get_char_count (shown.buffer[0]);
      gint   from   = g_rand_int_range (random, 0, length + 1);
      gchar *text;

      shown_select (shown.buffer[0], from, MIN (length, from + g_rand_int_range (random, 0, 4)));
      gtk_text_buffer_begin_user_action (shown.buffer[0]);
      gtk_text_buffer_delete_selection (shown.buffer[0], TRUE, TRUE);
      for (gint k = g_rand_int_range (random, 0, 3); k > 0; k--)
        gtk_text_buffer_insert_at_cursor (
          shown.buffer[0], pieces[g_rand_int_range (random, 0, G_N_ELEMENTS (pieces))], -1);
      if (i % 3 == 0)
        gtk_text_buffer_insert_at_cursor (shown.buffer[0], "x", -1);
      gtk_text_buffer_end_user_action (shown.buffer[0]);

      text = settings_string (shown.settings, "prompt");
      g_object_set (fresh.settings, "prompt", "", NULL);
      g_object_set (fresh.settings, "prompt", text, NULL);
      for (guint kind = 0; kind < G_N_ELEMENTS (names); kind++)
        {
          GtkTextTag *one = gtk_text_tag_table_lookup (
            gtk_text_buffer_get_tag_table (shown.buffer[0]), names[kind]);
          GtkTextTag *other = gtk_text_tag_table_lookup (
            gtk_text_buffer_get_tag_table (fresh.buffer[0]), names[kind]);
          gint        wrong = -1;

          for (gint at = 0; at < gtk_text_buffer_get_char_count (shown.buffer[0]); at++)
            {
              GtkTextIter here, there;

              gtk_text_buffer_get_iter_at_offset (shown.buffer[0], &here, at);
              gtk_text_buffer_get_iter_at_offset (fresh.buffer[0], &there, at);
              if (gtk_text_iter_has_tag (&here, one) != gtk_text_iter_has_tag (&there, other))
                wrong = at;
            }
          if (! CHECK_INT (wrong, -1))
            printf ("     %s in '%s'\n", names[kind], text);
        }
      g_free (text);
    }
  g_rand_free (random);
  shown_end (&fresh);
  shown_end (&shown);
}

/* The tags' colours on this background, within what the theme's own text reaches. */
static void
colours_can_be_read (Shown       *shown,
                     const gchar *text,
                     const gchar *background)
{
  static const gchar *const names[] = { "stronger", "weaker", "comment" };
  GtkTextTagTable *table    = gtk_text_buffer_get_tag_table (shown->buffer[0]);
  GtkCssProvider  *provider = gtk_css_provider_new ();
  gchar           *css      = g_strdup_printf (
    "textview, textview text { color: %s; background-color: %s; }", text, background);
  GdkRGBA          letters, behind, *choice, *colour;
  gdouble          least;

  CHECK (gtk_css_provider_load_from_data (provider, css, -1, NULL));
  gtk_style_context_add_provider_for_screen (gdk_screen_get_default (),
                                             GTK_STYLE_PROVIDER (provider),
                                             GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
  settings_wait_long ();
  gdk_rgba_parse (&letters, text);
  gdk_rgba_parse (&behind, background);
  least = MIN (4.5, contrast_of (&letters, &behind) * 0.99);
  g_object_get (gtk_text_tag_table_lookup (table, "choice"), "background-rgba", &choice, NULL);
  CHECK (contrast_of (&letters, choice) >= least * 0.9);
  CHECK (contrast_of (&behind, choice) > 1.01 && contrast_of (&behind, choice) < 1.6);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_object_get (gtk_text_tag_table_lookup (table, names[i]), "foreground-rgba", &colour, NULL);
      printf ("     %s on %s: contrast %.1f, %.1f in a choice\n", names[i], background,
              contrast_of (colour, &behind), contrast_of (colour, choice));
      CHECK (contrast_of (colour, &behind) >= least);
      CHECK (i == 2 || contrast_of (colour, choice) >= least * 0.9);
      gdk_rgba_free (colour);
    }
  gdk_rgba_free (choice);
  gtk_style_context_remove_provider_for_screen (gdk_screen_get_default (),
                                                GTK_STYLE_PROVIDER (provider));
  g_object_unref (provider);
  g_free (css);
}

static void
colours_can_be_read_in_any_theme (void)
{
  Shown shown;

  shown_begin (&shown, "(a:2)");
  colours_can_be_read (&shown, "black", "white");
  colours_can_be_read (&shown, "#eeeeec", "#2d2d2d");  /* Adwaita dark */
  colours_can_be_read (&shown, "#dcdcdc", "#242424");  /* GIMP dark */
  colours_can_be_read (&shown, "#dcdcdc", "#3c3c3c");
  colours_can_be_read (&shown, "black", "#898989");    /* GIMP gray */
  colours_can_be_read (&shown, "#888888", "#333333");  /* too pale itself */
  shown_end (&shown);
}

static void
colours_follow_the_theme (void)
{
  GtkSettings *settings = gtk_settings_get_default ();
  GdkRGBA     *light, *dark;
  GtkTextTag  *tag;
  Shown        shown;

  shown_begin (&shown, "(a:2)");
  tag = gtk_text_tag_table_lookup (gtk_text_buffer_get_tag_table (shown.buffer[1]), "stronger");
  g_object_get (tag, "foreground-rgba", &light, NULL);
  g_object_set (settings, "gtk-application-prefer-dark-theme", TRUE, NULL);
  settings_wait_long ();
  g_object_get (tag, "foreground-rgba", &dark, NULL);
  CHECK (contrast_of (light, dark) > 2);
  g_object_set (settings, "gtk-application-prefer-dark-theme", FALSE, NULL);
  settings_wait_long ();
  gdk_rgba_free (dark);
  g_object_get (tag, "foreground-rgba", &dark, NULL);
  CHECK (gdk_rgba_equal (light, dark));
  gdk_rgba_free (light);
  gdk_rgba_free (dark);
  shown_end (&shown);
}

/* ---- keys ------------------------------------------------------------------ */

static void
weights_change_by_keys_in_both_areas (void)
{
  Shown shown;

  shown_begin (&shown, "ä red apple");
  shown_select (shown.buffer[0], 5, 5);
  shown_press (shown.view[0], GDK_KEY_Up, GDK_CONTROL_MASK);
  shown_press (shown.view[0], GDK_KEY_Up, GDK_CONTROL_MASK);
  shown_holds (&shown, "ä (red:1.2) apple", "");
  shown_selected (shown.buffer[0], 11, 11); /* still behind the word */
  shown_press (shown.view[0], GDK_KEY_KP_Down, GDK_CONTROL_MASK);
  shown_press (shown.view[0], GDK_KEY_Down, GDK_CONTROL_MASK);
  shown_holds (&shown, "ä red apple", "");
  shown_selected (shown.buffer[0], 5, 5);
  shown_type (shown.view[1], "one two");
  shown_select (shown.buffer[1], 0, 7);
  shown_press (shown.view[1], GDK_KEY_Down, GDK_CONTROL_MASK);
  shown_press (shown.view[1], GDK_KEY_Down, GDK_CONTROL_MASK);
  shown_holds (&shown, "ä red apple", "(one two:0.8)");
  shown_selected (shown.buffer[1], 1, 8);
  tagged (shown.buffer[1], "weaker", "0-13");
  shown_end (&shown);
}

static void
changing_a_weight_does_not_scroll (void)
{
  Shown          shown;
  GString       *text = g_string_new (NULL);
  GtkAdjustment *scroll;
  GtkTextIter    iter;
  gdouble        before;

  for (gint i = 0; i < 200; i++)
    g_string_append_printf (text, "line %d\n", i);
  shown_begin (&shown, text->str);
  scroll = gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (shown.view[0]));
  gtk_text_buffer_get_iter_at_line (shown.buffer[0], &iter, 100);
  gtk_text_buffer_place_cursor (shown.buffer[0], &iter);
  gtk_text_view_scroll_to_iter (GTK_TEXT_VIEW (shown.view[0]), &iter, 0, TRUE, 0, 0.3);
  settings_wait_long ();
  before = gtk_adjustment_get_value (scroll);
  CHECK (before > 100);
  for (gint i = 0; i < 5; i++)
    shown_press (shown.view[0], GDK_KEY_Up, GDK_CONTROL_MASK);
  settings_wait_long ();
  CHECK (ABS (gtk_adjustment_get_value (scroll) - before) < 1);
  gtk_text_buffer_get_iter_at_line (shown.buffer[0], &iter, 190); /* out of sight */
  gtk_text_buffer_place_cursor (shown.buffer[0], &iter);
  shown_press (shown.view[0], GDK_KEY_Up, GDK_CONTROL_MASK);
  settings_wait_long ();
  CHECK (ABS (gtk_adjustment_get_value (scroll) - before) < 1);
  g_string_free (text, TRUE);
  shown_end (&shown);
}

static void
enter_generates_with_control_only (void)
{
  Shown shown;

  shown_begin (&shown, "");
  shown_press (shown.view[0], GDK_KEY_Return, GDK_CONTROL_MASK);
  shown_press (shown.view[1], GDK_KEY_KP_Enter, GDK_CONTROL_MASK);
  CHECK_INT (shown.activated, 2);
  shown_holds (&shown, "", "");
  shown_press (shown.view[0], GDK_KEY_Return, 0);
  shown_press (shown.view[1], GDK_KEY_KP_Enter, 0);
  CHECK_INT (shown.activated, 2);
  shown_holds (&shown, "\n", "\n");
  shown_end (&shown);
}

static void
tab_moves_the_focus (void)
{
  Shown shown;

  shown_begin (&shown, "a");
  gtk_widget_grab_focus (shown.view[0]);
  shown_press (shown.view[0], GDK_KEY_Tab, 0);
  CHECK (gtk_window_get_focus (GTK_WINDOW (shown.window)) == shown.view[1]);
  shown_press (shown.view[1], GDK_KEY_ISO_Left_Tab, GDK_SHIFT_MASK);
  CHECK (gtk_window_get_focus (GTK_WINDOW (shown.window)) == shown.view[0]);
  shown_holds (&shown, "a", "");
  shown_end (&shown);
}

/* ---- looks ----------------------------------------------------------------- */

static void
labels_name_the_areas (void)
{
  static const gchar *const names[] = { "Prompt", "Negative prompt" };
  Shown shown;

  shown_begin (&shown, "");
  for (gint i = 0; i < 2; i++)
    {
      AtkRelationSet *relations = atk_object_ref_relation_set (
        gtk_widget_get_accessible (shown.view[i]));
      AtkRelation    *labelled  = atk_relation_set_get_relation_by_type (relations,
                                                                         ATK_RELATION_LABELLED_BY);

      if (CHECK (labelled))
        CHECK_STRING (atk_object_get_name (atk_relation_get_target (labelled)->pdata[0]), names[i]);
      g_object_unref (relations);
    }
  shown_end (&shown);
}

static void
areas_are_as_high_as_their_lines (void)
{
  static const gint lines[] = { 3, 2 };
  GtkSettings *settings = gtk_settings_get_default ();
  gchar       *font;
  Shown        shown;

  g_object_get (settings, "gtk-font-name", &font, NULL);
  for (gint size = 0; size < 2; size++)
    {
      shown_begin (&shown, "Äg");
      if (size)
        {
          g_object_set (settings, "gtk-font-name", "DejaVu Sans 24", NULL);
          settings_wait_long ();
        }
      for (gint i = 0; i < 2; i++)
        {
          PangoLayout *layout = gtk_widget_create_pango_layout (shown.view[i],
                                                                lines[i] == 3 ? "Ä\nÄ\ng" : "Ä\ng");
          gint         height, least;

          pango_layout_get_pixel_size (layout, NULL, &height);
          gtk_widget_get_preferred_height (gtk_widget_get_parent (shown.view[i]), &least, NULL);
          CHECK (least >= height && least < height + 24);
          g_object_unref (layout);
        }
      g_object_set (settings, "gtk-font-name", font, NULL);
      shown_end (&shown);
    }
  g_free (font);
}

/* What the prompt's area looks like. */
static cairo_surface_t *
picture (Shown *shown)
{
  GtkWidget       *view = shown->view[0];
  cairo_surface_t *surface;
  cairo_t         *context;

  settings_wait_long ();
  surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, gtk_widget_get_allocated_width (view),
                                        gtk_widget_get_allocated_height (view));
  context = cairo_create (surface);
  gtk_widget_draw (view, context);
  cairo_destroy (context);
  cairo_surface_flush (surface);
  return surface;
}

static gboolean
same_picture (cairo_surface_t *a,
              cairo_surface_t *b)
{
  return ! memcmp (cairo_image_surface_get_data (a), cairo_image_surface_get_data (b),
                   (gsize) (cairo_image_surface_get_stride (a) *
                            cairo_image_surface_get_height (a)));
}

static void
placeholder_shows_in_an_empty_prompt (void)
{
  cairo_surface_t *pictures[5];
  Shown            shown;

  shown_begin (&shown, "");
  gtk_text_view_set_cursor_visible (GTK_TEXT_VIEW (shown.view[0]), FALSE);
  pictures[0] = picture (&shown);
  g_object_set (shown.settings, "prompt", "x", NULL);
  pictures[1] = picture (&shown);
  prompt_panel_set_placeholder (shown.panel, "a sunflower on a green meadow");
  pictures[2] = picture (&shown);
  g_object_set (shown.settings, "prompt", "", NULL);
  pictures[3] = picture (&shown);
  shown_holds (&shown, "", "");
  prompt_panel_set_placeholder (shown.panel, NULL);
  pictures[4] = picture (&shown);
  CHECK (same_picture (pictures[1], pictures[2]));
  CHECK (! same_picture (pictures[0], pictures[3]));
  CHECK (same_picture (pictures[0], pictures[4]));
  for (gint i = 0; i < 5; i++)
    cairo_surface_destroy (pictures[i]);
  shown_end (&shown);
}

/* ---- time ------------------------------------------------------------------ */

/* Milliseconds for a key in the middle of the text; GTK's layout and drawing afterwards too. */
static gdouble
time_of_key (GtkWidget *view,
             guint      key,
             GdkModifierType held,
             gdouble   *afterwards)
{
  gdouble best = G_MAXDOUBLE;

  *afterwards = G_MAXDOUBLE;
  for (gint i = 0; i < 3; i++)
    {
      gint64 start = g_get_monotonic_time (), done;

      shown_press (view, key, held);
      done = g_get_monotonic_time ();
      settings_wait ();
      best        = MIN (best, (gdouble) (done - start) / 1000);
      *afterwards = MIN (*afterwards, (gdouble) (g_get_monotonic_time () - done) / 1000);
    }
  return best;
}

static void
long_prompts_are_quick (void)
{
  static const gchar *const pieces[] = { "a (röd:1.2) äpple, [x] {b|c} ", "a (röd:1.2) äpple, # é\n",
                                         "plain words, and more\n" };

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      GString   *text  = g_string_new (NULL);
      GtkWidget *plain = gtk_text_view_new (), *scroll = gtk_scrolled_window_new (NULL, NULL);
      GtkWidget *window;
      Shown      shown;
      gdouble    typed, weight, without, after, after_plain;
      gint64     start;

      while (text->len < 100000)
        g_string_append (text, pieces[i]);
      gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (plain), GTK_WRAP_WORD_CHAR);
      gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (plain)), text->str, -1);
      gtk_container_add (GTK_CONTAINER (scroll), plain);
      start   = g_get_monotonic_time ();
      window  = settings_show (scroll);
      without = (gdouble) (g_get_monotonic_time () - start) / 1000;
      start   = g_get_monotonic_time ();
      shown_begin (&shown, text->str);
      printf ("     100 KB of '%.10s…': shown in %.0f ms, a plain text view in %.0f\n", pieces[i],
              (gdouble) (g_get_monotonic_time () - start) / 1000, without);
      for (gint at = 0; at < 100; at += 99)
        {
          shown_select (shown.buffer[0], 400 * at + 2, 400 * at + 2);
          shown_select (gtk_text_view_get_buffer (GTK_TEXT_VIEW (plain)), 400 * at + 2,
                        400 * at + 2);
          settings_wait ();
          without = time_of_key (plain, GDK_KEY_x, 0, &after_plain);
          typed   = time_of_key (shown.view[0], GDK_KEY_x, 0, &after);
          printf ("     at %5d: %.1f ms a key (a plain text view %.1f), then GTK %.0f ms (%.0f)",
                  400 * at, typed, without, after, after_plain);
          weight  = time_of_key (shown.view[0], GDK_KEY_Up, GDK_CONTROL_MASK, &after);
          printf (", %.1f ms a weight", weight);
          CHECK (typed < 50 + 2 * without);
          CHECK (weight < 50 + 2 * without);
          typed = time_of_key (shown.view[0], GDK_KEY_z, GDK_CONTROL_MASK, &after);
          printf (", %.1f ms an undo\n", typed);
          CHECK (typed < 50 + 2 * without);
        }
      g_string_free (text, TRUE);
      gtk_widget_destroy (window);
      shown_end (&shown);
    }
}

int
main (int    argc,
      char **argv)
{
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
  gtk_init (NULL, NULL);
  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", FALSE, NULL);
  test_begin (argc, argv);
  RUN (prompts_and_properties_follow_each_other);
  RUN (property_never_holds_half_a_change);
  RUN (settings_outlive_the_panel);
  RUN (counters_tell_tokens_and_chunks);
  RUN (tags_stand_at_characters_in_both_areas);
  RUN (tags_follow_what_is_typed);
  RUN (tags_are_right_after_any_change);
  RUN (colours_can_be_read_in_any_theme);
  RUN (colours_follow_the_theme);
  RUN (weights_change_by_keys_in_both_areas);
  RUN (changing_a_weight_does_not_scroll);
  RUN (enter_generates_with_control_only);
  RUN (tab_moves_the_focus);
  RUN (labels_name_the_areas);
  RUN (areas_are_as_high_as_their_lines);
  RUN (placeholder_shows_in_an_empty_prompt);
  RUN (long_prompts_are_quick);
  return test_end ();
}
