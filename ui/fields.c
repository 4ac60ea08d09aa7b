/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fields.h"

#include <math.h>

#include "ui_intl.h"

GtkWidget *
fields_new (void)
{
  GtkWidget *grid = gtk_grid_new ();

  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
  return grid;
}

static gint
next_row (GtkWidget *fields)
{
  gint   row      = 0;
  GList *children = gtk_container_get_children (GTK_CONTAINER (fields));

  for (GList *child = children; child; child = child->next)
    {
      gint top;

      gtk_container_child_get (GTK_CONTAINER (fields), child->data,
                               "top-attach", &top, NULL);
      row = MAX (row, top + 1);
    }
  g_list_free (children);
  return row;
}

GtkWidget *
fields_add (GtkWidget   *fields,
            const gchar *label,
            GtkWidget   *widget,
            const gchar *tooltip)
{
  gint       row  = next_row (fields);
  GtkWidget *name = gtk_label_new_with_mnemonic (label);

  gtk_label_set_xalign (GTK_LABEL (name), 0.0);
  gtk_label_set_mnemonic_widget (GTK_LABEL (name), widget);
  gtk_widget_set_hexpand (widget, TRUE);
  if (tooltip)
    gtk_widget_set_tooltip_text (widget, tooltip);
  gtk_grid_attach (GTK_GRID (fields), name, 0, row, 1, 1);
  gtk_grid_attach (GTK_GRID (fields), widget, 1, row, 1, 1);
  return widget;
}

static void
bind (GObject     *settings,
      const gchar *property,
      gpointer     target,
      const gchar *target_property)
{
  g_object_bind_property (settings, property, target, target_property,
                          G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
}

GtkWidget *
fields_add_number (GtkWidget   *fields,
                   GObject     *settings,
                   const gchar *property,
                   const gchar *label,
                   gdouble      low,
                   gdouble      high,
                   gdouble      step,
                   guint        digits,
                   const gchar *tooltip)
{
  GtkAdjustment *range = gtk_adjustment_new (low, low, high, step, 10 * step, 0);
  GtkWidget     *spin  = gtk_spin_button_new (range, step, digits);

  gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (spin), TRUE);
  gtk_entry_set_width_chars (GTK_ENTRY (spin), 7);
  bind (settings, property, range, "value");
  return fields_add (fields, label, spin, tooltip);
}

GtkWidget *
fields_add_slider (GtkWidget   *fields,
                   GObject     *settings,
                   const gchar *property,
                   const gchar *label,
                   gdouble      low,
                   gdouble      high,
                   gdouble      step,
                   const gchar *tooltip)
{
  GtkAdjustment *range = gtk_adjustment_new (low, low, high, step, 10 * step, 0);
  GtkWidget     *scale = gtk_scale_new (GTK_ORIENTATION_HORIZONTAL, range);

  gtk_scale_set_digits (GTK_SCALE (scale), step < 0.1 ? 2 : 1);
  gtk_scale_set_value_pos (GTK_SCALE (scale), GTK_POS_RIGHT);
  bind (settings, property, range, "value");
  return fields_add (fields, label, scale, tooltip);
}

GtkWidget *
fields_add_choice (GtkWidget          *fields,
                   GObject            *settings,
                   const gchar        *property,
                   const gchar        *label,
                   const gchar *const *ids,
                   const gchar *const *labels,
                   const gchar        *tooltip)
{
  GtkWidget *combo = gtk_combo_box_text_new ();

  for (gint i = 0; ids[i]; i++)
    gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), ids[i], labels[i]);
  bind (settings, property, combo, "active-id");
  return fields_add (fields, label, combo, tooltip);
}

GtkWidget *
fields_add_check (GtkWidget   *fields,
                  GObject     *settings,
                  const gchar *property,
                  const gchar *label,
                  const gchar *tooltip)
{
  GtkWidget *check = gtk_check_button_new_with_mnemonic (label);

  if (tooltip)
    gtk_widget_set_tooltip_text (check, tooltip);
  gtk_grid_attach (GTK_GRID (fields), check, 0, next_row (fields), 2, 1);
  bind (settings, property, check, "active");
  return check;
}

/* ---- seed ---------------------------------------------------------------- */

static void
draw_seed_cb (GtkButton     *button,
              GtkAdjustment *range)
{
  (void) button;
  gtk_adjustment_set_value (range, (gdouble) g_random_int ());
}

static void
random_seed_cb (GtkButton     *button,
                GtkAdjustment *range)
{
  (void) button;
  gtk_adjustment_set_value (range, -1);
}

/* -1 is shown as a word. */
static gboolean
show_seed_cb (GtkSpinButton *spin,
              gpointer       data)
{
  (void) data;
  if (gtk_spin_button_get_value (spin) >= 0)
    return FALSE;
  gtk_entry_set_text (GTK_ENTRY (spin), _("Random"));
  return TRUE;
}

static gint
read_seed_cb (GtkSpinButton *spin,
              gdouble       *value,
              gpointer       data)
{
  (void) data;
  if (g_strcmp0 (gtk_entry_get_text (GTK_ENTRY (spin)), _("Random")))
    return FALSE;
  *value = -1;
  return TRUE;
}

static GtkWidget *
icon_button (const gchar *icon,
             const gchar *tooltip)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon, GTK_ICON_SIZE_BUTTON);

  gtk_widget_set_tooltip_text (button, tooltip);
  atk_object_set_name (gtk_widget_get_accessible (button), tooltip);
  return button;
}

GtkWidget *
fields_add_seed (GtkWidget   *fields,
                 GObject     *settings,
                 const gchar *property,
                 const gchar *label)
{
  GtkAdjustment *range  = gtk_adjustment_new (-1, -1, 9007199254740991.0, 1, 10, 0);
  GtkWidget     *spin   = gtk_spin_button_new (range, 1, 0);
  GtkWidget     *row    = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget     *draw   = icon_button ("view-refresh-symbolic",
                                       _("Draw a seed and keep it"));
  GtkWidget     *random = icon_button ("media-playlist-shuffle-symbolic",
                                       _("A new seed for every run"));
  GtkWidget     *name;

  gtk_entry_set_width_chars (GTK_ENTRY (spin), 10);
  g_signal_connect (spin, "output", G_CALLBACK (show_seed_cb), NULL);
  g_signal_connect (spin, "input", G_CALLBACK (read_seed_cb), NULL);
  g_signal_connect (draw, "clicked", G_CALLBACK (draw_seed_cb), range);
  g_signal_connect (random, "clicked", G_CALLBACK (random_seed_cb), range);
  bind (settings, property, range, "value");
  gtk_box_pack_start (GTK_BOX (row), spin, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (row), draw, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (row), random, FALSE, FALSE, 0);
  fields_add (fields, label, row, NULL);
  name = gtk_grid_get_child_at (GTK_GRID (fields), 0, next_row (fields) - 1);
  gtk_label_set_mnemonic_widget (GTK_LABEL (name), spin);
  gtk_widget_set_tooltip_text (spin, _("The same seed and settings make the same picture"));
  return spin;
}
