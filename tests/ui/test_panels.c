/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog's panels on a screen, bound to a plain GObject; a GTK warning ends the program. */
#include "../test.h"
#include "settings.h"

#include "fields.h"
#include "model_panel.h"
#include "region_view.h"
#include "result_panel.h"
#include "sides_panel.h"

static void
numbers_and_choices_follow_their_properties (void)
{
  static const gchar *const ids[]    = { "euler", "heun", NULL };
  static const gchar *const labels[] = { "Euler", "Heun", NULL };
  GObject   *settings = settings_new ("sampler", "heun");
  GtkWidget *form     = fields_new ();
  GtkWidget *steps    = fields_add_number (form, settings, "steps", "S_teps", 1, 1000, 1, 0, NULL);
  GtkWidget *sampler  = fields_add_choice (form, settings, "sampler", "Sa_mpler", ids, labels,
                                           NULL);
  GtkWidget *check    = fields_add_check (form, settings, "check", "_Check", NULL);
  GtkWidget *seed     = fields_add_seed (form, settings, "seed", "S_eed");
  GtkWidget *window   = settings_show (form);
  gdouble    value;
  gint       count;
  gboolean   on;
  gchar     *text;

  gtk_spin_button_set_value (GTK_SPIN_BUTTON (steps), 33);
  g_object_get (settings, "steps", &count, NULL);
  CHECK_INT (count, 33);
  CHECK_STRING (gtk_combo_box_get_active_id (GTK_COMBO_BOX (sampler)), "heun");
  gtk_combo_box_set_active_id (GTK_COMBO_BOX (sampler), "euler");
  text = settings_string (settings, "sampler");
  CHECK_STRING (text, "euler");
  g_free (text);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (check), TRUE);
  g_object_get (settings, "check", &on, NULL);
  CHECK (on);
  CHECK_STRING (gtk_entry_get_text (GTK_ENTRY (seed)), "Random");
  g_object_set (settings, "seed", 4294967296.0, NULL);
  CHECK_STRING (gtk_entry_get_text (GTK_ENTRY (seed)), "4294967296");
  gtk_button_clicked (GTK_BUTTON (settings_nth (form, GTK_TYPE_BUTTON, 1)));
  g_object_get (settings, "seed", &value, NULL);
  CHECK (value >= -1);
  gtk_widget_destroy (window);
  g_object_unref (settings);
}

static void
turn_wheel (GtkWidget *widget)
{
  GdkEvent *event = gdk_event_new (GDK_SCROLL);

  event->scroll.window    = g_object_ref (gtk_widget_get_window (widget));
  event->scroll.direction = GDK_SCROLL_UP;
  event->scroll.x         = event->scroll.y = 2;
  gdk_event_set_device (event, gdk_seat_get_pointer (gdk_display_get_default_seat (
                                 gtk_widget_get_display (widget))));
  gtk_widget_event (widget, event);
  gdk_event_free (event);
}

/* Who scrolled through a form changed what was below the pointer. */
static void
the_wheel_changes_only_what_has_the_focus (void)
{
  static const gchar *const ids[]    = { "euler", "heun", NULL };
  GObject   *settings = settings_new ("sampler", "heun");
  GtkWidget *form     = fields_new ();
  GtkWidget *steps    = fields_add_number (form, settings, "steps", "A", 1, 9, 1, 0, NULL);
  GtkWidget *sampler  = fields_add_choice (form, settings, "sampler", "B", ids, ids, NULL);
  GtkWidget *window   = settings_show (form);

  gtk_spin_button_set_value (GTK_SPIN_BUTTON (steps), 5);
  gtk_widget_grab_focus (sampler);
  turn_wheel (steps);
  CHECK (gtk_spin_button_get_value (GTK_SPIN_BUTTON (steps)) == 5);
  gtk_widget_grab_focus (steps);
  turn_wheel (steps);
  CHECK (gtk_spin_button_get_value (GTK_SPIN_BUTTON (steps)) == 6);
  turn_wheel (sampler);
  CHECK_STRING (gtk_combo_box_get_active_id (GTK_COMBO_BOX (sampler)), "heun");
  gtk_widget_destroy (window);
  g_object_unref (settings);
}

static gdouble
seed_of (GObject *settings)
{
  gdouble seed;

  g_object_get (settings, "seed", &seed, NULL);
  return seed;
}

/* "hello" was taken for 0, and that was kept. */
static void
what_is_no_number_is_no_seed (void)
{
  GObject   *settings = settings_new (NULL, NULL);
  GtkWidget *form     = fields_new ();
  GtkWidget *seed     = fields_add_seed (form, settings, "seed", "Seed");
  GtkWidget *window   = settings_show (form);

  gtk_entry_set_text (GTK_ENTRY (seed), "hello");
  gtk_spin_button_update (GTK_SPIN_BUTTON (seed));
  CHECK (seed_of (settings) == -1);
  gtk_entry_set_text (GTK_ENTRY (seed), "12");
  gtk_spin_button_update (GTK_SPIN_BUTTON (seed));
  CHECK (seed_of (settings) == 12);
  gtk_widget_destroy (window);
  g_object_unref (settings);
}

static void
lock_keeps_the_seed_of_the_last_run (void)
{
  GObject   *settings = settings_new (NULL, NULL);
  GtkWidget *form     = fields_new ();
  GtkWidget *seed     = fields_add_seed (form, settings, "seed", "Seed");
  GtkWidget *window   = settings_show (form);
  GtkWidget *lock     = settings_nth (form, GTK_TYPE_TOGGLE_BUTTON, 0);

  CHECK (! gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (lock)));
  fields_seed_used (seed, 1234567890123.0);
  CHECK (seed_of (settings) == -1);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (lock), TRUE);
  CHECK (seed_of (settings) == 1234567890123.0);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (lock), FALSE);
  CHECK (seed_of (settings) == -1);
  g_object_set (settings, "seed", 5.0, NULL);
  CHECK (gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (lock)));
  CHECK (seed_of (settings) == 5);
  gtk_widget_destroy (window);
  g_object_unref (settings);
}

static void
rows_beside_each_other_share_a_line (void)
{
  GObject   *settings = settings_new (NULL, NULL);
  GtkWidget *form     = fields_new ();
  GtkWidget *first, *second, *third, *check;

  first = fields_add_number (form, settings, "steps", "A", 1, 9, 1, 0, NULL);
  fields_beside (form);
  second = fields_add_number (form, settings, "left", "B", 1, 9, 1, 0, NULL);
  third  = fields_add_number (form, settings, "top", "C", 1, 9, 1, 0, NULL);
  check  = fields_add_check (form, settings, "check", "D", NULL);
  CHECK (gtk_grid_get_child_at (GTK_GRID (form), 1, 0) == first);
  CHECK (gtk_grid_get_child_at (GTK_GRID (form), 3, 0) == second);
  CHECK (gtk_grid_get_child_at (GTK_GRID (form), 1, 1) == third);
  CHECK (gtk_grid_get_child_at (GTK_GRID (form), 3, 1) == third); /* all of the line */
  CHECK (gtk_grid_get_child_at (GTK_GRID (form), 0, 2) == check);
  g_object_ref_sink (form);
  gtk_widget_destroy (form);
  g_object_unref (form);
  g_object_unref (settings);
}

static gint
left_of (GtkWidget *widget,
         GtkWidget *form)
{
  gint x, y;

  gtk_widget_translate_coordinates (widget, gtk_widget_get_toplevel (form), 0, 0, &x, &y);
  return x;
}

static void
columns_of_forms_stand_in_line_whatever_is_in_them (void)
{
  GObject   *settings = settings_new (NULL, NULL);
  GtkWidget *forms[2] = { fields_new (), fields_new () };
  GtkWidget *box      = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *numbers[2][2], *words, *check, *other, *window;
  gint       second;

  for (gint i = 0; i < 2; i++)
    {
      numbers[i][0] = fields_add_number (forms[i], settings, "steps", i ? "A" : "A long label",
                                         1, 9, 1, 0, NULL);
      fields_beside (forms[i]);
      numbers[i][1] = fields_add_number (forms[i], settings, "left", i ? "Longer" : "B",
                                         1, 9, 1, 0, NULL);
      gtk_container_add (GTK_CONTAINER (box), forms[i]);
    }
  words = gtk_label_new ("w");
  gtk_label_set_xalign (GTK_LABEL (words), 0);
  fields_add (forms[0], NULL, words, NULL);
  check = fields_add_check (forms[1], settings, "check", "A check with many words", NULL);
  fields_beside (forms[1]);
  other = fields_add_check (forms[1], settings, "check", "Another one", NULL);
  fields_align (forms, 2);
  window = settings_show (box);
  settings_wait_long ();
  for (gint column = 0; column < 2; column++)
    CHECK_INT (left_of (numbers[0][column], box), left_of (numbers[1][column], box));
  second = left_of (numbers[0][1], box);
  gtk_label_set_text (GTK_LABEL (words), "words that change with a slider");
  settings_wait_long ();
  CHECK_INT (left_of (numbers[0][1], box), second);
  CHECK (left_of (other, box) >= left_of (check, box) + gtk_widget_get_allocated_width (check));
  CHECK (left_of (numbers[1][0], box) < left_of (check, box) +
         gtk_widget_get_allocated_width (check)); /* over both columns of its pair */
  gtk_widget_destroy (window);
  g_object_unref (settings);
}

static void
shape_is_reached_by_adding_the_least (void)
{
  static const gint sizes[][2]  = { { 400, 200 }, { 200, 400 }, { 1, 1 }, { 1023, 767 },
                                    { 100000, 3 } };
  static const gint shapes[][2] = { { 1, 1 }, { 16, 9 }, { 2, 3 } };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (shapes); k++)
      {
        gint add[SIDE_COUNT], across = shapes[k][0], down = shapes[k][1];
        gint width, height;

        sides_for_shape (add, sizes[i][0], sizes[i][1], across, down);
        width  = sizes[i][0] + add[SIDE_LEFT] + add[SIDE_RIGHT];
        height = sizes[i][1] + add[SIDE_TOP] + add[SIDE_BOTTOM];
        CHECK (width == sizes[i][0] || height == sizes[i][1]);
        /* One pixel less would be too little, this is enough. */
        if (height == sizes[i][1])
          CHECK ((gint64) width * down >= (gint64) height * across &&
                 (gint64) (width - 1) * down < (gint64) height * across);
        else
          CHECK ((gint64) height * across >= (gint64) width * down &&
                 (gint64) (height - 1) * across < (gint64) width * down);
        CHECK (ABS (add[SIDE_LEFT] - add[SIDE_RIGHT]) <= 1);
        CHECK (ABS (add[SIDE_TOP] - add[SIDE_BOTTOM]) <= 1);
      }
}

static void
sides_are_pixels_or_percent_of_the_picture (void)
{
  static const gchar *const sides[SIDE_COUNT] = { "left", "right", "top", "bottom" };
  GObject   *settings = settings_new (NULL, NULL);
  GtkWidget *form     = fields_new ();
  GtkWidget *window, *left, *top, *unit;
  gint       pixels;

  sides_panel_add (form, settings, sides, sides, 16384);
  sides_panel_set_size (form, 300, 200);
  window = settings_show (form);
  left   = gtk_grid_get_child_at (GTK_GRID (form), 1, 0);
  top    = gtk_grid_get_child_at (GTK_GRID (form), 1, 1);
  unit   = gtk_grid_get_child_at (GTK_GRID (form), 1, 2);
  g_object_set (settings, "left", 100, NULL);
  CHECK (gtk_spin_button_get_value (GTK_SPIN_BUTTON (left)) == 100);
  gtk_combo_box_set_active (GTK_COMBO_BOX (unit), 1);
  g_object_get (settings, "left", &pixels, NULL);
  CHECK_INT (pixels, 100); /* 33.33 % are still what they were */
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (top), 12.5);
  g_object_get (settings, "top", &pixels, NULL);
  CHECK_INT (pixels, 25);
  gtk_button_clicked (GTK_BUTTON (settings_nth (form, GTK_TYPE_BUTTON, 0))); /* +25 % */
  g_object_get (settings, "left", &pixels, NULL);
  CHECK_INT (pixels, 75);
  gtk_combo_box_set_active (GTK_COMBO_BOX (unit), 0);
  CHECK (gtk_spin_button_get_value (GTK_SPIN_BUTTON (top)) == 50);
  gtk_widget_destroy (window);
  g_object_unref (settings);
}

static void
ignore_cb (gpointer user)
{
  (void) user;
}

static void
ignore_folder_cb (const gchar *folder,
                  gpointer     user)
{
  (void) folder;
  (void) user;
}

static void
filling_the_model_list_keeps_the_choice (void)
{
  static const ModelPanelHooks hooks = { ignore_cb, ignore_folder_cb, ignore_cb, ignore_cb };
  const ModelRow rows[] = { { "", "Best", "", NULL },
                            { "/m/a.safetensors", "a", "SD 1.x", NULL },
                            { "/m/b.safetensors", "<b>", "LoRA", "This is a LoRA" } };
  GObject   *settings = settings_new ("model", "/m/a.safetensors");
  GtkWidget *panel    = model_panel_new (settings, "model", &hooks, NULL);
  GtkWidget *window   = settings_show (panel);
  GtkWidget *combo    = settings_nth (panel, GTK_TYPE_COMBO_BOX, 0);
  gchar     *text;

  for (gint again = 0; again < 2; again++)
    {
      model_panel_set_rows (panel, rows, 3);
      text = settings_string (settings, "model");
      CHECK_STRING (text, "/m/a.safetensors");
      g_free (text);
      CHECK_STRING (gtk_combo_box_get_active_id (GTK_COMBO_BOX (combo)), "/m/a.safetensors");
    }
  model_panel_set_rows (panel, rows, 1);
  text = settings_string (settings, "model");
  CHECK_STRING (text, "/m/a.safetensors"); /* gone from the folder, still what was asked for */
  g_free (text);
  gtk_widget_destroy (window);
  g_object_unref (settings);
}

typedef struct
{
  gpointer chosen, inserted, discarded;
  gint     all;
} Heard;

static void chosen_cb (gpointer result, gpointer user) { ((Heard *) user)->chosen = result; }
static void insert_cb (gpointer result, gpointer user) { ((Heard *) user)->inserted = result; }
static void insert_all_cb (gpointer user) { ((Heard *) user)->all++; }
static void settings_cb (gpointer result, gpointer user) { (void) result; (void) user; }
static void discarded_cb (gpointer result, gpointer user) { ((Heard *) user)->discarded = result; }

static void
results_are_chosen_inserted_and_discarded (void)
{
  static const ResultPanelHooks hooks = { chosen_cb, insert_cb, insert_all_cb, settings_cb,
                                          discarded_cb };
  Heard      heard  = { 0 };
  gint       results[3];
  GtkWidget *panel  = result_panel_new (&hooks, &heard);
  GtkWidget *window = settings_show (panel);
  GdkPixbuf *pixels = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, 32, 24);

  gdk_pixbuf_fill (pixels, 0x80a0c0ff);
  for (gint i = 0; i < 3; i++)
    result_panel_add (panel, &results[i], pixels, "7", NULL);
  CHECK (heard.chosen == &results[2]);
  CHECK_INT (result_panel_count_open (panel), 3);
  result_panel_set_inserted (panel, &results[0], TRUE);
  CHECK_INT (result_panel_count_open (panel), 2);
  gtk_button_clicked (GTK_BUTTON (settings_nth (panel, GTK_TYPE_BUTTON, 0)));
  CHECK (heard.inserted == &results[2]);
  gtk_button_clicked (GTK_BUTTON (settings_nth (panel, GTK_TYPE_BUTTON, 1)));
  CHECK_INT (heard.all, 1);
  gtk_button_clicked (GTK_BUTTON (settings_nth (panel, GTK_TYPE_BUTTON, 3)));
  CHECK (heard.discarded == &results[2]);
  CHECK_INT (result_panel_count_open (panel), 1);
  result_panel_set_progress (panel, 0.5, "step 1 of 2");
  result_panel_clear (panel);
  CHECK_INT (result_panel_count_open (panel), 0);
  g_object_unref (pixels);
  gtk_widget_destroy (window);
}

static void
page_gives_way_to_the_first_result (void)
{
  static const ResultPanelHooks hooks  = { chosen_cb, insert_cb, insert_all_cb, settings_cb,
                                           discarded_cb };
  static const ModelPanelHooks  models = { ignore_cb, ignore_folder_cb, ignore_cb, ignore_cb };
  Heard      heard  = { 0 };
  GtkWidget *panel  = result_panel_new (&hooks, &heard);
  GtkWidget *window;
  GdkPixbuf *pixels = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, 32, 24);

  result_panel_set_page (panel, model_page_new ("/a/folder", &models, NULL));
  window = settings_show (panel);
  CHECK (! result_panel_shows_page (panel));
  result_panel_show_page (panel, TRUE);
  CHECK (result_panel_shows_page (panel));
  gdk_pixbuf_fill (pixels, 0x80a0c0ff);
  result_panel_add (panel, &heard, pixels, "7", NULL);
  CHECK (! result_panel_shows_page (panel));
  CHECK (result_panel_chosen (panel) == &heard);
  CHECK_INT (result_panel_count (panel), 1);
  g_object_unref (pixels);
  gtk_widget_destroy (window);
}

static void
region_view_draws_all_it_is_given (void)
{
  GtkWidget   *view   = region_view_new ();
  GtkWidget   *window = settings_show (view);
  GdkPixbuf   *pixels = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, 16, 16);
  GdkRectangle place  = { 4, 4, 40, 30 };

  gdk_pixbuf_fill (pixels, 0xff0000ff);
  region_view_set_canvas (view, 64, 48);
  region_view_set_picture (view, pixels, &place);
  region_view_set_mask (view, pixels, &place);
  region_view_set_contexts (view, &place, 1);
  while (gtk_events_pending ())
    gtk_main_iteration ();
  region_view_set_overlay (view, pixels, &place);
  while (gtk_events_pending ())
    gtk_main_iteration ();
  region_view_set_overlay (view, NULL, NULL);
  CHECK (gtk_widget_get_mapped (view));
  g_object_unref (pixels);
  gtk_widget_destroy (window);
}

int
main (int    argc,
      char **argv)
{
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
  gtk_init (NULL, NULL);
  test_begin (argc, argv);
  RUN (numbers_and_choices_follow_their_properties);
  RUN (the_wheel_changes_only_what_has_the_focus);
  RUN (what_is_no_number_is_no_seed);
  RUN (lock_keeps_the_seed_of_the_last_run);
  RUN (rows_beside_each_other_share_a_line);
  RUN (columns_of_forms_stand_in_line_whatever_is_in_them);
  RUN (shape_is_reached_by_adding_the_least);
  RUN (sides_are_pixels_or_percent_of_the_picture);
  RUN (filling_the_model_list_keeps_the_choice);
  RUN (results_are_chosen_inserted_and_discarded);
  RUN (page_gives_way_to_the_first_result);
  RUN (region_view_draws_all_it_is_given);
  return test_end ();
}
