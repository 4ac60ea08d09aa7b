/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fields.h"

#include <math.h>

#include "ui_intl.h"

/* What a form knows of itself. */
typedef struct
{
  gint     rows;
  gboolean beside;    /* for the next row */
} Fields;

static Fields *
fields_of (GtkWidget *fields)
{
  return g_object_get_data (G_OBJECT (fields), "fields");
}

GtkWidget *
fields_new (void)
{
  GtkWidget *grid = gtk_grid_new ();

  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
  g_object_set_data_full (G_OBJECT (grid), "fields", g_new0 (Fields, 1), g_free);
  return grid;
}

static gint
first_column (GtkWidget *fields,
              GtkWidget *child)
{
  gint column;

  gtk_container_child_get (GTK_CONTAINER (fields), child, "left-attach", &column, NULL);
  return column;
}

void
fields_narrow (GtkWidget *fields)
{
  GtkWidget *last = gtk_grid_get_child_at (GTK_GRID (fields), 1,
                                           fields_of (fields)->rows - 1);

  /* A check button begins in the labels' column. */
  if (last)
    gtk_container_child_set (GTK_CONTAINER (fields), last,
                             "width", 2 - first_column (fields, last), NULL);
}

void
fields_beside (GtkWidget *fields)
{
  fields_of (fields)->beside = TRUE;
}

void
fields_align (GtkWidget *const *forms,
              gint              count)
{
  for (gint column = 0; column <= 2; column += 2)
    {
      GtkSizeGroup *labels = gtk_size_group_new (GTK_SIZE_GROUP_HORIZONTAL);

      for (gint i = 0; i < count; i++)
        for (gint row = 0; row < fields_of (forms[i])->rows; row++)
          {
            GtkWidget *label = gtk_grid_get_child_at (GTK_GRID (forms[i]), column, row);

            /* Not what stands in a field and reaches into this column. */
            if (GTK_IS_LABEL (label) && first_column (forms[i], label) == column)
              gtk_size_group_add_widget (labels, label);
          }
      g_object_unref (labels);
    }
}

/* Where the next row begins: *column 0, or 2 beside the last one, which is made narrower. */
static gint
next_place (GtkWidget *fields,
            gint      *column)
{
  Fields *self = fields_of (fields);

  *column = 0;
  if (! self->beside || self->rows == 0)
    return self->rows++;
  self->beside = FALSE;
  *column      = 2;
  fields_narrow (fields);
  return self->rows - 1;
}

/* The wheel over a form scrolls the form: only what has the focus takes it. */
static gboolean
scroll_cb (GtkWidget *widget,
           GdkEvent  *event,
           gpointer   data)
{
  GtkWidget *window = gtk_widget_get_toplevel (widget);
  GtkWidget *focus  = GTK_IS_WINDOW (window) ? gtk_window_get_focus (GTK_WINDOW (window)) : NULL;

  (void) event;
  (void) data;
  if (! focus || (focus != widget && ! gtk_widget_is_ancestor (focus, widget)))
    g_signal_stop_emission_by_name (widget, "scroll-event");
  return FALSE;
}

static void
leave_wheel (GtkWidget *widget,
             gpointer   data)
{
  if (GTK_IS_SPIN_BUTTON (widget) || GTK_IS_SCALE (widget) || GTK_IS_COMBO_BOX (widget))
    g_signal_connect (widget, "scroll-event", G_CALLBACK (scroll_cb), NULL);
  else if (GTK_IS_CONTAINER (widget))
    gtk_container_foreach (GTK_CONTAINER (widget), leave_wheel, data);
}

GtkWidget *
fields_add (GtkWidget   *fields,
            const gchar *label,
            GtkWidget   *widget,
            const gchar *tooltip)
{
  gint column;
  gint row = next_place (fields, &column);

  if (label)
    {
      GtkWidget *name = gtk_label_new_with_mnemonic (label);

      gtk_label_set_xalign (GTK_LABEL (name), 0.0);
      gtk_label_set_mnemonic_widget (GTK_LABEL (name), widget);
      gtk_grid_attach (GTK_GRID (fields), name, column, row, 1, 1);
    }
  leave_wheel (widget, NULL);
  gtk_widget_set_hexpand (widget, TRUE);
  if (tooltip)
    gtk_widget_set_tooltip_text (widget, tooltip);
  gtk_grid_attach (GTK_GRID (fields), widget, column + 1, row, column ? 1 : 3, 1);
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
  GList     *cells = gtk_cell_layout_get_cells (GTK_CELL_LAYOUT (combo));

  for (gint i = 0; ids[i]; i++)
    gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), ids[i], labels[i]);
  /* A long choice makes the list wide, not the form. */
  g_object_set (cells->data, "ellipsize", PANGO_ELLIPSIZE_END, "width-chars", 10, NULL);
  gtk_combo_box_set_popup_fixed_width (GTK_COMBO_BOX (combo), FALSE);
  g_list_free (cells);
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
  gint       row, column;

  if (tooltip)
    gtk_widget_set_tooltip_text (check, tooltip);
  row = next_place (fields, &column);
  gtk_grid_attach (GTK_GRID (fields), check, column, row, column ? 2 : 4, 1);
  bind (settings, property, check, "active");
  return check;
}

/* ---- seed ---------------------------------------------------------------- */

typedef struct
{
  GtkAdjustment *range;
  GtkWidget     *lock;
  gdouble        used;   /* by the last run; -1: there was none */
} Seed;

static Seed *
seed_of (GtkWidget *spin)
{
  return g_object_get_data (G_OBJECT (spin), "seed");
}

static void
draw_seed_cb (GtkButton *button,
              Seed      *self)
{
  (void) button;
  gtk_adjustment_set_value (self->range, (gdouble) g_random_int ());
}

static void
lock_cb (GtkToggleButton *button,
         Seed            *self)
{
  gboolean locked = gtk_adjustment_get_value (self->range) >= 0;

  if (gtk_toggle_button_get_active (button) == locked)
    return;
  gtk_adjustment_set_value (self->range,
                            locked ? -1
                            : self->used >= 0 ? self->used : (gdouble) g_random_int ());
}

static void
show_lock_cb (GtkAdjustment *range,
              Seed          *self)
{
  gboolean locked = gtk_adjustment_get_value (range) >= 0;

  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->lock), locked);
  gtk_image_set_from_icon_name (GTK_IMAGE (gtk_button_get_image (GTK_BUTTON (self->lock))),
                                locked ? "changes-prevent-symbolic"
                                       : "changes-allow-symbolic", GTK_ICON_SIZE_BUTTON);
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

static void
name_button (GtkWidget   *button,
             const gchar *icon,
             const gchar *name)
{
  gtk_button_set_image (GTK_BUTTON (button),
                        gtk_image_new_from_icon_name (icon, GTK_ICON_SIZE_BUTTON));
  gtk_button_set_always_show_image (GTK_BUTTON (button), TRUE);
  gtk_widget_set_tooltip_text (button, name);
  atk_object_set_name (gtk_widget_get_accessible (button), name);
}

GtkWidget *
fields_add_seed (GtkWidget   *fields,
                 GObject     *settings,
                 const gchar *property,
                 const gchar *label)
{
  Seed      *self = g_new0 (Seed, 1);
  GtkWidget *row  = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *draw = gtk_button_new ();
  GtkWidget *spin, *name;

  self->used  = -1;
  self->range = gtk_adjustment_new (-1, -1, 9007199254740991.0, 1, 10, 0);
  self->lock  = gtk_toggle_button_new ();
  spin        = gtk_spin_button_new (self->range, 1, 0);
  g_object_set_data_full (G_OBJECT (spin), "seed", self, g_free);
  name_button (draw, "media-playlist-shuffle-symbolic", _("Draw a seed and keep it"));
  name_button (self->lock, "changes-allow-symbolic",
               _("Keep the last picture's seed; otherwise each run takes a new one"));

  gtk_entry_set_width_chars (GTK_ENTRY (spin), 10);
  gtk_spin_button_set_update_policy (GTK_SPIN_BUTTON (spin), GTK_UPDATE_IF_VALID);
  g_signal_connect (spin, "output", G_CALLBACK (show_seed_cb), NULL);
  g_signal_connect (spin, "input", G_CALLBACK (read_seed_cb), NULL);
  g_signal_connect (draw, "clicked", G_CALLBACK (draw_seed_cb), self);
  g_signal_connect (self->lock, "toggled", G_CALLBACK (lock_cb), self);
  g_signal_connect (self->range, "value-changed", G_CALLBACK (show_lock_cb), self);
  bind (settings, property, self->range, "value");
  show_lock_cb (self->range, self);
  gtk_box_pack_start (GTK_BOX (row), spin, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (row), draw, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (row), self->lock, FALSE, FALSE, 0);
  fields_add (fields, label, row, NULL);
  name = gtk_grid_get_child_at (GTK_GRID (fields), 0, fields_of (fields)->rows - 1);
  gtk_label_set_mnemonic_widget (GTK_LABEL (name), spin);
  gtk_widget_set_tooltip_text (spin, _("The same seed and settings make the same picture"));
  return spin;
}

void
fields_seed_used (GtkWidget *seed,
                  gdouble    used)
{
  seed_of (seed)->used = used;
}
