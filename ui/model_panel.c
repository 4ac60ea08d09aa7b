/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "model_panel.h"

#include "ui_intl.h"

enum { COLUMN_ID, COLUMN_TEXT, COLUMN_KIND, COLUMN_USABLE, N_COLUMNS };

typedef struct
{
  ModelPanelHooks  hooks;
  gpointer         user;
  GObject         *settings;
  gchar           *property;
  GtkListStore    *list;
  GtkWidget       *combo, *note;
} ModelPanel;

static void
model_panel_free (ModelPanel *self)
{
  g_object_unref (self->list);
  g_free (self->property);
  g_free (self);
}

static ModelPanel *
panel_of (GtkWidget *panel)
{
  return g_object_get_data (G_OBJECT (panel), "model-panel");
}

static void
open_folder_cb (GtkMenuItem *item,
                ModelPanel  *self)
{
  (void) item;
  self->hooks.open_folder (self->user);
}

static void
refresh_cb (GtkMenuItem *item,
            ModelPanel  *self)
{
  (void) item;
  self->hooks.refresh (self->user);
}

static void
explain_cb (GtkMenuItem *item,
            ModelPanel  *self)
{
  (void) item;
  self->hooks.explain (self->user);
}

/* What the question for a folder is answered to. */
typedef struct
{
  ModelPanelHooks hooks;
  gpointer        user;
} FolderAsked;

static void
folder_chosen_cb (GtkDialog   *choose,
                  gint         response,
                  FolderAsked *asked)
{
  gchar *folder = response == GTK_RESPONSE_ACCEPT
                  ? gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (choose)) : NULL;

  if (folder)
    asked->hooks.add_folder (folder, asked->user);
  g_free (folder);
  gtk_widget_destroy (GTK_WIDGET (choose));
}

static void
ask_for_folder (GtkWidget             *from,
                const ModelPanelHooks *hooks,
                gpointer               user)
{
  GtkWidget   *top    = gtk_widget_get_toplevel (from);
  FolderAsked *asked  = g_new0 (FolderAsked, 1);
  GtkWidget   *choose = gtk_file_chooser_dialog_new (_("Add a folder of models"),
                                                     GTK_WINDOW (top),
                                                     GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER,
                                                     _("_Cancel"), GTK_RESPONSE_CANCEL,
                                                     _("_Add"), GTK_RESPONSE_ACCEPT, NULL);

  asked->hooks = *hooks;
  asked->user  = user;
  gtk_window_set_modal (GTK_WINDOW (choose), TRUE);
  gtk_window_set_destroy_with_parent (GTK_WINDOW (choose), TRUE);
  g_object_set_data_full (G_OBJECT (choose), "asked", asked, g_free);
  g_signal_connect (choose, "response", G_CALLBACK (folder_chosen_cb), asked);
  gtk_widget_show (choose);
}

static void
add_folder_cb (GtkMenuItem *item,
               ModelPanel  *self)
{
  (void) item;
  ask_for_folder (self->combo, &self->hooks, self->user);
}

static void
add_item (GtkWidget   *menu,
          const gchar *label,
          GCallback    activate,
          ModelPanel  *self)
{
  GtkWidget *item = gtk_menu_item_new_with_mnemonic (label);

  g_signal_connect (item, "activate", activate, self);
  gtk_menu_shell_append (GTK_MENU_SHELL (menu), item);
}

static GtkWidget *
more_button (ModelPanel *self)
{
  GtkWidget *button = gtk_menu_button_new ();
  GtkWidget *menu   = gtk_menu_new ();

  add_item (menu, _("_Open models folder"), G_CALLBACK (open_folder_cb), self);
  add_item (menu, _("_Add folder…"), G_CALLBACK (add_folder_cb), self);
  add_item (menu, _("_Look again"), G_CALLBACK (refresh_cb), self);
  add_item (menu, _("Where models _come from"), G_CALLBACK (explain_cb), self);
  gtk_widget_show_all (menu);
  gtk_menu_button_set_popup (GTK_MENU_BUTTON (button), menu);
  gtk_button_set_image (GTK_BUTTON (button),
                        gtk_image_new_from_icon_name ("folder-symbolic",
                                                      GTK_ICON_SIZE_BUTTON));
  gtk_widget_set_tooltip_text (button, _("Folders of models"));
  atk_object_set_name (gtk_widget_get_accessible (button), _("Folders of models"));
  return button;
}

static void
fill_combo (ModelPanel *self)
{
  GtkCellRenderer *text = gtk_cell_renderer_text_new ();
  GtkCellRenderer *kind = gtk_cell_renderer_text_new ();
  GtkCellLayout   *cells = GTK_CELL_LAYOUT (self->combo);

  g_object_set (text, "ellipsize", PANGO_ELLIPSIZE_MIDDLE, "width-chars", 12, NULL);
  g_object_set (kind, "ellipsize", PANGO_ELLIPSIZE_END, "scale", 0.85,
                "width-chars", 10, NULL);
  gtk_cell_layout_pack_start (cells, text, TRUE);
  gtk_cell_layout_set_attributes (cells, text, "text", COLUMN_TEXT,
                                  "sensitive", COLUMN_USABLE, NULL);
  gtk_combo_box_set_popup_fixed_width (GTK_COMBO_BOX (self->combo), FALSE);
  gtk_cell_layout_pack_start (cells, kind, FALSE);
  gtk_cell_layout_set_attributes (cells, kind, "text", COLUMN_KIND,
                                  "sensitive", COLUMN_USABLE, NULL);
}

GtkWidget *
model_panel_new (GObject               *settings,
                 const gchar           *property,
                 const ModelPanelHooks *hooks,
                 gpointer               user)
{
  ModelPanel *self  = g_new0 (ModelPanel, 1);
  GtkWidget  *panel = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget  *row   = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  self->hooks    = *hooks;
  self->user     = user;
  self->settings = settings;
  self->property = g_strdup (property);
  self->list     = gtk_list_store_new (N_COLUMNS, G_TYPE_STRING, G_TYPE_STRING,
                                       G_TYPE_STRING, G_TYPE_BOOLEAN);
  self->combo    = gtk_combo_box_new_with_model (GTK_TREE_MODEL (self->list));
  gtk_combo_box_set_id_column (GTK_COMBO_BOX (self->combo), COLUMN_ID);
  g_object_set_data_full (G_OBJECT (panel), "model-panel", self,
                          (GDestroyNotify) model_panel_free);
  fill_combo (self);
  self->note = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (self->note), 0.0);
  gtk_label_set_ellipsize (GTK_LABEL (self->note), PANGO_ELLIPSIZE_END);
  gtk_style_context_add_class (gtk_widget_get_style_context (self->note), "dim-label");

  gtk_box_pack_start (GTK_BOX (row), self->combo, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (row), more_button (self), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (panel), row, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (panel), self->note, FALSE, FALSE, 0);
  g_object_bind_property (settings, property, self->combo, "active-id",
                          G_BINDING_BIDIRECTIONAL);
  return panel;
}

GtkWidget *
model_panel_get_list (GtkWidget *panel)
{
  return panel_of (panel)->combo;
}

void
model_panel_set_rows (GtkWidget      *panel,
                      const ModelRow *rows,
                      guint           count)
{
  ModelPanel *self = panel_of (panel);
  gchar      *chosen;
  gboolean    found = FALSE;

  /* Emptying the list would set the property to NULL. */
  g_object_get (self->settings, self->property, &chosen, NULL);
  gtk_list_store_clear (self->list);
  for (guint i = 0; i < count; i++)
    {
      gtk_list_store_insert_with_values (self->list, NULL, -1,
        COLUMN_ID, rows[i].id, COLUMN_TEXT, rows[i].name,
        COLUMN_KIND, rows[i].reason ? rows[i].reason : rows[i].kind,
        COLUMN_USABLE, rows[i].reason == NULL, -1);
      found |= g_strcmp0 (rows[i].id, chosen) == 0;
    }
  if (chosen && *chosen && ! found)
    gtk_list_store_insert_with_values (self->list, NULL, -1, COLUMN_ID, chosen,
                                       COLUMN_TEXT, chosen, COLUMN_KIND, _("not found"),
                                       COLUMN_USABLE, TRUE, -1);
  gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->combo), chosen ? chosen : "");
  g_object_set (self->settings, self->property, chosen ? chosen : "", NULL);
  g_free (chosen);
}

void
model_panel_set_note (GtkWidget   *panel,
                      const gchar *note)
{
  gtk_label_set_text (GTK_LABEL (panel_of (panel)->note), note);
  gtk_widget_set_tooltip_text (panel_of (panel)->note, note);
}

/* ---- the page of the first run ------------------------------------------- */

typedef struct
{
  ModelPanelHooks hooks;
  gpointer        user;
} ModelPage;

static void
page_open_cb (GtkWidget *button,
              ModelPage *self)
{
  (void) button;
  self->hooks.open_folder (self->user);
}

static void
page_add_cb (GtkWidget *button,
             ModelPage *self)
{
  ask_for_folder (button, &self->hooks, self->user);
}

static void
page_close_cb (GtkWidget *button,
               ModelPage *self)
{
  (void) button;
  self->hooks.explain (self->user);
}

static void
page_button (GtkWidget   *box,
             const gchar *label,
             GCallback    clicked,
             ModelPage   *self)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  g_signal_connect (button, "clicked", clicked, self);
  gtk_box_pack_start (GTK_BOX (box), button, FALSE, FALSE, 0);
}

static GtkWidget *
page_label (const gchar *text)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 40);
  return label;
}

GtkWidget *
model_page_new (const gchar           *folder,
                const ModelPanelHooks *hooks,
                gpointer               user)
{
  ModelPage     *self   = g_new0 (ModelPage, 1);
  GtkWidget     *page   = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget     *toy    = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget     *scroll = gtk_scrolled_window_new (NULL, NULL);
  GtkWidget     *row    = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget     *title  = page_label (_("The demo model is ready: write a prompt and press "
                                        "Generate."));
  GtkWidget     *place  = page_label (folder);
  PangoAttrList *bold   = pango_attr_list_new ();

  self->hooks = *hooks;
  self->user  = user;
  g_object_set_data_full (G_OBJECT (page), "model-page", self, g_free);
  pango_attr_list_insert (bold, pango_attr_weight_new (PANGO_WEIGHT_BOLD));
  gtk_label_set_attributes (GTK_LABEL (title), bold);
  pango_attr_list_unref (bold);
  gtk_label_set_selectable (GTK_LABEL (place), TRUE);
  gtk_label_set_line_wrap_mode (GTK_LABEL (place), PANGO_WRAP_CHAR);
  gtk_box_pack_start (GTK_BOX (page), title, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (toy), page_label (
    _("It is a toy to try every filter.  It draws a red apple, lemon, strawberry, mushroom, "
      "birthday cake, dog, cat, fox, panda, frog, penguin, butterfly, whale, cactus, "
      "sunflower, snowman, car, rocket, sailboat, house, castle, balloon, pumpkin or "
      "smiling face; on a green meadow, in front of green hills, by the sea, on a beach, at "
      "sunset, under a night sky, in snowy mountains, in a desert, in a pine forest, on "
      "plain colors, stripes, a checkerboard, dots or a brick wall.")),
    FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (toy), page_label (
    _("Follow Instruction changes what it drew: make it night, put it in a forest, make it a "
      "sunset, make it a desert, put it by the sea, put it in front of green hills, make the "
      "background red (or another color), put it on a white background, make the house "
      "larger, make it black and white.")),
    FALSE, FALSE, 0);
  /* More words than there is room for on a small screen. */
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroll), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_container_add (GTK_CONTAINER (scroll), toy);
  gtk_box_pack_start (GTK_BOX (page), scroll, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (page), page_label (
    _("For real pictures get a Stable Diffusion checkpoint (a .safetensors file of 2 to 7 GB) from a site where they are shared, such as "
      "huggingface.co or civitai.com, mind its license, and put it into this folder:")),
    FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (page), place, FALSE, FALSE, 0);
  page_button (row, _("Open models _folder"), G_CALLBACK (page_open_cb), self);
  page_button (row, _("Add folder…"), G_CALLBACK (page_add_cb), self);
  page_button (row, _("Got it"), G_CALLBACK (page_close_cb), self);
  gtk_widget_set_margin_top (row, 6);
  gtk_box_pack_start (GTK_BOX (page), row, FALSE, FALSE, 0);
  gtk_container_set_border_width (GTK_CONTAINER (page), 6);

  return page;
}
