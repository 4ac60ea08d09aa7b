/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "sides_panel.h"

#include "fields.h"

#include <math.h>

#include "ui_intl.h"

/* A button: percent or pixels on all sides. */
typedef struct
{
  const gchar *label;
  gint         percent, pixels;
} Amount;

typedef struct
{
  const gchar *label;
  gint         across, down;
} Shape;

typedef struct
{
  GObject     *settings;    /* borrowed */
  const gchar *properties[SIDE_COUNT];
  GtkWidget   *numbers[SIDE_COUNT];
  GtkWidget   *unit, *shape;
  gint         width, height, most;
  gboolean     showing;     /* numbers are set from the properties, or these by a preset */
} Sides;

static const Amount amounts[] =
{
  { N_("+25 %"), 25, 0 }, { N_("+50 %"), 50, 0 }, { N_("128 px"), 0, 128 },
  { N_("256 px"), 0, 256 }, { N_("None"), 0, 0 },
};

static const Shape shapes[] =
{
  { N_("Free"), 0, 0 }, { N_("Square"), 1, 1 }, { N_("4:3"), 4, 3 }, { N_("3:2"), 3, 2 },
  { N_("16:9"), 16, 9 }, { N_("3:4"), 3, 4 }, { N_("2:3"), 2, 3 }, { N_("9:16"), 9, 16 },
};

void
sides_for_shape (gint amounts_of[SIDE_COUNT],
                 gint width,
                 gint height,
                 gint across,
                 gint down)
{
  gint64 wide = ((gint64) height * across + down - 1) / down;
  gint64 tall = ((gint64) width * down + across - 1) / across;
  gint   more_across = (gint) CLAMP (wide - width, 0, G_MAXINT);
  gint   more_down   = (gint) CLAMP (tall - height, 0, G_MAXINT);

  amounts_of[SIDE_LEFT]   = more_across / 2;
  amounts_of[SIDE_RIGHT]  = more_across - more_across / 2;
  amounts_of[SIDE_TOP]    = more_down / 2;
  amounts_of[SIDE_BOTTOM] = more_down - more_down / 2;
}

static Sides *
sides_of (GtkWidget *fields)
{
  return g_object_get_data (G_OBJECT (fields), "sides");
}

static gboolean
in_percent (Sides *self)
{
  return gtk_combo_box_get_active (GTK_COMBO_BOX (self->unit)) == 1;
}

/* Pixels that are one hundred percent. */
static gint
whole (Sides *self,
       gint   side)
{
  gint size = side == SIDE_LEFT || side == SIDE_RIGHT ? self->width : self->height;

  return MAX (1, size);
}

static void
show (Sides *self)
{
  self->showing = TRUE;
  for (gint side = 0; side < SIDE_COUNT; side++)
    {
      GtkSpinButton *number = GTK_SPIN_BUTTON (self->numbers[side]);
      gint           pixels;

      g_object_get (self->settings, self->properties[side], &pixels, NULL);
      if (in_percent (self))
        {
          gtk_spin_button_set_range (number, 0, 100.0 * self->most / whole (self, side));
          gtk_spin_button_set_increments (number, 5, 25);
          gtk_spin_button_set_digits (number, 2);
          gtk_spin_button_set_value (number, 100.0 * pixels / whole (self, side));
        }
      else
        {
          gtk_spin_button_set_range (number, 0, self->most);
          gtk_spin_button_set_increments (number, 16, 128);
          gtk_spin_button_set_digits (number, 0);
          gtk_spin_button_set_value (number, pixels);
        }
    }
  self->showing = FALSE;
}

static void
property_changed_cb (GObject    *settings,
                     GParamSpec *property,
                     GtkWidget  *fields)
{
  Sides *self = sides_of (fields);

  (void) settings;
  (void) property;
  if (! self->showing)
    show (self);
}

static void
unit_changed_cb (GtkComboBox *unit,
                 Sides       *self)
{
  (void) unit;
  show (self);
}

static void
number_changed_cb (GtkSpinButton *number,
                   Sides         *self)
{
  if (self->showing)
    return;
  self->showing = TRUE;
  for (gint side = 0; side < SIDE_COUNT; side++)
    if (self->numbers[side] == GTK_WIDGET (number))
      {
        gdouble value  = gtk_spin_button_get_value (number);
        gint    pixels = (gint) round (in_percent (self)
                                       ? value * whole (self, side) / 100 : value);

        g_object_set (self->settings, self->properties[side],
                      CLAMP (pixels, 0, self->most), NULL);
      }
  gtk_combo_box_set_active (GTK_COMBO_BOX (self->shape), 0);
  self->showing = FALSE;
}

static void
set_all (Sides      *self,
         const gint *wanted)
{
  self->showing = TRUE;
  for (gint side = 0; side < SIDE_COUNT; side++)
    g_object_set (self->settings, self->properties[side], MIN (wanted[side], self->most),
                  NULL);
  show (self);
}

static void
amount_cb (GtkWidget *button,
           Sides     *self)
{
  const Amount *amount = g_object_get_data (G_OBJECT (button), "amount");
  gint          wanted[SIDE_COUNT];

  for (gint side = 0; side < SIDE_COUNT; side++)
    wanted[side] = amount->percent ? MAX (1, whole (self, side) * amount->percent / 100)
                                   : amount->pixels;
  set_all (self, wanted);
  gtk_combo_box_set_active (GTK_COMBO_BOX (self->shape), 0);
}

static void
shape_cb (GtkComboBox *combo,
          Sides       *self)
{
  gint active = gtk_combo_box_get_active (combo);
  gint wanted[SIDE_COUNT];

  if (active < 1)
    return;
  sides_for_shape (wanted, self->width, self->height, shapes[active].across,
                   shapes[active].down);
  set_all (self, wanted);
}

static GtkWidget *
amount_row (Sides *self)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);

  gtk_style_context_add_class (gtk_widget_get_style_context (row), "linked");
  for (gsize i = 0; i < G_N_ELEMENTS (amounts); i++)
    {
      GtkWidget *button = gtk_button_new_with_label (_(amounts[i].label));

      g_object_set_data (G_OBJECT (button), "amount", (gpointer) &amounts[i]);
      g_signal_connect (button, "clicked", G_CALLBACK (amount_cb), self);
      gtk_box_pack_start (GTK_BOX (row), button, TRUE, TRUE, 0);
    }
  return row;
}

void
sides_panel_add (GtkWidget          *fields,
                 GObject            *settings,
                 const gchar *const *properties,
                 const gchar *const *labels,
                 gint                most)
{
  Sides *self = g_new0 (Sides, 1);

  self->settings = settings;
  self->most     = most;
  self->width    = self->height = 1;
  self->shape    = gtk_combo_box_text_new ();
  self->unit     = gtk_combo_box_text_new ();
  gtk_combo_box_text_append_text (GTK_COMBO_BOX_TEXT (self->unit), _("Pixels"));
  gtk_combo_box_text_append_text (GTK_COMBO_BOX_TEXT (self->unit),
                                  _("Percent"));
  gtk_combo_box_set_active (GTK_COMBO_BOX (self->unit), 0);
  g_object_set_data_full (G_OBJECT (fields), "sides", self, g_free);
  for (gint side = 0; side < SIDE_COUNT; side++)
    {
      GtkWidget *number = gtk_spin_button_new_with_range (0, most, 16);
      gchar     *signal = g_strconcat ("notify::", properties[side], NULL);

      self->properties[side] = g_intern_string (properties[side]);
      self->numbers[side]    = number;
      gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (number), TRUE);
      gtk_entry_set_width_chars (GTK_ENTRY (number), 6);
      if (side % 2)
        fields_beside (fields);
      fields_add (fields, labels[side], number, NULL);
      g_signal_connect (number, "value-changed", G_CALLBACK (number_changed_cb), self);
      g_signal_connect_object (settings, signal, G_CALLBACK (property_changed_cb), fields, 0);
      g_free (signal);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    gtk_combo_box_text_append_text (GTK_COMBO_BOX_TEXT (self->shape), _(shapes[i].label));
  gtk_combo_box_set_active (GTK_COMBO_BOX (self->shape), 0);
  fields_add (fields, _("Unit"), self->unit, NULL);
  fields_beside (fields);
  fields_add (fields, _("Shape"), self->shape, _("Adds only what the picture "
                                                 "needs to get this shape"));
  fields_add (fields, _("All sides"), amount_row (self), NULL);
  g_signal_connect (self->shape, "changed", G_CALLBACK (shape_cb), self);
  g_signal_connect (self->unit, "changed", G_CALLBACK (unit_changed_cb), self);
  show (self);
}

void
sides_panel_set_size (GtkWidget *fields,
                      gint       width,
                      gint       height)
{
  Sides  *self = sides_of (fields);
  gdouble percent[SIDE_COUNT];

  if (self->width == width && self->height == height)
    return;
  for (gint side = 0; side < SIDE_COUNT; side++)
    percent[side] = gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->numbers[side]));
  self->width  = width;
  self->height = height;
  /* A quarter stays a quarter when the picture has grown by the last one. */
  self->showing = TRUE;
  for (gint side = 0; in_percent (self) && side < SIDE_COUNT; side++)
    g_object_set (self->settings, self->properties[side],
                  (gint) CLAMP (round (percent[side] * whole (self, side) / 100), 0,
                                self->most), NULL);
  show (self);
}
