/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "text_undo.h"

#include <string.h>

#include "ui_intl.h"

#define MOST_STEPS 500
#define MOST_BYTES (4 << 20)       /* of the texts of all steps */
#define PAUSE      G_USEC_PER_SEC  /* between two keys ends a step */

/* `removed' at `at' became `inserted'; positions in characters. */
typedef struct
{
  gint     at;
  gchar   *removed, *inserted;
  gint     before[2], after[2]; /* cursor and other end of the selection */
  gint64   when;                /* of its last key, in microseconds */
  gboolean open;                /* the next key may join it */
} Step;

typedef struct
{
  GtkTextView   *view;
  GtkTextBuffer *buffer;
  gchar         *text;      /* at the last step */
  GQueue         undo, redo; /* the last one is at the tail */
  gsize          bytes;     /* of the texts in both */
  gint           before[2];
  gboolean       acting;    /* within a user action */
  gboolean       changed;   /* in it */
  gboolean       playing;   /* a step is undone or done again */
  gboolean       whole;     /* the next step is one of its own */
} TextUndo;

/* ---- steps ---------------------------------------------------------------- */

static gsize
step_bytes (const Step *step)
{
  return strlen (step->removed) + strlen (step->inserted);
}

static void
step_free (TextUndo *self,
           Step     *step)
{
  self->bytes -= step_bytes (step);
  g_free (step->removed);
  g_free (step->inserted);
  g_free (step);
}

static void
drop (TextUndo *self,
      GQueue   *queue)
{
  Step *step;

  while ((step = g_queue_pop_tail (queue)))
    step_free (self, step);
}

static void
read_selection (TextUndo *self,
                gint      selection[2])
{
  GtkTextIter iter;

  gtk_text_buffer_get_iter_at_mark (self->buffer, &iter,
                                    gtk_text_buffer_get_insert (self->buffer));
  selection[0] = gtk_text_iter_get_offset (&iter);
  gtk_text_buffer_get_iter_at_mark (self->buffer, &iter,
                                    gtk_text_buffer_get_selection_bound (self->buffer));
  selection[1] = gtk_text_iter_get_offset (&iter);
}

/* How many bytes two texts share at their beginnings and ends, in whole characters. */
static void
compare (const gchar *a,
         const gchar *b,
         gsize       *prefix,
         gsize       *suffix)
{
  gsize a_length = strlen (a), b_length = strlen (b);
  gsize most     = MIN (a_length, b_length), count = 0;

  while (count < most && a[count] == b[count])
    count++;
  while (count > 0 && ((a[count] & 0xc0) == 0x80 || (b[count] & 0xc0) == 0x80))
    count--;
  *prefix = count;
  most   -= count;
  count   = 0;
  while (count < most && a[a_length - 1 - count] == b[b_length - 1 - count])
    count++;
  while (count > 0 && ((a[a_length - count] & 0xc0) == 0x80))
    count--;
  *suffix = count;
}

static gboolean
one_character (const gchar *text)
{
  return *text && *text != '\n' && ! *g_utf8_next_char (text);
}

/* Lets a key that was typed next to where `last' ended be part of it. */
static gboolean
join (TextUndo *self,
      Step     *last,
      Step     *step)
{
  gint   last_length = (gint) g_utf8_strlen (last->inserted, -1);
  gchar *joined;

  if (! last->open || ! step->open || step->when - last->when > PAUSE)
    return FALSE;
  if (*step->inserted && ! *last->removed && step->at == last->at + last_length &&
      ! (g_str_has_suffix (last->inserted, " ") && *step->inserted != ' '))
    {
      joined = g_strconcat (last->inserted, step->inserted, NULL);
      g_free (last->inserted);
      last->inserted = joined;
    }
  else if (*step->removed && ! *last->inserted &&
           (step->at == last->at || step->at + 1 == last->at))
    {
      joined = step->at == last->at ? g_strconcat (last->removed, step->removed, NULL)
                                    : g_strconcat (step->removed, last->removed, NULL);
      g_free (last->removed);
      last->removed = joined;
      last->at      = step->at;
    }
  else
    {
      return FALSE;
    }
  self->bytes += step_bytes (step);
  last->when = step->when;
  memcpy (last->after, step->after, sizeof last->after);
  step_free (self, step);
  return TRUE;
}

/* The difference between self->text and what the buffer holds now, as a step. */
static void
record (TextUndo *self)
{
  Step       *step, *last;
  GtkTextIter start, end;
  gchar      *text;
  gsize       prefix, suffix;

  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  text = gtk_text_buffer_get_text (self->buffer, &start, &end, TRUE);
  compare (self->text, text, &prefix, &suffix);
  if (! self->playing && strcmp (self->text, text))
    {
      step           = g_new0 (Step, 1);
      step->at       = (gint) g_utf8_strlen (text, (gssize) prefix);
      step->removed  = g_strndup (self->text + prefix, strlen (self->text) - prefix - suffix);
      step->inserted = g_strndup (text + prefix, strlen (text) - prefix - suffix);
      step->when     = g_get_monotonic_time ();
      if (! self->whole)
        step->open = *step->removed ? ! *step->inserted && one_character (step->removed)
                                    : one_character (step->inserted);
      memcpy (step->before, self->before, sizeof step->before);
      read_selection (self, step->after);
      self->bytes += step_bytes (step);
      drop (self, &self->redo);
      last = g_queue_peek_tail (&self->undo);
      if (! last || ! join (self, last, step))
        g_queue_push_tail (&self->undo, step);
      while (self->undo.length > MOST_STEPS ||
             (self->undo.length > 1 && self->bytes > MOST_BYTES))
        step_free (self, g_queue_pop_head (&self->undo));
    }
  self->whole = FALSE;
  g_free (self->text);
  self->text = text;
}

/* The next key begins a step. */
static void
close_step (TextUndo *self)
{
  Step *last = g_queue_peek_tail (&self->undo);

  if (last)
    last->open = FALSE;
}

/* ---- the buffer ----------------------------------------------------------- */

/* `length' characters at `at' become `text', as one user action. */
static void
replace (TextUndo    *self,
         gint         at,
         glong        length,
         const gchar *text)
{
  GtkTextIter start, end;

  gtk_text_buffer_begin_user_action (self->buffer);
  gtk_text_buffer_get_iter_at_offset (self->buffer, &start, at);
  gtk_text_buffer_get_iter_at_offset (self->buffer, &end, at + (gint) length);
  gtk_text_buffer_delete (self->buffer, &start, &end);
  gtk_text_buffer_insert (self->buffer, &start, text, -1);
  gtk_text_buffer_end_user_action (self->buffer);
}

/* Takes the last step of `from' back, or does it again, and moves it to `to'. */
static void
play (TextUndo *self,
      GQueue   *from,
      GQueue   *to)
{
  Step       *step = g_queue_pop_tail (from);
  gboolean    back = from == &self->undo;
  const gint *selection;
  GtkTextIter cursor, bound;

  if (! step)
    return;
  close_step (self);
  step->open = FALSE;
  self->playing = TRUE;
  replace (self, step->at, g_utf8_strlen (back ? step->inserted : step->removed, -1),
           back ? step->removed : step->inserted);
  self->playing = FALSE;
  selection = back ? step->before : step->after;
  gtk_text_buffer_get_iter_at_offset (self->buffer, &cursor, selection[0]);
  gtk_text_buffer_get_iter_at_offset (self->buffer, &bound, selection[1]);
  gtk_text_buffer_select_range (self->buffer, &cursor, &bound);
  gtk_text_view_scroll_mark_onscreen (self->view, gtk_text_buffer_get_insert (self->buffer));
  g_queue_push_tail (to, step);
}

static void
undo_cb (TextUndo *self)
{
  play (self, &self->undo, &self->redo);
}

static void
redo_cb (TextUndo *self)
{
  play (self, &self->redo, &self->undo);
}

static void
begin_cb (GtkTextBuffer *buffer,
          TextUndo      *self)
{
  (void) buffer;
  self->acting = TRUE;
  read_selection (self, self->before);
}

static void
end_cb (GtkTextBuffer *buffer,
        TextUndo      *self)
{
  (void) buffer;
  self->acting = FALSE;
  if (self->changed)
    record (self);
  self->changed = FALSE;
}

static void
changed_cb (GtkTextBuffer *buffer,
            TextUndo      *self)
{
  (void) buffer;
  self->changed = TRUE;
  if (self->acting)
    return;
  read_selection (self, self->before);
  end_cb (buffer, self);
}

/* ---- keys and menu -------------------------------------------------------- */

/* The key as a Latin letter, also where the keyboard is set to another script. */
static guint
latin_key (GtkWidget         *view,
           const GdkEventKey *event)
{
  GdkKeymap *keymap = gdk_keymap_get_for_display (gtk_widget_get_display (view));
  guint      key    = event->keyval;

  if (gdk_keyval_to_unicode (key) > 0xff)
    gdk_keymap_translate_keyboard_state (keymap, event->hardware_keycode, 0, 0, &key, NULL,
                                         NULL, NULL);
  return gdk_keyval_to_lower (key);
}

static gboolean
key_cb (GtkWidget   *view,
        GdkEventKey *event,
        TextUndo    *self)
{
  GdkModifierType held = event->state & gtk_accelerator_get_default_mod_mask ();
  guint           key;

  if ((held & ~GDK_SHIFT_MASK) != GDK_CONTROL_MASK ||
      ! gtk_text_view_get_editable (self->view))
    return FALSE;
  key = latin_key (view, event);
  if (key == GDK_KEY_z && held == GDK_CONTROL_MASK)
    undo_cb (self);
  else if (key == GDK_KEY_z || (key == GDK_KEY_y && held == GDK_CONTROL_MASK))
    redo_cb (self);
  else
    return FALSE;
  return TRUE;
}

static void
popup_cb (GtkTextView *view,
          GtkWidget   *menu,
          TextUndo    *self)
{
  GtkWidget *undo, *redo, *line;

  (void) view;
  if (! GTK_IS_MENU (menu))
    return;
  undo = gtk_menu_item_new_with_mnemonic (_("_Undo"));
  redo = gtk_menu_item_new_with_mnemonic (_("_Redo"));
  line = gtk_separator_menu_item_new ();
  gtk_widget_set_sensitive (undo, self->undo.length > 0);
  gtk_widget_set_sensitive (redo, self->redo.length > 0);
  g_signal_connect_swapped (undo, "activate", G_CALLBACK (undo_cb), self);
  g_signal_connect_swapped (redo, "activate", G_CALLBACK (redo_cb), self);
  gtk_menu_shell_prepend (GTK_MENU_SHELL (menu), line);
  gtk_menu_shell_prepend (GTK_MENU_SHELL (menu), redo);
  gtk_menu_shell_prepend (GTK_MENU_SHELL (menu), undo);
  gtk_widget_show (undo);
  gtk_widget_show (redo);
  gtk_widget_show (line);
}

/* ---- the area ------------------------------------------------------------- */

static void
text_undo_free (gpointer data)
{
  TextUndo *self = data;

  g_signal_handlers_disconnect_by_data (self->buffer, self);
  drop (self, &self->undo);
  drop (self, &self->redo);
  g_object_unref (self->buffer);
  g_free (self->text);
  g_free (self);
}

void
text_undo_add (GtkTextView *view)
{
  TextUndo *self = g_new0 (TextUndo, 1);

  self->view   = view;
  self->buffer = g_object_ref (gtk_text_view_get_buffer (view));
  g_object_get (self->buffer, "text", &self->text, NULL);
  g_object_set_data_full (G_OBJECT (view), "text-undo", self, text_undo_free);
  g_signal_connect (self->buffer, "begin-user-action", G_CALLBACK (begin_cb), self);
  g_signal_connect (self->buffer, "end-user-action", G_CALLBACK (end_cb), self);
  g_signal_connect (self->buffer, "changed", G_CALLBACK (changed_cb), self);
  g_signal_connect (view, "key-press-event", G_CALLBACK (key_cb), self);
  g_signal_connect (view, "populate-popup", G_CALLBACK (popup_cb), self);
}

void
text_undo_set_text (GtkTextView *view,
                    const gchar *text)
{
  TextUndo *self = g_object_get_data (G_OBJECT (view), "text-undo");
  gchar    *old, *between;
  gsize     prefix, suffix;

  g_object_get (self->buffer, "text", &old, NULL);
  if (strcmp (old, text))
    {
      compare (old, text, &prefix, &suffix);
      between = g_strndup (text + prefix, strlen (text) - prefix - suffix);
      self->whole = TRUE;
      replace (self, (gint) g_utf8_strlen (old, (gssize) prefix),
               g_utf8_strlen (old + prefix, (gssize) (strlen (old) - prefix - suffix)), between);
      g_free (between);
    }
  g_free (old);
}
