/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog_presets.h"

#include "scene.h"
#include "settings/modes.h"

#include <math.h>
#include <string.h>

#include "intl.h"

#define ENDING ".preset"

typedef struct
{
  GimpProcedureConfig *config; /* borrowed */
  gchar               *folder;
  const gchar         *procedure;
  GtkWidget           *button, *menu;
} Presets;

static void fill (Presets *self);

static void
presets_free (Presets *self)
{
  g_free (self->folder);
  g_free (self);
}

/* Nothing here waits in a loop of its own: who presses by AT-SPI would wait with it. */
static void
complain (Presets *self,
          GError  *error)
{
  GtkWidget *window  = gtk_widget_get_toplevel (self->button);
  GtkWidget *message = gtk_message_dialog_new (GTK_WINDOW (window),
                                               GTK_DIALOG_MODAL |
                                               GTK_DIALOG_DESTROY_WITH_PARENT,
                                               GTK_MESSAGE_ERROR, GTK_BUTTONS_CLOSE, "%s",
                                               error->message);

  g_signal_connect (message, "response", G_CALLBACK (gtk_widget_destroy), NULL);
  gtk_widget_show (message);
  g_error_free (error);
}

/* A preset's name is any text: what a file name cannot have is escaped. */
static GFile *
file_of (Presets     *self,
         const gchar *name)
{
  gchar *escaped = g_uri_escape_string (name, " ", TRUE);
  gchar *base    = g_strconcat (escaped, ENDING, NULL);
  GFile *folder  = g_file_new_for_path (self->folder);
  GFile *file    = g_file_get_child (folder, base);

  g_object_unref (folder);
  g_free (base);
  g_free (escaped);
  return file;
}

static gint
by_name (gconstpointer a,
         gconstpointer b)
{
  return g_utf8_collate (*(gchar *const *) a, *(gchar *const *) b);
}

/* (element-type utf8) */
static GPtrArray *
names (Presets *self)
{
  GPtrArray   *list   = g_ptr_array_new_with_free_func (g_free);
  GDir        *folder = g_dir_open (self->folder, 0, NULL);
  const gchar *base;

  while (folder && (base = g_dir_read_name (folder)))
    if (g_str_has_suffix (base, ENDING))
      {
        gchar *escaped = g_strndup (base, strlen (base) - strlen (ENDING));
        gchar *name    = g_uri_unescape_string (escaped, NULL);

        if (name)
          g_ptr_array_add (list, name);
        g_free (escaped);
      }
  if (folder)
    g_dir_close (folder);
  g_ptr_array_sort (list, by_name);
  return list;
}

/* What is asked for is not how it is made: prompts belong to no preset. */
static void
keep_prompts (Presets  *self,
              gchar    *texts[2],
              gboolean  bring_back)
{
  if (! bring_back)
    {
      g_object_get (self->config, "prompt", &texts[0], "negative-prompt", &texts[1], NULL);
      return;
    }
  g_object_set (self->config, "prompt", texts[0], "negative-prompt", texts[1], NULL);
  g_free (texts[0]);
  g_free (texts[1]);
}

static void
use_cb (GtkMenuItem *item,
        Presets     *self)
{
  GFile  *file  = file_of (self, g_object_get_data (G_OBJECT (item), "name"));
  GError *error = NULL;
  gchar  *texts[2];

  keep_prompts (self, texts, FALSE);
  if (! gimp_config_deserialize_file (GIMP_CONFIG (self->config), file, NULL, &error))
    complain (self, error);
  keep_prompts (self, texts, TRUE);
  g_object_unref (file);
}

static void
delete_cb (GtkMenuItem *item,
           Presets     *self)
{
  GFile  *file  = file_of (self, g_object_get_data (G_OBJECT (item), "name"));
  GError *error = NULL;

  if (! g_file_delete (file, NULL, &error))
    complain (self, error);
  g_object_unref (file);
  fill (self);
}

static void forget_suited (const gchar *procedure);

static void
reset_cb (GtkMenuItem *item,
          Presets     *self)
{
  guint        count;
  GParamSpec **specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (self->config),
                                                       &count);
  gchar       *texts[2];

  (void) item;
  forget_suited (self->procedure);
  keep_prompts (self, texts, FALSE);
  g_object_freeze_notify (G_OBJECT (self->config));
  for (guint i = 0; i < count; i++)
    if (specs[i]->owner_type == G_OBJECT_TYPE (self->config) &&
        (specs[i]->flags & G_PARAM_WRITABLE) && strcmp (specs[i]->name, "run-mode") &&
        ! GIMP_IS_PARAM_SPEC_IMAGE (specs[i]) &&
        ! GIMP_IS_PARAM_SPEC_CORE_OBJECT_ARRAY (specs[i]))
      g_object_set_property (G_OBJECT (self->config), specs[i]->name,
                             g_param_spec_get_default_value (specs[i]));
  g_object_thaw_notify (G_OBJECT (self->config));
  keep_prompts (self, texts, TRUE);
  g_free (specs);
}

static void
named_cb (GtkDialog *ask,
          gint       response,
          Presets   *self)
{
  GtkEntry *entry = g_object_get_data (G_OBJECT (ask), "entry");
  GError   *error = NULL;

  if (response == GTK_RESPONSE_OK && *gtk_entry_get_text (entry))
    {
      GFile *file = file_of (self, gtk_entry_get_text (entry));

      g_mkdir_with_parents (self->folder, 0700);
      gimp_config_serialize_to_file (GIMP_CONFIG (self->config), file, NULL, NULL, NULL,
                                     &error);
      g_object_unref (file);
    }
  gtk_widget_destroy (GTK_WIDGET (ask));
  if (error)
    complain (self, error);
  fill (self);
}

static void
save_cb (GtkMenuItem *item,
         Presets     *self)
{
  GtkWidget *window = gtk_widget_get_toplevel (self->button);
  GtkWidget *ask    = gtk_dialog_new_with_buttons (
    _("Save Preset"), GTK_WINDOW (window), GTK_DIALOG_MODAL | GTK_DIALOG_DESTROY_WITH_PARENT,
    _("_Cancel"), GTK_RESPONSE_CANCEL, _("_Save"), GTK_RESPONSE_OK, NULL);
  GtkWidget *entry  = gtk_entry_new ();
  GtkWidget *area   = gtk_dialog_get_content_area (GTK_DIALOG (ask));
  GtkWidget *label  = gtk_label_new_with_mnemonic (_("_Name"));
  GtkWidget *row    = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);

  (void) item;
  gtk_label_set_mnemonic_widget (GTK_LABEL (label), entry);
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_entry_set_max_length (GTK_ENTRY (entry), 60);
  gtk_container_set_border_width (GTK_CONTAINER (row), 12);
  gtk_box_pack_start (GTK_BOX (row), label, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (row), entry, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (area), row, TRUE, TRUE, 0);
  gtk_dialog_set_default_response (GTK_DIALOG (ask), GTK_RESPONSE_OK);
  g_object_set_data (G_OBJECT (ask), "entry", entry);
  g_signal_connect (ask, "response", G_CALLBACK (named_cb), self);
  gtk_widget_show_all (ask);
}

static GtkWidget *
add (Presets     *self,
     GtkWidget   *menu,
     const gchar *label,
     const gchar *name,
     GCallback    activate)
{
  GtkWidget *item = name ? gtk_menu_item_new_with_label (label)
                         : gtk_menu_item_new_with_mnemonic (label);

  if (name)
    g_object_set_data_full (G_OBJECT (item), "name", g_strdup (name), g_free);
  if (activate)
    g_signal_connect (item, "activate", activate, self);
  gtk_menu_shell_append (GTK_MENU_SHELL (menu), item);
  return item;
}

static void
fill (Presets *self)
{
  GPtrArray *list  = names (self);
  GList     *items = gtk_container_get_children (GTK_CONTAINER (self->menu));

  g_list_free_full (items, (GDestroyNotify) gtk_widget_destroy);
  for (guint i = 0; i < list->len; i++)
    add (self, self->menu, list->pdata[i], list->pdata[i], G_CALLBACK (use_cb));
  if (list->len > 0)
    gtk_menu_shell_append (GTK_MENU_SHELL (self->menu), gtk_separator_menu_item_new ());
  add (self, self->menu, _("_Save these settings…"), NULL, G_CALLBACK (save_cb));
  if (list->len > 0)
    {
      GtkWidget *menu = gtk_menu_new ();

      for (guint i = 0; i < list->len; i++)
        add (self, menu, list->pdata[i], list->pdata[i], G_CALLBACK (delete_cb));
      gtk_menu_item_set_submenu (GTK_MENU_ITEM (add (self, self->menu, _("_Delete"), NULL,
                                                     NULL)), menu);
    }
  add (self, self->menu, _("_Reset to defaults"), NULL, G_CALLBACK (reset_cb));
  gtk_widget_show_all (self->menu);
  g_ptr_array_unref (list);
}

GtkWidget *
dialog_presets_new (Run *run)
{
  Presets *self = g_new0 (Presets, 1);
  gchar   *base = dialog_presets_file ("presets");

  self->config = run->config;
  self->folder = g_build_filename (base, modes_of (run->mode)->procedure, NULL);
  self->procedure = modes_of (run->mode)->procedure;
  self->button = gtk_menu_button_new ();
  self->menu   = gtk_menu_new ();
  gtk_button_set_label (GTK_BUTTON (self->button), _("Pr_esets"));
  gtk_button_set_use_underline (GTK_BUTTON (self->button), TRUE);
  gtk_menu_button_set_popup (GTK_MENU_BUTTON (self->button), self->menu);
  g_object_set_data_full (G_OBJECT (self->button), "presets", self,
                          (GDestroyNotify) presets_free);
  fill (self);
  g_free (base);
  return self->button;
}

/* ---- the last values, and marks ------------------------------------------ */

gchar *
dialog_presets_file (const gchar *name)
{
  gchar *folder = g_build_filename (g_get_user_config_dir (), "gimp-diffusion", NULL);
  gchar *file   = g_build_filename (folder, name, NULL);

  g_mkdir_with_parents (folder, 0700);
  g_free (folder);
  return file;
}

/* An image that had a success before has the values of that one, and they would come first. */
static void
keep_with_image (Run *run)
{
  gchar        *name = g_strconcat (G_OBJECT_TYPE_NAME (run->config), "-last", NULL);
  GimpParasite *old  = NULL;

  if (scene_has_image (run->image))
    old = gimp_image_get_parasite (run->image, name);
  if (old)
    {
      GimpParasite *parasite = gimp_config_serialize_to_parasite (
        GIMP_CONFIG (run->config), name, (guint) gimp_parasite_get_flags (old), NULL);

      gimp_image_attach_parasite (run->image, parasite);
      gimp_parasite_free (parasite);
      gimp_parasite_free (old);
    }
  g_free (name);
}

void
dialog_presets_keep_last (Run *run)
{
  GFile  *folder, *file;
  gchar  *name;
  GError *error = NULL;

  if (run->replay) /* a layer's settings are not what the mode begins with */
    return;
  name   = g_strconcat (G_OBJECT_TYPE_NAME (run->config), ".last", NULL);
  folder = gimp_directory_file ("plug-in-settings", NULL);
  file   = g_file_get_child (folder, name);
  g_file_make_directory_with_parents (folder, NULL, NULL);
  if (! gimp_config_serialize_to_file (GIMP_CONFIG (run->config), file, "settings",
                                       "end of settings", NULL, &error))
    {
      g_info ("%s", error->message);
      g_clear_error (&error);
    }
  keep_with_image (run);
  g_object_unref (file);
  g_object_unref (folder);
  g_free (name);
}

static GKeyFile *
marks_of (const gchar *file)
{
  GKeyFile *marks = g_key_file_new ();

  g_key_file_load_from_file (marks, file, G_KEY_FILE_NONE, NULL);
  return marks;
}

gboolean
dialog_presets_is_marked (const gchar *name)
{
  gchar    *file   = dialog_presets_file ("dialog.ini");
  GKeyFile *marks  = marks_of (file);
  gboolean  marked = g_key_file_get_boolean (marks, "marks", name, NULL);

  g_key_file_free (marks);
  g_free (file);
  return marked;
}

void
dialog_presets_mark (const gchar *name,
                     gboolean     marked)
{
  gchar    *file  = dialog_presets_file ("dialog.ini");
  GKeyFile *marks = marks_of (file);

  if (g_key_file_get_boolean (marks, "marks", name, NULL) != marked)
    {
      g_key_file_set_boolean (marks, "marks", name, marked);
      g_key_file_save_to_file (marks, file, NULL);
    }
  g_key_file_free (marks);
  g_free (file);
}

/* ---- settings that suit the model ---------------------------------------- */

/* What a file may recommend; kept for each procedure, so that the next model can tell what was
 * recommended from what was chosen. */
static const gchar *const suited_names[] = { "cfg", "image-cfg", "steps" };

static gdouble
recommended (const EngineRequest *request,
             guint                index)
{
  const gdouble values[] = { request->cfg, request->image_cfg, request->steps };

  return round (values[index] * 1e4) / 1e4; /* 1.2 as it is written, not as a float has it */
}

static void
forget_suited (const gchar *procedure)
{
  gchar    *file  = dialog_presets_file ("dialog.ini");
  GKeyFile *marks = marks_of (file);

  if (g_key_file_remove_group (marks, procedure, NULL))
    g_key_file_save_to_file (marks, file, NULL);
  g_key_file_free (marks);
  g_free (file);
}

/* Where there is such a setting and it is as `before'. */
static void
replace_number (GObject     *config,
                const gchar *name,
                gdouble      before,
                gdouble      now)
{
  GParamSpec *spec  = g_object_class_find_property (G_OBJECT_GET_CLASS (config), name);
  GValue      value = G_VALUE_INIT;
  gdouble     stands;

  if (! spec)
    return;
  g_value_init (&value, G_TYPE_DOUBLE);
  g_object_get_property (config, name, &value);
  stands = g_value_get_double (&value);
  g_value_set_double (&value, now);
  if (fabs (stands - before) < 1e-5)
    g_object_set_property (config, name, &value);
  g_value_unset (&value);
}

void
dialog_presets_suit (Run *run)
{
  const gchar   *procedure = modes_of (run->mode)->procedure;
  EngineRequest  usual     = engine_request_default (NULL);
  EngineRequest  own       = engine_request_for (&run->model);
  gchar         *file      = dialog_presets_file ("dialog.ini");

  for (guint i = 0; i < G_N_ELEMENTS (suited_names) && ! run->replay; i++)
    {
      GKeyFile *marks  = marks_of (file);
      GError   *none   = NULL;
      gdouble   now    = recommended (&own, i);
      gdouble   before = g_key_file_get_double (marks, procedure, suited_names[i], &none);

      if (none)
        before = recommended (&usual, i);
      g_clear_error (&none);
      /* Where nothing can be written it would be set again and again, against the user. */
      g_key_file_set_double (marks, procedure, suited_names[i], now);
      if (fabs (now - before) > 1e-5 && g_key_file_save_to_file (marks, file, NULL))
        replace_number (G_OBJECT (run->config), suited_names[i], before, now);
      g_key_file_free (marks);
    }
  g_free (file);
}
