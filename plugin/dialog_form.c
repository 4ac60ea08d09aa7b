/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog_form.h"

#include "fields.h"

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
  fields_add (form, "", words, NULL);
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

/* All sides at once: a share of the image in percent, or pixels. */
static void
amount_cb (GtkWidget *button,
           GObject   *config)
{
  gint percent = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (button), "percent"));
  gint pixels  = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (button), "pixels"));
  gint width   = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (button), "width"));
  gint height  = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (button), "height"));
  gint across  = percent ? MAX (1, width * percent / 100) : pixels;
  gint down    = percent ? MAX (1, height * percent / 100) : pixels;

  g_object_set (config, "left", across, "right", across, "top", down, "bottom", down, NULL);
}

static void
add_amounts (GtkWidget *form,
             GObject   *config,
             gint       width,
             gint       height)
{
  static const struct { const gchar *label; gint percent, pixels; } amounts[] = {
    { N_("+25 %"), 25, 0 }, { N_("128 px"), 0, 128 }, { N_("256 px"), 0, 256 },
    { N_("None"), 0, 0 },
  };
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);

  gtk_style_context_add_class (gtk_widget_get_style_context (row), "linked");
  for (gsize i = 0; i < G_N_ELEMENTS (amounts); i++)
    {
      GtkWidget *button = gtk_button_new_with_label (_(amounts[i].label));
      GObject   *object = G_OBJECT (button);

      g_object_set_data (object, "percent", GINT_TO_POINTER (amounts[i].percent));
      g_object_set_data (object, "pixels", GINT_TO_POINTER (amounts[i].pixels));
      g_object_set_data (object, "width", GINT_TO_POINTER (width));
      g_object_set_data (object, "height", GINT_TO_POINTER (height));
      g_signal_connect_object (button, "clicked", G_CALLBACK (amount_cb), config, 0);
      gtk_box_pack_start (GTK_BOX (row), button, TRUE, TRUE, 0);
    }
  fields_add (form, _("All sides"), row, NULL);
}

GtkWidget *
dialog_form_where (GObject  *config,
                   EditMode  mode,
                   gint      width,
                   gint      height)
{
  GtkWidget *form = fields_new ();

  if (mode == EDIT_OUTPAINT)
    {
      static const gchar *const sides[] = { "left", "right", "top", "bottom" };

      for (gsize i = 0; i < G_N_ELEMENTS (sides); i++)
        add_number (form, config, sides[i], 0, 16384, 16, 0);
      add_amounts (form, config, width, height);
    }
  if (mode == EDIT_INPAINT)
    add_choice (form, config, "intent");
  if (mode == EDIT_INPAINT || mode == EDIT_IMAGE_TO_IMAGE)
    add_strength (form, config);
  if (mode == EDIT_INPAINT || mode == EDIT_IMAGE_TO_IMAGE || mode == EDIT_INSTRUCT)
    {
      GtkWidget *pixels;

      add_choice (form, config, "edge-mode");
      add_choice (form, config, "context");
      pixels = add_number (form, config, "context-pixels", 0, 16384, 16, 0);
      g_signal_connect_object (config, "notify::context", G_CALLBACK (context_changed_cb),
                               pixels, 0);
      context_changed_cb (config, NULL, pixels);
    }
  return form;
}

/* The labels of all forms are as wide as the widest. */
static void
align (GtkWidget *forms[],
       gint       count)
{
  GtkSizeGroup *labels = gtk_size_group_new (GTK_SIZE_GROUP_HORIZONTAL);

  for (gint i = 0; i < count; i++)
    {
      GtkWidget *label;

      for (gint row = 0; (label = gtk_grid_get_child_at (GTK_GRID (forms[i]), 0, row)); row++)
        if (GTK_IS_LABEL (label))
          gtk_size_group_add_widget (labels, label);
    }
  g_object_unref (labels);
}

GtkWidget *
dialog_form_quality (GObject   *config,
                     EditMode   mode,
                     GtkWidget *where)
{
  GtkWidget *expander = gtk_expander_new_with_mnemonic (_("More settin_gs"));
  GtkWidget *box      = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *form     = fields_new ();
  GtkWidget *more     = fields_new ();

  if (mode == EDIT_TEXT_TO_IMAGE)
    {
      add_number (form, config, "width", 0, 16384, 8, 0);
      add_number (form, config, "height", 0, 16384, 8, 0);
    }
  add_number (form, config, "steps", 1, 1000, 1, 0);
  add_number (form, config, "cfg", 0, 100, 0.5, 1);
  if (mode == EDIT_INSTRUCT)
    add_number (form, config, "image-cfg", 0, 100, 0.1, 1);
  fields_add_seed (form, config, "seed", _("S_eed"));
  add_number (form, config, "count", 1, 64, 1, 0);

  add_choice (more, config, "sampler");
  add_choice (more, config, "schedule");
  add_number (more, config, "cfg-rescale", 0, 1, 0.05, 2);
  add_number (more, config, "clip-skip", 0, 12, 1, 0);
  add_choice (more, config, "noise");
  if (mode == EDIT_TEXT_TO_IMAGE)
    add_choice (more, config, "tile");
  if (mode != EDIT_TEXT_TO_IMAGE)
    {
      add_choice (more, config, "source");
      add_check (more, config, "colour-match");
      add_check (more, config, "keep-transparency");
    }
  align ((GtkWidget *[]) { where, form, more }, 3);
  gtk_widget_set_margin_top (more, 6);
  gtk_container_add (GTK_CONTAINER (expander), more);
  gtk_box_pack_start (GTK_BOX (box), form, FALSE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (box), expander, FALSE, TRUE, 0);
  return box;
}
