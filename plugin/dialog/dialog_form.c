/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog_form.h"

#include "fields.h"
#include "model_panel.h"
#include "sides_panel.h"

#include <libgimp/gimp.h>

#include "intl.h"

/* A drop-down with what the argument offers. */
static void
add_choice (GtkWidget   *form,
            GObject     *config,
            const gchar *property)
{
  GParamSpec  *spec   = g_object_class_find_property (G_OBJECT_GET_CLASS (config), property);
  GimpChoice  *choice = gimp_param_spec_choice_get_choice (spec);
  GList       *nicks  = gimp_choice_list_nicks (choice);
  GPtrArray   *ids    = g_ptr_array_new ();
  GPtrArray   *labels = g_ptr_array_new ();

  for (GList *nick = nicks; nick; nick = nick->next)
    {
      const gchar *label, *help;

      gimp_choice_get_documentation (choice, nick->data, &label, &help);
      g_ptr_array_add (ids, nick->data);
      g_ptr_array_add (labels, (gpointer) label);
    }
  g_ptr_array_add (ids, NULL);
  g_ptr_array_add (labels, NULL);
  fields_add_choice (form, config, property, g_param_spec_get_nick (spec),
                     (const gchar *const *) ids->pdata,
                     (const gchar *const *) labels->pdata, g_param_spec_get_blurb (spec));
  g_ptr_array_free (ids, TRUE);
  g_ptr_array_free (labels, TRUE);
}

static GtkWidget *
add_number (GtkWidget   *form,
            GObject     *config,
            const gchar *property,
            gdouble      low,
            gdouble      high,
            gdouble      step,
            guint        digits)
{
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (config), property);

  return fields_add_number (form, config, property, g_param_spec_get_nick (spec), low, high,
                            step, digits, g_param_spec_get_blurb (spec));
}

static void
add_check (GtkWidget   *form,
           GObject     *config,
           const gchar *property)
{
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (config), property);

  fields_add_check (form, config, property, g_param_spec_get_nick (spec),
                    g_param_spec_get_blurb (spec));
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
add_strength (GtkWidget *form,
              GObject   *config)
{
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (config), "strength");

  GtkWidget  *words = gtk_label_new (NULL);

  fields_add_slider (form, config, "strength", g_param_spec_get_nick (spec), 0, 1, 0.05,
                     g_param_spec_get_blurb (spec));
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
add_context (GtkWidget *form,
             GObject   *config)
{
  GtkWidget *pixels;

  add_choice (form, config, "context");
  fields_beside (form);
  pixels = add_number (form, config, "context-pixels", 0, 16384, 16, 0);
  g_signal_connect_object (config, "notify::context", G_CALLBACK (context_changed_cb),
                           pixels, 0);
  context_changed_cb (config, NULL, pixels);
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
add_where (GtkWidget *form,
           GObject   *config,
           EditMode   mode)
{
  if (mode == EDIT_OUTPAINT)
    add_sides (form, config);
  if (mode == EDIT_INPAINT)
    {
      add_choice (form, config, "intent");
      fields_beside (form);
      add_choice (form, config, "edge-mode");
    }
  else if (mode == EDIT_IMAGE_TO_IMAGE || mode == EDIT_INSTRUCT)
    {
      add_choice (form, config, "edge-mode");
    }
  if (mode == EDIT_INPAINT || mode == EDIT_IMAGE_TO_IMAGE)
    add_strength (form, config);
  if (mode == EDIT_INPAINT || mode == EDIT_IMAGE_TO_IMAGE || mode == EDIT_INSTRUCT)
    add_context (form, config);
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

static void
add_quality (DialogForm *self,
             GObject    *config,
             EditMode    mode)
{
  GtkWidget *form = self->form;

  if (mode == EDIT_TEXT_TO_IMAGE)
    {
      add_number (form, config, "width", 0, 16384, 64, 0);
      fields_beside (form);
      add_number (form, config, "height", 0, 16384, 64, 0);
    }
  add_number (form, config, "steps", 1, 1000, 1, 0);
  fields_beside (form);
  add_number (form, config, "cfg", 0, 100, 0.5, 1);
  add_number (form, config, "count", 1, 64, 1, 0);
  if (mode == EDIT_INSTRUCT)
    {
      fields_beside (form);
      add_number (form, config, "image-cfg", 0, 100, 0.1, 1);
    }
  else
    {
      fields_narrow (form);
    }
  self->seed = fields_add_seed (form, config, "seed", _("Seed"));
  add_choice (form, config, "sampler");
  fields_beside (form);
  add_choice (form, config, "schedule");
}

static void
add_more (GtkWidget *more,
          GObject   *config,
          EditMode   mode)
{
  add_number (more, config, "cfg-rescale", 0, 1, 0.05, 2);
  fields_beside (more);
  add_number (more, config, "clip-skip", 0, 12, 1, 0);
  add_choice (more, config, "noise");
  if (mode == EDIT_TEXT_TO_IMAGE)
    {
      fields_beside (more);
      add_choice (more, config, "tile");
    }
  else
    {
      add_choice (more, config, "source");
      add_check (more, config, "colour-match");
      fields_beside (more);
      add_check (more, config, "keep-transparency");
    }
  add_check (more, config, "parameters");
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
  add_where (form->form, config, mode);
  add_models (form->form, models);
  add_quality (form, config, mode);
  add_more (more, config, mode);
  fields_align ((GtkWidget *const []) { form->form, more }, 2);
  gtk_widget_set_margin_top (more, 6);
  gtk_container_add (GTK_CONTAINER (expander), more);
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
