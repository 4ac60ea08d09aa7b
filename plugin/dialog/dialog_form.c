/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog_form.h"

#include "fields.h"
#include "model_panel.h"
#include "sides_panel.h"

#include "settings/settings.h"

#include <libgimp/gimp.h>

#include <string.h>

#include "intl.h"

#define LEAST_SIDE 64 /* pixels of a picture that is made */
#define SIDE_STEP  8

/* A drop-down with what the argument offers. */
static GtkWidget *
add_choice (GtkWidget   *form,
            GObject     *config,
            const gchar *property)
{
  GParamSpec  *spec   = g_object_class_find_property (G_OBJECT_GET_CLASS (config), property);
  GimpChoice  *choice = gimp_param_spec_choice_get_choice (spec);
  GList       *nicks  = gimp_choice_list_nicks (choice);
  GPtrArray   *ids    = g_ptr_array_new ();
  GPtrArray   *labels = g_ptr_array_new ();
  GtkWidget   *combo;

  for (GList *nick = nicks; nick; nick = nick->next)
    {
      const gchar *label, *help;

      gimp_choice_get_documentation (choice, nick->data, &label, &help);
      g_ptr_array_add (ids, nick->data);
      g_ptr_array_add (labels, (gpointer) label);
    }
  g_ptr_array_add (ids, NULL);
  g_ptr_array_add (labels, NULL);
  combo = fields_add_choice (form, config, property, g_param_spec_get_nick (spec),
                             (const gchar *const *) ids->pdata,
                             (const gchar *const *) labels->pdata,
                             g_param_spec_get_blurb (spec));
  g_ptr_array_free (ids, TRUE);
  g_ptr_array_free (labels, TRUE);
  return combo;
}

/* The number in words. */
static void
strength_changed_cb (GObject    *config,
                     GParamSpec *property,
                     GtkWidget  *words)
{
  gdouble strength;

  (void) property;
  g_object_get (config, "strength", &strength, NULL);
  gtk_label_set_text (GTK_LABEL (words),
                      strength < 0.3    ? _("touches up")
                      : strength < 0.55 ? _("keeps shapes and colors")
                      : strength < 0.8  ? _("keeps the rough layout")
                      : strength < 1    ? _("keeps a hint of what is there")
                                        : _("makes it new"));
}

static void
add_strength_words (GtkWidget *form,
                    GObject   *config)
{
  GtkWidget *words = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (words), 0.0);
  gtk_style_context_add_class (gtk_widget_get_style_context (words), "dim-label");
  fields_add (form, NULL, words, NULL);
  g_signal_connect_object (config, "notify::strength", G_CALLBACK (strength_changed_cb),
                           words, 0);
  strength_changed_cb (config, NULL, words);
}

/* "pixels" is the only kind of context that has a number. */
static void
context_changed_cb (GObject    *config,
                    GParamSpec *property,
                    GtkWidget  *pixels)
{
  gchar *context;

  (void) property;
  g_object_get (config, "context", &context, NULL);
  gtk_widget_set_sensitive (pixels, g_strcmp0 (context, "pixels") == 0);
  g_free (context);
}

static void
add_sides (GtkWidget *form,
           GObject   *config)
{
  static const gchar *const sides[SIDE_COUNT] = { "left", "right", "top", "bottom" };
  const gchar              *labels[SIDE_COUNT];

  for (gint side = 0; side < SIDE_COUNT; side++)
    labels[side] = g_param_spec_get_nick (
      g_object_class_find_property (G_OBJECT_GET_CLASS (config), sides[side]));
  sides_panel_add (form, config, sides, labels, 16384);
}

static void
add_models (GtkWidget *form,
            GtkWidget *models)
{
  GtkWidget *list = model_panel_get_list (models);
  GList     *names;

  fields_add (form, _("_Model"), models, NULL);
  names = gtk_widget_list_mnemonic_labels (models);
  for (GList *name = names; name; name = name->next)
    {
      gtk_label_set_mnemonic_widget (name->data, list);
      gtk_widget_set_valign (name->data, GTK_ALIGN_START);
      gtk_widget_set_margin_top (name->data, 8);
    }
  g_list_free (names);
}

static GtkWidget *
add_widget (GtkWidget     *form,
            GObject       *config,
            const Setting *setting)
{
  const gchar *name  = setting->name;
  const gchar *label = _(setting->label);
  const gchar *help  = _(setting->help);

  switch (setting->type)
    {
    case SETTING_WHOLE:
    case SETTING_NUMBER:
      if (setting->slider)
        return fields_add_slider (form, config, name, label, setting->low, setting->high,
                                  setting->step, help);
      return fields_add_number (form, config, name, label, setting->low, setting->high,
                                setting->step, setting->digits, help);
    case SETTING_SWITCH:
      return fields_add_check (form, config, name, label, help);
    case SETTING_CHOICE:
    case SETTING_TILES:
      return add_choice (form, config, name);
    case SETTING_SEED:
      return fields_add_seed (form, config, name, label);
    case SETTING_TEXT:
      break;
    }
  g_return_val_if_reached (NULL);
}

/* An intent brings its strength, unless another one was chosen. */
static void
intent_changed_cb (GObject    *config,
                   GParamSpec *property,
                   GtkWidget  *combo)
{
  gint    before = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (combo), "intent"));
  gchar  *name;
  gint    now;
  gdouble strength;

  g_object_get (config, "intent", &name, "strength", &strength, NULL);
  now = names_value (&intent_names, name);
  if (property && ABS (strength - settings_strength ((EditIntent) before)) < 1e-6)
    g_object_set (config, "strength", settings_strength ((EditIntent) now), NULL);
  g_object_set_data (G_OBJECT (combo), "intent", GINT_TO_POINTER (now));
  g_free (name);
}

/* Typed sizes become what a model can make; 0 is its own. */
static void
size_changed_cb (GtkSpinButton *number)
{
  gint size    = gtk_spin_button_get_value_as_int (number);
  gint rounded = size ? MAX (LEAST_SIDE, (size + SIDE_STEP / 2) / SIDE_STEP * SIDE_STEP) : 0;

  if (rounded != size)
    gtk_spin_button_set_value (number, rounded);
}

/* What a few of them have besides. */
static void
add_setting (DialogForm    *self,
             GtkWidget     *form,
             GObject       *config,
             const Setting *setting)
{
  GtkWidget *widget;

  if (! strcmp (setting->name, "left"))
    {
      add_sides (form, config);
      return;
    }
  if (setting->beside)
    fields_beside (form);
  widget = add_widget (form, config, setting);
  if (setting->type == SETTING_SEED)
    self->seed = widget;
  if (! strcmp (setting->name, "strength"))
    add_strength_words (form, config);
  if (! strcmp (setting->name, "intent"))
    {
      g_signal_connect_object (config, "notify::intent", G_CALLBACK (intent_changed_cb),
                               widget, 0);
      intent_changed_cb (config, NULL, widget);
    }
  if (! strcmp (setting->name, "width") || ! strcmp (setting->name, "height"))
    {
      g_signal_connect (widget, "value-changed", G_CALLBACK (size_changed_cb), NULL);
      size_changed_cb (GTK_SPIN_BUTTON (widget));
    }
  if (! strcmp (setting->name, "context-pixels"))
    {
      g_signal_connect_object (config, "notify::context",
                               G_CALLBACK (context_changed_cb), widget, 0);
      context_changed_cb (config, NULL, widget);
    }
}

static gint
by_place (gconstpointer a,
          gconstpointer b)
{
  return (*(const Setting *const *) a)->place - (*(const Setting *const *) b)->place;
}

/* The mode's settings of a part of the form: (element-type Setting). */
static GPtrArray *
settings_of_part (EditMode    mode,
                  SettingPart part)
{
  GPtrArray     *settings = g_ptr_array_new ();
  const Setting *setting;

  for (gint i = 0; (setting = settings_at (i)); i++)
    if (setting->part == part && settings_has (setting, mode) &&
        (! setting->shown || setting->shown & 1u << mode))
      g_ptr_array_add (settings, (gpointer) setting);
  g_ptr_array_sort (settings, by_place);
  return settings;
}

static void
add_part (DialogForm  *self,
          GtkWidget   *form,
          GObject     *config,
          EditMode     mode,
          SettingPart  part)
{
  GPtrArray *settings = settings_of_part (mode, part);

  for (guint i = 0; i < settings->len; i++)
    {
      const Setting *setting = settings->pdata[i];
      const Setting *next    = i + 1 < settings->len ? settings->pdata[i + 1] : NULL;
      gboolean       alone   = ! next || ! next->beside;

      /* What should stand beside something that this mode does not have. */
      if (setting->beside && i == 0)
        {
          Setting first = *setting;

          first.beside = FALSE;
          add_setting (self, form, config, &first);
          continue;
        }
      add_setting (self, form, config, setting);
      if (alone && ! setting->beside && ! setting->slider &&
          (setting->type == SETTING_WHOLE || setting->type == SETTING_NUMBER) &&
          strcmp (setting->name, "left"))
        fields_narrow (form);
    }
  g_ptr_array_free (settings, TRUE);
}

/* Tab does not go through what is not seen. */
static void
expanded_cb (GtkExpander *expander,
             GParamSpec  *property,
             GtkWidget   *more)
{
  (void) property;
  gtk_widget_set_visible (more, gtk_expander_get_expanded (expander));
}

void
dialog_form_init (DialogForm *form,
                  GObject    *config,
                  EditMode    mode,
                  GtkWidget  *models)
{
  GtkWidget *expander = gtk_expander_new_with_mnemonic (_("M_ore settings"));
  GtkWidget *more     = fields_new ();

  form->box  = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  form->form = fields_new ();
  add_part (form, form->form, config, mode, SETTING_WHERE);
  add_models (form->form, models);
  add_part (form, form->form, config, mode, SETTING_QUALITY);
  add_part (form, more, config, mode, SETTING_MORE);
  fields_align ((GtkWidget *const []) { form->form, more }, 2);
  gtk_widget_set_margin_top (more, 6);
  gtk_container_add (GTK_CONTAINER (expander), more);
  gtk_widget_show_all (more);
  gtk_widget_hide (more);
  gtk_widget_set_no_show_all (more, TRUE);
  g_signal_connect (expander, "notify::expanded", G_CALLBACK (expanded_cb), more);
  gtk_box_pack_start (GTK_BOX (form->box), form->form, FALSE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (form->box), expander, FALSE, TRUE, 0);
}

void
dialog_form_set_size (DialogForm *form,
                      EditMode    mode,
                      gint        width,
                      gint        height)
{
  if (mode == EDIT_OUTPAINT)
    sides_panel_set_size (form->form, width, height);
}
