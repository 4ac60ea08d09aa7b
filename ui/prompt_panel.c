/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "prompt_panel.h"

#include "prompt_weight.h"

#include <string.h>

#include "ui_intl.h"

#define HISTORY_LENGTH 30
#define LABEL_LENGTH   48

typedef struct
{
  GObject       *settings;
  gchar         *property;     /* of the prompt */
  GtkTextBuffer *buffer;
  GtkWidget     *view;
  GtkWidget     *counter;
  GtkWidget     *menu;
  gboolean    (* count) (const gchar *text, gint *tokens, gint *chunks);
  gchar         *store;        /* file name or NULL */
  GKeyFile      *kept;
} PromptPanel;

static void
prompt_panel_free (PromptPanel *self)
{
  g_free (self->property);
  g_free (self->store);
  g_key_file_free (self->kept);
  g_free (self);
}

static PromptPanel *
panel_of (GtkWidget *panel)
{
  return g_object_get_data (G_OBJECT (panel), "prompt-panel");
}

static gchar *
text_of (GtkTextBuffer *buffer)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  return gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
}

/* ---- counting and colours ------------------------------------------------ */

static void
show_count (PromptPanel *self,
            const gchar *text)
{
  gint   tokens = 0, chunks = 1;
  gchar *words;

  if (! self->count || ! self->count (text, &tokens, &chunks))
    return;
  if (chunks > 1)
    words = g_strdup_printf (_("%d tokens, %d parts"), tokens, chunks);
  else
    words = g_strdup_printf (_("%d of 75 tokens"), tokens);
  gtk_label_set_text (GTK_LABEL (self->counter), words);
  g_free (words);
}

static void
show_weights (PromptPanel *self,
              const gchar *text)
{
  GArray     *weights = prompt_weights (text);
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  gtk_text_buffer_remove_tag_by_name (self->buffer, "stronger", &start, &end);
  gtk_text_buffer_remove_tag_by_name (self->buffer, "weaker", &start, &end);
  for (guint i = 0; i < weights->len; i++)
    {
      PromptWeight *passage = &g_array_index (weights, PromptWeight, i);
      glong         from = g_utf8_strlen (text, passage->start);
      glong         to   = g_utf8_strlen (text, passage->end);

      gtk_text_buffer_get_iter_at_offset (self->buffer, &start, from);
      gtk_text_buffer_get_iter_at_offset (self->buffer, &end, to);
      gtk_text_buffer_apply_tag_by_name (self->buffer,
                                         passage->weight >= 1 ? "stronger" : "weaker",
                                         &start, &end);
    }
  g_array_free (weights, TRUE);
}

static void
prompt_changed_cb (GtkTextBuffer *buffer,
                   PromptPanel   *self)
{
  gchar *text = text_of (buffer);

  show_count (self, text);
  show_weights (self, text);
  g_free (text);
}

/* ---- keys ---------------------------------------------------------------- */

static gboolean
change_weight (PromptPanel *self,
               gdouble      change)
{
  GtkTextIter cursor;
  gchar      *text, *changed;
  gsize       start, end;

  gtk_text_buffer_get_iter_at_mark (self->buffer, &cursor,
                                    gtk_text_buffer_get_insert (self->buffer));
  text    = text_of (self->buffer);
  start   = (gsize) (g_utf8_offset_to_pointer (text, gtk_text_iter_get_offset (&cursor)) -
                     text);
  end     = start;
  changed = prompt_weight_change (text, change, &start, &end);
  if (changed && strcmp (text, changed))
    {
      gtk_text_buffer_set_text (self->buffer, changed, -1);
      gtk_text_buffer_get_iter_at_offset (self->buffer, &cursor,
        (gint) g_utf8_strlen (changed, (gssize) end));
      gtk_text_buffer_place_cursor (self->buffer, &cursor);
    }
  g_free (text);
  g_free (changed);
  return TRUE;
}

static gboolean
key_cb (GtkWidget   *view,
        GdkEventKey *event,
        PromptPanel *self)
{
  (void) view;
  if ((event->state & gtk_accelerator_get_default_mod_mask ()) != GDK_CONTROL_MASK)
    return FALSE;
  if (event->keyval == GDK_KEY_Up)
    return change_weight (self, 0.1);
  if (event->keyval == GDK_KEY_Down)
    return change_weight (self, -0.1);
  return FALSE;
}

/* ---- history and styles -------------------------------------------------- */

static void
keep (PromptPanel *self)
{
  GError *error = NULL;

  if (self->store && ! g_key_file_save_to_file (self->kept, self->store, &error))
    {
      g_info ("%s", error->message);
      g_clear_error (&error);
    }
}

static gchar **
kept_list (PromptPanel *self,
           const gchar *key)
{
  gchar **list = g_key_file_get_string_list (self->kept, "prompts", key, NULL, NULL);

  return list ? list : g_new0 (gchar *, 1);
}

/* `text' to the front of a list, once. */
static void
keep_in_list (PromptPanel *self,
              const gchar *key,
              const gchar *text,
              guint        most)
{
  gchar    **old = kept_list (self, key);
  GPtrArray *list = g_ptr_array_new ();

  g_ptr_array_add (list, (gpointer) text);
  for (guint i = 0; old[i] && list->len < most; i++)
    if (strcmp (old[i], text))
      g_ptr_array_add (list, old[i]);
  g_key_file_set_string_list (self->kept, "prompts", key,
                              (const gchar *const *) list->pdata, list->len);
  g_ptr_array_free (list, TRUE);
  g_strfreev (old);
  keep (self);
}

static void
use_history_cb (GtkMenuItem *item,
                PromptPanel *self)
{
  g_object_set (self->settings, self->property,
                g_object_get_data (G_OBJECT (item), "text"), NULL);
}

/* "{prompt}" in a style is replaced by what is there; without it the style follows. */
static void
use_style_cb (GtkMenuItem *item,
              PromptPanel *self)
{
  const gchar *style = g_object_get_data (G_OBJECT (item), "text");
  gchar       *text  = text_of (self->buffer);
  gchar       *joined;

  if (strstr (style, "{prompt}"))
    {
      gchar **parts = g_strsplit (style, "{prompt}", -1);

      joined = g_strjoinv (text, parts);
      g_strfreev (parts);
    }
  else
    {
      joined = *text ? g_strconcat (text, ", ", style, NULL) : g_strdup (style);
    }
  g_object_set (self->settings, self->property, joined, NULL);
  g_free (joined);
  g_free (text);
}

static void
save_style_cb (GtkMenuItem *item,
               PromptPanel *self)
{
  gchar *text = text_of (self->buffer);

  (void) item;
  if (*text)
    keep_in_list (self, "styles", text, HISTORY_LENGTH);
  g_free (text);
}

static void
clear_history_cb (GtkMenuItem *item,
                  PromptPanel *self)
{
  (void) item;
  g_key_file_remove_key (self->kept, "prompts", "history", NULL);
  keep (self);
}

static GtkWidget *
menu_item (PromptPanel *self,
           const gchar *label,
           const gchar *text,
           GCallback    activate)
{
  GtkWidget *item = gtk_menu_item_new_with_label (label);

  if (text)
    g_object_set_data_full (G_OBJECT (item), "text", g_strdup (text), g_free);
  if (activate)
    g_signal_connect (item, "activate", activate, self);
  else
    gtk_widget_set_sensitive (item, FALSE);
  gtk_menu_shell_append (GTK_MENU_SHELL (self->menu), item);
  return item;
}

static void
add_list (PromptPanel *self,
          const gchar *title,
          const gchar *key,
          GCallback    activate)
{
  gchar **list = kept_list (self, key);

  menu_item (self, title, NULL, NULL);
  for (guint i = 0; list[i]; i++)
    {
      gchar *line = g_strdelimit (g_strdup (list[i]), "\n\t", ' ');

      if (g_utf8_strlen (line, -1) > LABEL_LENGTH)
        {
          gchar *start = g_utf8_substring (line, 0, LABEL_LENGTH - 1);

          g_free (line);
          line = g_strconcat (start, "…", NULL);
          g_free (start);
        }
      menu_item (self, line, list[i], activate);
      g_free (line);
    }
  if (! list[0])
    menu_item (self, _("(none yet)"), NULL, NULL);
  g_strfreev (list);
}

static void
fill_menu_cb (GtkWidget   *menu,
              PromptPanel *self)
{
  GList *items = gtk_container_get_children (GTK_CONTAINER (menu));

  g_list_free_full (items, (GDestroyNotify) gtk_widget_destroy);
  add_list (self, _("Styles"), "styles", G_CALLBACK (use_style_cb));
  menu_item (self, _("Save this prompt as a style"), NULL, G_CALLBACK (save_style_cb));
  gtk_menu_shell_append (GTK_MENU_SHELL (menu), gtk_separator_menu_item_new ());
  add_list (self, _("Earlier prompts"), "history", G_CALLBACK (use_history_cb));
  menu_item (self, _("Forget earlier prompts"), NULL, G_CALLBACK (clear_history_cb));
  gtk_widget_show_all (menu);
}

static gboolean
menu_pressed_cb (GtkWidget   *button,
                 PromptPanel *self)
{
  (void) button;
  fill_menu_cb (self->menu, self);
  return FALSE;
}

/* ---- the panel ----------------------------------------------------------- */

static GtkWidget *
text_area (GObject        *settings,
           const gchar    *property,
           gint            height,
           GtkTextBuffer **buffer,
           GtkWidget     **view)
{
  GtkWidget *scroll = gtk_scrolled_window_new (NULL, NULL);

  *view   = gtk_text_view_new ();
  *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (*view));
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (*view), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (*view), FALSE);
  gtk_text_view_set_left_margin (GTK_TEXT_VIEW (*view), 6);
  gtk_text_view_set_right_margin (GTK_TEXT_VIEW (*view), 6);
  gtk_text_view_set_top_margin (GTK_TEXT_VIEW (*view), 4);
  gtk_text_view_set_bottom_margin (GTK_TEXT_VIEW (*view), 4);
  gtk_scrolled_window_set_shadow_type (GTK_SCROLLED_WINDOW (scroll), GTK_SHADOW_IN);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroll), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_widget_set_size_request (scroll, -1, height);
  gtk_container_add (GTK_CONTAINER (scroll), *view);
  g_object_bind_property (settings, property, *buffer, "text",
                          G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
  return scroll;
}

static GtkWidget *
heading (const gchar *label,
         GtkWidget   *view)
{
  GtkWidget *name = gtk_label_new_with_mnemonic (label);

  gtk_label_set_xalign (GTK_LABEL (name), 0.0);
  gtk_label_set_mnemonic_widget (GTK_LABEL (name), view);
  return name;
}

GtkWidget *
prompt_panel_new (GObject                *settings,
                  const gchar            *prompt,
                  const gchar            *negative,
                  const PromptPanelHooks *hooks)
{
  PromptPanel *self  = g_new0 (PromptPanel, 1);
  GtkWidget   *panel = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget   *head  = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget   *area, *button;

  self->settings = settings;
  self->property = g_strdup (prompt);
  self->count    = hooks->count;
  self->store    = g_strdup (hooks->store);
  self->kept     = g_key_file_new ();
  if (self->store)
    g_key_file_load_from_file (self->kept, self->store, G_KEY_FILE_NONE, NULL);
  g_object_set_data_full (G_OBJECT (panel), "prompt-panel", self,
                          (GDestroyNotify) prompt_panel_free);

  area          = text_area (settings, prompt, 76, &self->buffer, &self->view);
  self->counter = gtk_label_new (NULL);
  gtk_style_context_add_class (gtk_widget_get_style_context (self->counter), "dim-label");
  button     = gtk_menu_button_new ();
  self->menu = gtk_menu_new ();
  gtk_menu_button_set_popup (GTK_MENU_BUTTON (button), self->menu);
  gtk_button_set_image (GTK_BUTTON (button),
                        gtk_image_new_from_icon_name ("document-open-recent-symbolic",
                                                      GTK_ICON_SIZE_BUTTON));
  gtk_button_set_relief (GTK_BUTTON (button), GTK_RELIEF_NONE);
  gtk_widget_set_tooltip_text (button, _("Earlier prompts and styles"));
  atk_object_set_name (gtk_widget_get_accessible (button),
                       _("Earlier prompts and styles"));
  fill_menu_cb (self->menu, self);
  g_signal_connect (button, "clicked", G_CALLBACK (menu_pressed_cb), self);

  gtk_box_pack_start (GTK_BOX (head), heading (_("_Prompt"), self->view), TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (head), self->counter, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (head), button, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (panel), head, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (panel), area, TRUE, TRUE, 0);

  gtk_text_buffer_create_tag (self->buffer, "stronger", "foreground", "#c64600",
                              "weight", PANGO_WEIGHT_BOLD, NULL);
  gtk_text_buffer_create_tag (self->buffer, "weaker", "foreground", "#5e8ac7",
                              "style", PANGO_STYLE_ITALIC, NULL);
  g_signal_connect (self->buffer, "changed", G_CALLBACK (prompt_changed_cb), self);
  g_signal_connect (self->view, "key-press-event", G_CALLBACK (key_cb), self);
  gtk_widget_set_tooltip_text (self->view,
    _("What the picture should show, in English.\n"
      "(word:1.3) gives weight: Ctrl+Up and Ctrl+Down change it.\n"
      "{a|b} picks one by the seed; # begins a comment."));
  prompt_changed_cb (self->buffer, self);

  if (negative)
    {
      GtkTextBuffer *buffer;
      GtkWidget     *view;

      area = text_area (settings, negative, 42, &buffer, &view);
      gtk_box_pack_start (GTK_BOX (panel), heading (_("_Negative prompt"), view),
                          FALSE, FALSE, 0);
      gtk_box_pack_start (GTK_BOX (panel), area, FALSE, TRUE, 0);
      gtk_widget_set_tooltip_text (view, _("What should not be there"));
    }
  return panel;
}

GtkWidget *
prompt_panel_get_entry (GtkWidget *panel)
{
  return panel_of (panel)->view;
}

void
prompt_panel_remember (GtkWidget *panel)
{
  PromptPanel *self = panel_of (panel);
  gchar       *text = text_of (self->buffer);

  if (*text)
    keep_in_list (self, "history", text, HISTORY_LENGTH);
  g_free (text);
}
