/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "prompt_panel.h"

#include "prompt_area.h"
#include "prompt_store.h"

#include <string.h>

#include "ui_intl.h"

#define PROMPT_LINES   3
#define NEGATIVE_LINES 2
#define LABEL_LENGTH   48   /* characters of a menu item */
#define TOOLTIP_LENGTH 600  /* and of what it shows in full */

typedef struct
{
  GtkWidget   *panel;
  GtkWidget   *prompt, *negative; /* areas; the second may be NULL */
  GtkWidget   *menu;
  PromptStore *store;
} PromptPanel;

static void
prompt_panel_free (gpointer data)
{
  PromptPanel *self = data;

  prompt_store_free (self->store);
  g_free (self);
}

static PromptPanel *
panel_of (GtkWidget *panel)
{
  return g_object_get_data (G_OBJECT (panel), "prompt-panel");
}

/* At most `length' characters; to be freed. */
static gchar *
shorten (const gchar *text,
         glong        length)
{
  gchar *start, *shorter;

  if (g_utf8_strlen (text, -1) <= length)
    return g_strdup (text);
  start   = g_utf8_substring (text, 0, length - 1);
  shorter = g_strconcat (start, "…", NULL);
  g_free (start);
  return shorter;
}

/* ---- saving a style ------------------------------------------------------- */

typedef struct
{
  PromptPanel *panel;
  GtkWidget   *dialog, *name, *template, *note;
} StyleDialog;

static gchar *
style_name (StyleDialog *self)
{
  return g_strstrip (g_strdup (gtk_entry_get_text (GTK_ENTRY (self->name))));
}

static gchar *
style_template (StyleDialog *self)
{
  gchar *text;

  g_object_get (gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->template)), "text", &text, NULL);
  return g_strstrip (text);
}

static void
style_changed_cb (StyleDialog *self)
{
  gchar     *name     = style_name (self);
  gchar     *template = style_template (self);
  GPtrArray *styles   = prompt_store_list_styles (self->panel->store);
  gboolean   known    = FALSE;

  for (guint i = 0; i < styles->len; i++)
    known = known || ! strcmp (((PromptStyle *) styles->pdata[i])->name, name);
  gtk_label_set_text (GTK_LABEL (self->note),
                      known ? _("The style of this name will be replaced.") : "");
  gtk_dialog_set_response_sensitive (GTK_DIALOG (self->dialog), GTK_RESPONSE_ACCEPT,
                                     *name && *template);
  g_ptr_array_unref (styles);
  g_free (template);
  g_free (name);
}

static void
style_response_cb (GtkDialog   *dialog,
                   gint         response,
                   StyleDialog *self)
{
  GError *error = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    {
      gchar *name     = style_name (self);
      gchar *template = style_template (self);

      prompt_store_save_style (self->panel->store, name, template, &error);
      g_free (template);
      g_free (name);
    }
  if (error)
    gtk_label_set_text (GTK_LABEL (self->note), error->message);
  else
    gtk_widget_destroy (GTK_WIDGET (dialog));
  g_clear_error (&error);
}

static GtkWidget *
style_row (GtkWidget   *grid,
           gint         row,
           const gchar *label,
           GtkWidget   *named,
           GtkWidget   *widget)
{
  GtkWidget *name = gtk_label_new_with_mnemonic (label);

  gtk_label_set_xalign (GTK_LABEL (name), 0.0);
  gtk_widget_set_valign (name, GTK_ALIGN_START);
  gtk_label_set_mnemonic_widget (GTK_LABEL (name), named);
  gtk_widget_set_hexpand (widget, TRUE);
  gtk_widget_set_vexpand (widget, widget != named);
  gtk_grid_attach (GTK_GRID (grid), name, 0, row, 1, 1);
  gtk_grid_attach (GTK_GRID (grid), widget, 1, row, 1, 1);
  return widget;
}

static GtkWidget *
style_note (void)
{
  GtkWidget *note = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (note), 0.0);
  gtk_label_set_line_wrap (GTK_LABEL (note), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (note), 50);
  return note;
}

/* A new style is what is there, before or behind the prompts it will be used with. */
static gchar *
suggest_template (PromptPanel *self)
{
  gchar *prompt = prompt_area_get_text (self->prompt);
  gchar *template;

  if (strstr (prompt, "{prompt}"))
    return prompt;
  template = g_strconcat ("{prompt}, ", prompt, NULL);
  g_free (prompt);
  return template;
}

static void
save_style_cb (GtkMenuItem *item,
               PromptPanel *panel)
{
  StyleDialog *self   = g_new0 (StyleDialog, 1);
  GtkWidget   *window = gtk_widget_get_toplevel (panel->panel);
  GtkWidget   *grid   = gtk_grid_new ();
  GtkWidget   *help   = style_note ();
  gchar       *template;

  (void) item;
  self->panel  = panel;
  self->dialog = gtk_dialog_new_with_buttons (
    _("Save as style"), GTK_IS_WINDOW (window) ? GTK_WINDOW (window) : NULL,
    GTK_DIALOG_MODAL | GTK_DIALOG_DESTROY_WITH_PARENT, _("_Cancel"), GTK_RESPONSE_CANCEL,
    _("_Save"), GTK_RESPONSE_ACCEPT, NULL);
  self->name     = gtk_entry_new ();
  self->template = gtk_text_view_new ();
  self->note     = style_note ();
  g_object_set_data_full (G_OBJECT (self->dialog), "style-dialog", self, g_free);
  gtk_dialog_set_default_response (GTK_DIALOG (self->dialog), GTK_RESPONSE_ACCEPT);
  gtk_entry_set_activates_default (GTK_ENTRY (self->name), TRUE);
  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
  gtk_container_set_border_width (GTK_CONTAINER (grid), 12);
  style_row (grid, 0, _("_Name"), self->name, self->name);
  style_row (grid, 1, _("_Template"), self->template,
             prompt_area_frame (self->template, PROMPT_LINES));
  gtk_label_set_text (GTK_LABEL (help),
                      _("{prompt} stands for the prompt that the style is used with."));
  gtk_style_context_add_class (gtk_widget_get_style_context (help), "dim-label");
  gtk_grid_attach (GTK_GRID (grid), help, 1, 2, 1, 1);
  gtk_grid_attach (GTK_GRID (grid), self->note, 1, 3, 1, 1);
  gtk_box_pack_start (GTK_BOX (gtk_dialog_get_content_area (GTK_DIALOG (self->dialog))), grid,
                      TRUE, TRUE, 0);
  template = suggest_template (panel);
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->template)), template,
                            -1);
  g_free (template);
  g_signal_connect_swapped (self->name, "changed", G_CALLBACK (style_changed_cb), self);
  g_signal_connect_swapped (gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->template)), "changed",
                            G_CALLBACK (style_changed_cb), self);
  g_signal_connect (self->dialog, "response", G_CALLBACK (style_response_cb), self);
  g_signal_connect_object (panel->panel, "destroy", G_CALLBACK (gtk_widget_destroy),
                           self->dialog, G_CONNECT_SWAPPED);
  style_changed_cb (self);
  gtk_widget_show_all (self->dialog);
}

/* ---- the menu ------------------------------------------------------------- */

static void
use_style_cb (GtkMenuItem *item,
              PromptPanel *self)
{
  gchar *prompt = prompt_area_get_text (self->prompt);
  gchar *text   = prompt_store_apply_style (g_object_get_data (G_OBJECT (item), "template"),
                                            prompt);

  prompt_area_set_text (self->prompt, text);
  g_free (text);
  g_free (prompt);
}

static void
delete_style_cb (GtkMenuItem *item,
                 PromptPanel *self)
{
  prompt_store_delete_style (self->store, g_object_get_data (G_OBJECT (item), "name"));
}

static void
use_earlier_cb (GtkMenuItem *item,
                PromptPanel *self)
{
  prompt_area_set_text (self->prompt, g_object_get_data (G_OBJECT (item), "prompt"));
  if (self->negative)
    prompt_area_set_text (self->negative, g_object_get_data (G_OBJECT (item), "negative"));
}

static void
forget_cb (GtkMenuItem *item,
           PromptPanel *self)
{
  (void) item;
  prompt_store_forget_used (self->store);
}

static void
keep (GtkWidget   *item,
      const gchar *key,
      const gchar *text)
{
  g_object_set_data_full (G_OBJECT (item), key, g_strdup (text), g_free);
}

static void
append (GtkWidget *menu,
        GtkWidget *item)
{
  gtk_widget_show (item);
  gtk_menu_shell_append (GTK_MENU_SHELL (menu), item);
}

/* Without a callback it is a heading, or cannot be used now. */
static GtkWidget *
add_item (PromptPanel *self,
          GtkWidget   *menu,
          GtkWidget   *item,
          GCallback    activate)
{
  if (activate)
    g_signal_connect (item, "activate", activate, self);
  else
    gtk_widget_set_sensitive (item, FALSE);
  append (menu, item);
  return item;
}

/* An item that is some text of the user's on one line, all of it in the tooltip. */
static GtkWidget *
add_text (PromptPanel *self,
          GtkWidget   *menu,
          const gchar *text,
          const gchar *tooltip,
          GCallback    activate)
{
  gchar     *line = shorten (text, LABEL_LENGTH);
  gchar     *full = shorten (tooltip, TOOLTIP_LENGTH);
  GtkWidget *item = gtk_menu_item_new_with_label (g_strdelimit (line, "\r\n\t", ' '));

  gtk_widget_set_tooltip_text (item, full);
  g_free (line);
  g_free (full);
  return add_item (self, menu, item, activate);
}

static void
add_heading (PromptPanel *self,
             const gchar *title,
             gboolean     empty)
{
  add_item (self, self->menu, gtk_menu_item_new_with_label (title), NULL);
  if (empty)
    add_item (self, self->menu, gtk_menu_item_new_with_label (_("(none yet)")), NULL);
}

static void
fill_styles (PromptPanel *self)
{
  GPtrArray *styles  = prompt_store_list_styles (self->store);
  GtkWidget *submenu = gtk_menu_new ();
  GtkWidget *deleting;

  add_heading (self, _("Styles"), styles->len == 0);
  for (guint i = 0; i < styles->len; i++)
    {
      PromptStyle *style = styles->pdata[i];

      keep (add_text (self, self->menu, style->name, style->template, G_CALLBACK (use_style_cb)),
            "template", style->template);
      keep (add_text (self, submenu, style->name, style->template, G_CALLBACK (delete_style_cb)),
            "name", style->name);
    }
  add_item (self, self->menu, gtk_menu_item_new_with_mnemonic (_("_Save as style…")),
            G_CALLBACK (save_style_cb));
  deleting = gtk_menu_item_new_with_mnemonic (_("_Delete style"));
  gtk_menu_item_set_submenu (GTK_MENU_ITEM (deleting), submenu);
  gtk_widget_set_sensitive (deleting, styles->len > 0);
  append (self->menu, deleting);
  g_ptr_array_unref (styles);
}

static void
fill_earlier (PromptPanel *self)
{
  GPtrArray *list = prompt_store_list_used (self->store);

  add_heading (self, _("Earlier prompts"), list->len == 0);
  for (guint i = 0; i < list->len; i++)
    {
      PromptUsed *used = list->pdata[i];
      gchar      *both = g_strdup (used->prompt);
      GtkWidget  *item;

      if (*used->negative)
        {
          gchar *prompt = shorten (used->prompt, TOOLTIP_LENGTH / 2);

          g_free (both);
          both = g_strdup_printf (_("%s\n\nNegative prompt: %s"), prompt, used->negative);
          g_free (prompt);
        }
      item = add_text (self, self->menu, used->prompt, both, G_CALLBACK (use_earlier_cb));
      keep (item, "prompt", used->prompt);
      keep (item, "negative", used->negative);
      g_free (both);
    }
  add_item (self, self->menu, gtk_menu_item_new_with_mnemonic (_("_Forget earlier prompts")),
            list->len > 0 ? G_CALLBACK (forget_cb) : NULL);
  g_ptr_array_unref (list);
}

/* Another dialog may have kept something: the menu is filled whenever it opens, before it is
 * placed. */
static void
fill_menu_cb (GtkWidget   *menu,
              PromptPanel *self)
{
  GList *items = gtk_container_get_children (GTK_CONTAINER (menu));

  g_list_free_full (items, (GDestroyNotify) gtk_widget_destroy);
  fill_styles (self);
  append (menu, gtk_separator_menu_item_new ());
  fill_earlier (self);
}

static GtkWidget *
menu_button (PromptPanel *self)
{
  GtkWidget *button = gtk_menu_button_new ();

  self->menu = gtk_menu_new ();
  gtk_menu_button_set_popup (GTK_MENU_BUTTON (button), self->menu);
  gtk_button_set_image (GTK_BUTTON (button),
                        gtk_image_new_from_icon_name ("document-open-recent-symbolic",
                                                      GTK_ICON_SIZE_BUTTON));
  gtk_button_set_relief (GTK_BUTTON (button), GTK_RELIEF_NONE);
  gtk_widget_set_tooltip_text (button, _("Earlier prompts and styles"));
  atk_object_set_name (gtk_widget_get_accessible (button), _("Earlier prompts and styles"));
  g_signal_connect (self->menu, "show", G_CALLBACK (fill_menu_cb), self);
  return button;
}

/* ---- the panel ------------------------------------------------------------ */

/* A row with the name of an area, its counter, and a button or NULL; the area below. */
static void
add_area (GtkWidget   *panel,
          const gchar *label,
          GtkWidget   *area,
          const gchar *tooltip,
          GtkWidget   *button)
{
  GtkWidget *row  = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *name = gtk_label_new_with_mnemonic (label);
  GtkWidget *view = prompt_area_get_view (area);

  gtk_label_set_xalign (GTK_LABEL (name), 0.0);
  gtk_label_set_mnemonic_widget (GTK_LABEL (name), view);
  gtk_widget_set_tooltip_text (view, tooltip);
  gtk_box_pack_start (GTK_BOX (row), name, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (row), prompt_area_get_counter (area), FALSE, FALSE, 0);
  if (button)
    gtk_box_pack_start (GTK_BOX (row), button, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (panel), row, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (panel), area, button != NULL, TRUE, 0);
}

GtkWidget *
prompt_panel_new (GObject                *settings,
                  const gchar            *prompt,
                  const gchar            *negative,
                  const PromptPanelHooks *hooks)
{
  PromptPanel *self = g_new0 (PromptPanel, 1);

  self->panel  = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  self->store  = prompt_store_new (hooks->store);
  self->prompt = prompt_area_new (settings, prompt, PROMPT_LINES, hooks);
  g_object_set_data_full (G_OBJECT (self->panel), "prompt-panel", self, prompt_panel_free);
  add_area (self->panel, _("_Prompt"), self->prompt,
            _("What the picture should show, in English.\n"
              "(word:1.3) gives weight: Ctrl+Up and Ctrl+Down change it.\n"
              "{a|b} picks one by the seed; # begins a comment."),
            menu_button (self));
  if (negative)
    {
      self->negative = prompt_area_new (settings, negative, NEGATIVE_LINES, hooks);
      add_area (self->panel, _("_Negative prompt"), self->negative,
                _("What should not be there"), NULL);
    }
  return self->panel;
}

GtkWidget *
prompt_panel_get_entry (GtkWidget *panel)
{
  return prompt_area_get_view (panel_of (panel)->prompt);
}

void
prompt_panel_remember (GtkWidget *panel)
{
  PromptPanel *self     = panel_of (panel);
  gchar       *prompt   = prompt_area_get_text (self->prompt);
  gchar       *negative = self->negative ? prompt_area_get_text (self->negative) : g_strdup ("");

  if (*prompt)
    prompt_store_add_used (self->store, prompt, negative);
  g_free (negative);
  g_free (prompt);
}

void
prompt_panel_set_placeholder (GtkWidget   *panel,
                              const gchar *text)
{
  prompt_area_set_placeholder (panel_of (panel)->prompt, text);
}
