/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shown.h"

#include "../test.h"
#include "settings.h"

#include "prompt_panel.h"

#include <string.h>

static gboolean
count_cb (const gchar *text,
          gint        *tokens,
          gint        *chunks,
          gpointer     user)
{
  CHECK (user != NULL);
  *tokens = (gint) g_utf8_strlen (text, -1);
  *chunks = MAX (1, (*tokens + 74) / 75);
  return strcmp (text, "uncountable") != 0;
}

static void
activate_cb (gpointer user)
{
  ((Shown *) user)->activated++;
}

void
shown_open (Shown       *shown,
            GObject     *settings,
            const gchar *store)
{
  PromptPanelHooks hooks = { count_cb, store, activate_cb, shown };

  shown->activated = 0;
  shown->settings  = settings;
  shown->panel     = prompt_panel_new (settings, "prompt", "negative-prompt", &hooks);
  shown->window    = settings_show (shown->panel);
  for (gint i = 0; i < 2; i++)
    {
      shown->view[i]   = settings_nth (shown->panel, GTK_TYPE_TEXT_VIEW, i);
      shown->buffer[i] = gtk_text_view_get_buffer (GTK_TEXT_VIEW (shown->view[i]));
    }
  CHECK (prompt_panel_get_entry (shown->panel) == shown->view[0]);
}

void
shown_close (Shown *shown)
{
  gtk_widget_destroy (shown->window);
  settings_wait ();
}

void
shown_begin (Shown       *shown,
             const gchar *prompt)
{
  shown_open (shown, settings_new ("prompt", prompt), NULL);
}

void
shown_end (Shown *shown)
{
  shown_close (shown);
  CHECK_INT (shown->settings->ref_count, 1);
  g_object_unref (shown->settings);
}

void
shown_press (GtkWidget       *widget,
             guint            key,
             GdkModifierType  held)
{
  GtkWidget    *window = gtk_widget_get_toplevel (widget);
  GdkKeymapKey *keys   = NULL;
  gint          count  = 0;

  if (gtk_window_get_focus (GTK_WINDOW (window)) != widget)
    gtk_widget_grab_focus (widget);
  gdk_keymap_get_entries_for_keyval (gdk_keymap_get_for_display (gtk_widget_get_display (widget)),
                                     key, &keys, &count);
  for (gint i = 0; i < 2; i++)
    {
      GdkEvent *event = gdk_event_new (i ? GDK_KEY_RELEASE : GDK_KEY_PRESS);

      event->key.window           = g_object_ref (gtk_widget_get_window (window));
      event->key.send_event       = TRUE;
      event->key.time             = GDK_CURRENT_TIME;
      event->key.state            = held;
      event->key.keyval           = key;
      event->key.hardware_keycode = count ? (guint16) keys[0].keycode : 0;
      gdk_event_set_device (event, gdk_seat_get_keyboard (
        gdk_display_get_default_seat (gtk_widget_get_display (widget))));
      gtk_main_do_event (event);
      gdk_event_free (event);
    }
  g_free (keys);
}

void
shown_type (GtkWidget   *view,
            const gchar *text)
{
  for (; *text; text = g_utf8_next_char (text))
    shown_press (view, gdk_unicode_to_keyval (g_utf8_get_char (text)), 0);
}

void
shown_holds (Shown       *shown,
             const gchar *prompt,
             const gchar *negative)
{
  static const gchar *const properties[] = { "prompt", "negative-prompt" };
  const gchar *const        wanted[]     = { prompt, negative };

  for (gint i = 0; i < 2; i++)
    {
      gchar *set = settings_string (shown->settings, properties[i]), *text;

      g_object_get (shown->buffer[i], "text", &text, NULL);
      CHECK_STRING (text, wanted[i]);
      CHECK_STRING (set, wanted[i]);
      g_free (text);
      g_free (set);
    }
}

void
shown_select (GtkTextBuffer *buffer,
              gint           from,
              gint           to)
{
  GtkTextIter start, stop;

  gtk_text_buffer_get_iter_at_offset (buffer, &start, from);
  gtk_text_buffer_get_iter_at_offset (buffer, &stop, to);
  gtk_text_buffer_select_range (buffer, &stop, &start);
}

void
shown_selected (GtkTextBuffer *buffer,
                gint           from,
                gint           to)
{
  GtkTextIter start, stop;

  gtk_text_buffer_get_selection_bounds (buffer, &start, &stop);
  CHECK_INT (gtk_text_iter_get_offset (&start), from);
  CHECK_INT (gtk_text_iter_get_offset (&stop), to);
}

void
shown_undo (GtkWidget *view)
{
  shown_press (view, GDK_KEY_z, GDK_CONTROL_MASK);
}

void
shown_redo (GtkWidget *view)
{
  shown_press (view, GDK_KEY_Z, GDK_CONTROL_MASK | GDK_SHIFT_MASK);
}
