/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "prompt_area.h"

#include "contrast.h"
#include "prompt_marks.h"
#include "prompt_weight.h"
#include "text_undo.h"

#include <string.h>

#include "ui_intl.h"

#define CHUNK_TOKENS     75
#define MARGIN_SIDE      6
#define MARGIN_TOP       4
#define PLACEHOLDER_DIM  0.6 /* opacity */

typedef struct
{
  GObject          *settings;
  gchar            *property;
  PromptPanelHooks  hooks;
  GtkWidget        *view, *counter;
  GtkTextBuffer    *buffer;
  gboolean          acting;   /* within a user action */
  gboolean          changed;  /* in it */
  gboolean          syncing;  /* between the property and the buffer */
  /* What changed since the colours were: characters before and behind it that did not. */
  gint              before, behind;
  PromptMarks       shown;
  GtkTextTag       *tags[PROMPT_MARK_KINDS];
  GdkRGBA           text, background; /* what the tags' colours go with */
  gchar            *placeholder;
  gboolean          composing; /* an input method has text that is not in the buffer */
} PromptArea;

static PromptArea *
area_of (GtkWidget *area)
{
  return g_object_get_data (G_OBJECT (area), "prompt-area");
}

static gchar *
text_of (PromptArea *self)
{
  gchar *text;

  g_object_get (self->buffer, "text", &text, NULL);
  return text;
}

/* ---- counting ------------------------------------------------------------- */

static void
show_count (PromptArea  *self,
            const gchar *text)
{
  gint   tokens = 0, chunks = 1;
  gchar *words  = NULL;

  if (self->hooks.count && self->hooks.count (text, &tokens, &chunks, self->hooks.user))
    {
      if (chunks > 1)
        words = g_strdup_printf (_("%d of %d tokens, %d chunks"), tokens,
                                 chunks * CHUNK_TOKENS, chunks);
      else
        words = g_strdup_printf (_("%d of %d tokens"), tokens, CHUNK_TOKENS);
    }
  gtk_label_set_text (GTK_LABEL (self->counter), words ? words : "");
  g_free (words);
}

/* ---- colours -------------------------------------------------------------- */

#define STRONGER_LIGHT "#a03a00"
#define STRONGER_DARK  "#ffb26b"
#define WEAKER_LIGHT   "#1a56a4"
#define WEAKER_DARK    "#9cc6f5"
#define CHOICE         "#2ec27e"
#define CHOICE_SHARE   0.16 /* of it in the background */
#define COMMENT_SHARE  0.6  /* of the text's colour in the background's */

static void
read_style (GtkWidget *view,
            GdkRGBA   *text,
            GdkRGBA   *background)
{
  GtkStyleContext *context = gtk_widget_get_style_context (view);
  GtkStateFlags    state   = gtk_style_context_get_state (context);
  GdkRGBA         *colour;

  gtk_style_context_get_color (context, state, text);
  gtk_style_context_get (context, state, GTK_STYLE_PROPERTY_BACKGROUND_COLOR, &colour, NULL);
  *background = *colour;
  if (colour->alpha < 0.5) /* what lies behind is not known, the text tells what it must be */
    gdk_rgba_parse (background, contrast_is_dark (text) ? "white" : "black");
  gdk_rgba_free (colour);
}

/* The background of choices: as tinted as the text allows. */
static GdkRGBA
choice_colour (const GdkRGBA *text,
               const GdkRGBA *background)
{
  gdouble share = CHOICE_SHARE;
  GdkRGBA green, tint;

  gdk_rgba_parse (&green, CHOICE);
  do
    {
      tint   = contrast_mix (&green, background, share);
      share -= 0.04;
    }
  while (share > 0 && contrast_of (text, &tint) < CONTRAST_READABLE);
  return tint;
}

static void
set_colour (GtkTextTag    *tag,
            const gchar   *wish,
            const GdkRGBA *text,
            const GdkRGBA *background,
            const GdkRGBA *choice)
{
  GdkRGBA colour;

  gdk_rgba_parse (&colour, wish);
  colour = contrast_reach (&colour, text, background);
  colour = contrast_reach (&colour, text, choice);
  g_object_set (tag, "foreground-rgba", &colour, NULL);
}

static void
set_colours (PromptArea *self)
{
  const GdkRGBA *text = &self->text, *background = &self->background;
  GdkRGBA        choice  = choice_colour (text, background);
  GdkRGBA        comment = contrast_mix (text, background, COMMENT_SHARE);
  gboolean       dark    = contrast_is_dark (background);

  comment = contrast_reach (&comment, text, background);
  set_colour (self->tags[PROMPT_MARK_STRONGER], dark ? STRONGER_DARK : STRONGER_LIGHT, text,
              background, &choice);
  set_colour (self->tags[PROMPT_MARK_WEAKER], dark ? WEAKER_DARK : WEAKER_LIGHT, text, background,
              &choice);
  g_object_set (self->tags[PROMPT_MARK_CHOICE], "background-rgba", &choice, NULL);
  g_object_set (self->tags[PROMPT_MARK_COMMENT], "foreground-rgba", &comment, NULL);
}

static void
style_cb (GtkWidget  *view,
          PromptArea *self)
{
  GdkRGBA text, background;

  read_style (view, &text, &background);
  if (gdk_rgba_equal (&text, &self->text) && gdk_rgba_equal (&background, &self->background))
    return;
  self->text       = text;
  self->background = background;
  set_colours (self);
}

static void
create_tags (PromptArea *self)
{
  static const gchar *const names[] = { "stronger", "weaker", "choice", "comment" };

  for (guint kind = 0; kind < PROMPT_MARK_KINDS; kind++)
    self->tags[kind] = gtk_text_buffer_create_tag (self->buffer, names[kind], NULL);
  g_object_set (self->tags[PROMPT_MARK_STRONGER], "weight", PANGO_WEIGHT_BOLD, NULL);
  g_object_set (self->tags[PROMPT_MARK_WEAKER], "style", PANGO_STYLE_ITALIC, NULL);
  style_cb (self->view, self);
}

static void
tag (PromptArea *self,
     guint       kind,
     gint        from,
     gint        to,
     gboolean    on)
{
  GtkTextIter start, end;

  if (from >= to)
    return;
  gtk_text_buffer_get_iter_at_offset (self->buffer, &start, from);
  gtk_text_buffer_get_iter_at_offset (self->buffer, &end, to);
  if (on)
    gtk_text_buffer_apply_tag (self->buffer, self->tags[kind], &start, &end);
  else
    gtk_text_buffer_remove_tag (self->buffer, self->tags[kind], &start, &end);
}

/* Puts a kind of marks in place.  Marks before and behind what changed are left alone: GTK lays out
 * again whatever a tag is taken from, and that would be the whole prompt at every key. */
static void
show_kind (PromptArea        *self,
           guint              kind,
           const PromptMarks *marks)
{
  const PromptMark *old   = (PromptMark *) self->shown.of[kind]->data;
  const PromptMark *new   = (PromptMark *) marks->of[kind]->data;
  guint             count = marks->of[kind]->len, old_count = self->shown.of[kind]->len;
  gint              grown = marks->length - self->shown.length;
  gint              from  = MIN (self->before, marks->length);
  gint              to    = marks->length - MIN (self->behind, marks->length);
  guint             first = 0;

  while (first < MIN (count, old_count) && new[first].to < from &&
         old[first].from == new[first].from && old[first].to == new[first].to)
    first++;
  while (MIN (count, old_count) > first && new[count - 1].from > to &&
         old[old_count - 1].from + grown == new[count - 1].from &&
         old[old_count - 1].to + grown == new[count - 1].to)
    {
      count--;
      old_count--;
    }
  if (first < old_count)
    {
      from = MIN (from, old[first].from);
      to   = MAX (to, old[old_count - 1].to + grown);
    }
  tag (self, kind, from, to, FALSE);
  for (guint i = first; i < count; i++)
    tag (self, kind, new[i].from, new[i].to, TRUE);
}

static void
show_marks (PromptArea  *self,
            const gchar *text)
{
  PromptMarks marks;

  prompt_marks_read (&marks, text);
  for (guint kind = 0; kind < PROMPT_MARK_KINDS; kind++)
    show_kind (self, kind, &marks);
  prompt_marks_clear (&self->shown);
  self->shown  = marks;
  self->before = self->behind = G_MAXINT;
}

/* ---- text and property ---------------------------------------------------- */

static void
refresh (PromptArea *self)
{
  gchar *text = text_of (self);

  self->changed = FALSE;
  show_count (self, text);
  show_marks (self, text);
  if (! self->syncing)
    {
      self->syncing = TRUE;
      g_object_set (self->settings, self->property, text, NULL);
      self->syncing = FALSE;
    }
  g_free (text);
}

static void
property_cb (GObject    *settings,
             GParamSpec *spec,
             PromptArea *self)
{
  gchar *text, *valid;

  (void) spec;
  if (self->syncing)
    return;
  g_object_get (settings, self->property, &text, NULL);
  valid = g_utf8_make_valid (text ? text : "", -1);
  self->syncing = TRUE;
  text_undo_set_text (GTK_TEXT_VIEW (self->view), valid);
  self->syncing = FALSE;
  g_free (valid);
  g_free (text);
}

static void
insert_cb (GtkTextBuffer *buffer,
           GtkTextIter   *place,
           gchar         *text,
           gint           bytes,
           PromptArea    *self)
{
  gint at = gtk_text_iter_get_offset (place);

  (void) text;
  (void) bytes;
  self->before = MIN (self->before, at);
  self->behind = MIN (self->behind, gtk_text_buffer_get_char_count (buffer) - at);
}

static void
delete_cb (GtkTextBuffer *buffer,
           GtkTextIter   *start,
           GtkTextIter   *end,
           PromptArea    *self)
{
  self->before = MIN (self->before, gtk_text_iter_get_offset (start));
  self->behind = MIN (self->behind, gtk_text_buffer_get_char_count (buffer) -
                                    gtk_text_iter_get_offset (end));
}

static void
changed_cb (GtkTextBuffer *buffer,
            PromptArea    *self)
{
  gint length = gtk_text_buffer_get_char_count (buffer);

  self->changed = TRUE;
  if (self->placeholder && (length == 0 || self->shown.length == 0))
    gtk_widget_queue_draw (self->view);
  if (! self->acting)
    refresh (self);
}

static void
begin_cb (GtkTextBuffer *buffer,
          PromptArea    *self)
{
  (void) buffer;
  self->acting = TRUE;
}

/* Replacing text is two changes: only what is there after them counts. */
static void
end_cb (GtkTextBuffer *buffer,
        PromptArea    *self)
{
  (void) buffer;
  self->acting = FALSE;
  if (self->changed)
    refresh (self);
}

/* ---- keys ----------------------------------------------------------------- */

static gsize
byte_of (const gchar       *text,
         const GtkTextIter *iter)
{
  return (gsize) (g_utf8_offset_to_pointer (text, gtk_text_iter_get_offset (iter)) - text);
}

static void
iter_at_byte (PromptArea  *self,
              const gchar *text,
              gsize        at,
              GtkTextIter *iter)
{
  gtk_text_buffer_get_iter_at_offset (self->buffer, iter,
                                      (gint) g_utf8_strlen (text, (gssize) at));
}

static void
change_weight (PromptArea *self,
               gdouble     change)
{
  gchar      *text = text_of (self), *changed;
  GtkTextIter from, to;
  gsize       start, end;

  gtk_text_buffer_get_selection_bounds (self->buffer, &from, &to);
  start   = byte_of (text, &from);
  end     = byte_of (text, &to);
  changed = prompt_weight_change (text, change, &start, &end);
  if (changed && strcmp (text, changed))
    {
      gtk_text_buffer_begin_user_action (self->buffer);
      text_undo_set_text (GTK_TEXT_VIEW (self->view), changed);
      iter_at_byte (self, changed, start, &from);
      iter_at_byte (self, changed, end, &to);
      gtk_text_buffer_select_range (self->buffer, &to, &from);
      gtk_text_buffer_end_user_action (self->buffer);
    }
  g_free (text);
  g_free (changed);
}

static gboolean
key_cb (GtkWidget   *view,
        GdkEventKey *event,
        PromptArea  *self)
{
  (void) view;
  if ((event->state & gtk_accelerator_get_default_mod_mask ()) != GDK_CONTROL_MASK)
    return FALSE;
  switch (event->keyval)
    {
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      change_weight (self, 0.1);
      return TRUE;
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      change_weight (self, -0.1);
      return TRUE;
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
    case GDK_KEY_ISO_Enter:
      if (self->hooks.activate)
        self->hooks.activate (self->hooks.user);
      return self->hooks.activate != NULL;
    default:
      return FALSE;
    }
}

/* ---- placeholder ---------------------------------------------------------- */

static void
preedit_cb (GtkTextView *view,
            const gchar *preedit,
            PromptArea  *self)
{
  self->composing = *preedit != '\0';
  gtk_widget_queue_draw (GTK_WIDGET (view));
}

static gboolean
draw_cb (GtkWidget  *view,
         cairo_t    *context,
         PromptArea *self)
{
  GtkStyleContext *style = gtk_widget_get_style_context (view);
  PangoLayout     *layout;
  GtkTextIter      start;
  GdkRectangle     place;
  GdkRGBA          colour;
  gint             y;

  if (! self->placeholder || self->composing ||
      gtk_text_buffer_get_char_count (self->buffer) > 0)
    return FALSE;
  gtk_text_buffer_get_start_iter (self->buffer, &start);
  gtk_text_view_get_iter_location (GTK_TEXT_VIEW (view), &start, &place);
  gtk_text_view_buffer_to_window_coords (GTK_TEXT_VIEW (view), GTK_TEXT_WINDOW_WIDGET, 0,
                                         place.y, NULL, &y);
  layout = gtk_widget_create_pango_layout (view, self->placeholder);
  pango_layout_set_width (layout, PANGO_SCALE * MAX (1, gtk_widget_get_allocated_width (view) -
                                                        2 * MARGIN_SIDE));
  pango_layout_set_height (layout, PANGO_SCALE * MAX (1, gtk_widget_get_allocated_height (view) -
                                                         y - MARGIN_TOP));
  pango_layout_set_wrap (layout, PANGO_WRAP_WORD_CHAR);
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  gtk_style_context_get_color (style, gtk_style_context_get_state (style), &colour);
  colour.alpha *= PLACEHOLDER_DIM;
  gdk_cairo_set_source_rgba (context, &colour);
  cairo_move_to (context, MARGIN_SIDE, y);
  pango_cairo_show_layout (context, layout);
  g_object_unref (layout);
  return FALSE;
}

/* ---- the area ------------------------------------------------------------- */

static void
fit_height (GtkWidget *view,
            GtkWidget *frame)
{
  gint              lines   = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (frame), "lines"));
  PangoContext     *context = gtk_widget_get_pango_context (view);
  PangoFontMetrics *metrics = pango_context_get_metrics (context, NULL, NULL);
  gint              line    = MAX (pango_font_metrics_get_height (metrics),
                                   pango_font_metrics_get_ascent (metrics) +
                                   pango_font_metrics_get_descent (metrics));
  gint              height  = lines * PANGO_PIXELS_CEIL (line) + 2 * MARGIN_TOP;

  pango_font_metrics_unref (metrics);
  if (height != gtk_scrolled_window_get_min_content_height (GTK_SCROLLED_WINDOW (frame)))
    gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (frame), height);
}

GtkWidget *
prompt_area_frame (GtkWidget *view,
                   gint       lines)
{
  GtkWidget *frame = gtk_scrolled_window_new (NULL, NULL);

  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (view), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (view), FALSE);
  gtk_text_view_set_left_margin (GTK_TEXT_VIEW (view), MARGIN_SIDE);
  gtk_text_view_set_right_margin (GTK_TEXT_VIEW (view), MARGIN_SIDE);
  gtk_text_view_set_top_margin (GTK_TEXT_VIEW (view), MARGIN_TOP);
  gtk_text_view_set_bottom_margin (GTK_TEXT_VIEW (view), MARGIN_TOP);
  gtk_scrolled_window_set_shadow_type (GTK_SCROLLED_WINDOW (frame), GTK_SHADOW_IN);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (frame), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_container_add (GTK_CONTAINER (frame), view);
  g_object_set_data (G_OBJECT (frame), "lines", GINT_TO_POINTER (lines));
  g_signal_connect_object (view, "style-updated", G_CALLBACK (fit_height), frame, 0);
  fit_height (view, frame);
  return frame;
}

static void
prompt_area_free (gpointer data)
{
  PromptArea *self = data;

  g_signal_handlers_disconnect_by_data (self->settings, self);
  g_signal_handlers_disconnect_by_data (self->buffer, self);
  g_signal_handlers_disconnect_by_data (self->view, self);
  prompt_marks_clear (&self->shown);
  g_object_unref (self->counter);
  g_object_unref (self->buffer);
  g_object_unref (self->view);
  g_object_unref (self->settings);
  g_free (self->property);
  g_free (self->placeholder);
  g_free (self);
}

static void
connect_all (PromptArea *self)
{
  gchar *notify = g_strconcat ("notify::", self->property, NULL);

  g_signal_connect (self->settings, notify, G_CALLBACK (property_cb), self);
  g_signal_connect (self->buffer, "insert-text", G_CALLBACK (insert_cb), self);
  g_signal_connect (self->buffer, "delete-range", G_CALLBACK (delete_cb), self);
  g_signal_connect (self->buffer, "changed", G_CALLBACK (changed_cb), self);
  g_signal_connect (self->buffer, "begin-user-action", G_CALLBACK (begin_cb), self);
  g_signal_connect (self->buffer, "end-user-action", G_CALLBACK (end_cb), self);
  g_signal_connect (self->view, "key-press-event", G_CALLBACK (key_cb), self);
  g_signal_connect (self->view, "style-updated", G_CALLBACK (style_cb), self);
  g_signal_connect (self->view, "preedit-changed", G_CALLBACK (preedit_cb), self);
  g_signal_connect_after (self->view, "draw", G_CALLBACK (draw_cb), self);
  g_free (notify);
}

GtkWidget *
prompt_area_new (GObject                *settings,
                 const gchar            *property,
                 gint                    lines,
                 const PromptPanelHooks *hooks)
{
  PromptArea *self = g_new0 (PromptArea, 1);
  GtkWidget  *area;
  gchar      *text, *valid;

  self->settings = g_object_ref (settings);
  self->property = g_strdup (property);
  self->hooks    = *hooks;
  self->hooks.store = NULL; /* the caller's, and of no use here */
  self->view     = g_object_ref_sink (gtk_text_view_new ());
  self->buffer   = g_object_ref (gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->view)));
  self->counter  = g_object_ref_sink (gtk_label_new (NULL));
  gtk_style_context_add_class (gtk_widget_get_style_context (self->counter), "dim-label");
  area = prompt_area_frame (self->view, lines);
  g_object_set_data_full (G_OBJECT (area), "prompt-area", self, prompt_area_free);

  g_object_get (settings, property, &text, NULL);
  valid = g_utf8_make_valid (text ? text : "", -1);
  gtk_text_buffer_set_text (self->buffer, valid, -1);
  text_undo_add (GTK_TEXT_VIEW (self->view));
  create_tags (self);
  prompt_marks_read (&self->shown, "");
  show_count (self, valid);
  show_marks (self, valid);
  connect_all (self);
  g_free (valid);
  g_free (text);
  return area;
}

GtkWidget *
prompt_area_get_view (GtkWidget *area)
{
  return area_of (area)->view;
}

GtkWidget *
prompt_area_get_counter (GtkWidget *area)
{
  return area_of (area)->counter;
}

gchar *
prompt_area_get_text (GtkWidget *area)
{
  return text_of (area_of (area));
}

void
prompt_area_set_text (GtkWidget   *area,
                      const gchar *text)
{
  text_undo_set_text (GTK_TEXT_VIEW (area_of (area)->view), text);
}

void
prompt_area_set_placeholder (GtkWidget   *area,
                             const gchar *text)
{
  PromptArea *self = area_of (area);

  g_free (self->placeholder);
  self->placeholder = g_strdup (text);
  gtk_widget_queue_draw (self->view);
}
