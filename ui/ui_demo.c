/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All panels in a window, without GIMP and without an engine: for eyes, screenshots and tests.
 *
 *   ui_demo [--dark] [--light] [--page] [--picture FILE.png] [--seconds N]
 *
 * Generate pretends: a run of twenty steps makes a picture of stripes.  --picture writes what the
 * window shows after it has settled, --seconds ends the program by itself. */
#include "config.h"

#include "fields.h"
#include "model_panel.h"
#include "prompt_panel.h"
#include "region_view.h"
#include "result_panel.h"
#include "sides_panel.h"

#include <stdlib.h>
#include <string.h>

#include "ui_intl.h"

#define STEPS 20

/* ---- settings: any GObject with these properties will do ------------------- */

enum { TEXTS = 4, NUMBERS = 3, INTS = 5 };

static const gchar *const text_names[TEXTS]     = { "prompt", "negative-prompt", "model",
                                                    "sampler" };
static const gchar *const number_names[NUMBERS] = { "seed", "strength", "cfg" };
static const gchar *const int_names[INTS]       = { "steps", "left", "right", "top",
                                                    "bottom" };

typedef struct
{
  GObject  parent;
  gchar   *texts[TEXTS];
  gdouble  numbers[NUMBERS];
  gint     ints[INTS];
  gboolean check;
} DemoSettings;

typedef struct
{
  GObjectClass parent;
} DemoSettingsClass;

GType demo_settings_get_type (void);
G_DEFINE_TYPE (DemoSettings, demo_settings, G_TYPE_OBJECT)

static void
set_cb (GObject      *object,
        guint         id,
        const GValue *value,
        GParamSpec   *spec)
{
  DemoSettings *self = (DemoSettings *) object;

  (void) spec;
  if (id <= TEXTS)
    {
      g_free (self->texts[id - 1]);
      self->texts[id - 1] = g_value_dup_string (value);
    }
  else if (id <= TEXTS + NUMBERS)
    self->numbers[id - 1 - TEXTS] = g_value_get_double (value);
  else if (id <= TEXTS + NUMBERS + INTS)
    self->ints[id - 1 - TEXTS - NUMBERS] = g_value_get_int (value);
  else
    self->check = g_value_get_boolean (value);
}

static void
get_cb (GObject    *object,
        guint       id,
        GValue     *value,
        GParamSpec *spec)
{
  DemoSettings *self = (DemoSettings *) object;

  (void) spec;
  if (id <= TEXTS)
    g_value_set_string (value, self->texts[id - 1]);
  else if (id <= TEXTS + NUMBERS)
    g_value_set_double (value, self->numbers[id - 1 - TEXTS]);
  else if (id <= TEXTS + NUMBERS + INTS)
    g_value_set_int (value, self->ints[id - 1 - TEXTS - NUMBERS]);
  else
    g_value_set_boolean (value, self->check);
}

static void
finalize_cb (GObject *object)
{
  for (gint i = 0; i < TEXTS; i++)
    g_free (((DemoSettings *) object)->texts[i]);
  G_OBJECT_CLASS (demo_settings_parent_class)->finalize (object);
}

static void
demo_settings_class_init (DemoSettingsClass *class)
{
  GObjectClass *object = G_OBJECT_CLASS (class);
  guint         id     = 1;

  object->set_property = set_cb;
  object->get_property = get_cb;
  object->finalize     = finalize_cb;
  for (gint i = 0; i < TEXTS; i++)
    g_object_class_install_property (object, id++,
      g_param_spec_string (text_names[i], NULL, NULL, "", G_PARAM_READWRITE));
  for (gint i = 0; i < NUMBERS; i++)
    g_object_class_install_property (object, id++,
      g_param_spec_double (number_names[i], NULL, NULL, -1, 1e15, 0, G_PARAM_READWRITE));
  for (gint i = 0; i < INTS; i++)
    g_object_class_install_property (object, id++,
      g_param_spec_int (int_names[i], NULL, NULL, 0, 16384, 0, G_PARAM_READWRITE));
  g_object_class_install_property (object, id,
    g_param_spec_boolean ("check", NULL, NULL, FALSE, G_PARAM_READWRITE));
}

static void
demo_settings_init (DemoSettings *self)
{
  static const gchar *const texts[TEXTS] = {
    "a (sunflower:1.2) on a {green|yellow} meadow # or a poppy", "blurry", "", "heun" };

  for (gint i = 0; i < TEXTS; i++)
    self->texts[i] = g_strdup (texts[i]);
  self->numbers[0] = -1;
  self->numbers[1] = 0.75;
  self->numbers[2] = 7;
  self->ints[0]    = STEPS;
  self->ints[2]    = 128;
}

/* ---- a run that pretends ---------------------------------------------------- */

typedef struct
{
  GObject   *settings;
  GtkWidget *window, *region, *results, *generate;
  gint       step;
  guint      made;
  gchar     *picture;      /* file name or NULL */
} Demo;

/* Stripes that come out of grey as `share' grows to 1. */
static GdkPixbuf *
stripes (gint    width,
         gint    height,
         gdouble share,
         guint   kind)
{
  GdkPixbuf *pixels = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, width, height);
  gint       stride = gdk_pixbuf_get_rowstride (pixels);

  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      {
        guchar *pixel = gdk_pixbuf_get_pixels (pixels) + y * stride + 4 * x;
        gint    on    = ((x + (gint) (kind + 1) * y) * 8 / width) % 2;

        pixel[0] = (guchar) (128 + share * (on ? 110 : -60));
        pixel[1] = (guchar) (128 + share * (on ? 60 : -20 * (gdouble) (kind % 3)));
        pixel[2] = (guchar) (128 + share * (on ? -100 : 60));
        pixel[3] = 255;
      }
  return pixels;
}

static gboolean
step_cb (gpointer user)
{
  Demo        *self  = user;
  GdkRectangle place = { 200, 120, 160, 120 };
  gdouble      share = (gdouble) ++self->step / STEPS;
  GdkPixbuf   *pixels = stripes (160, 120, share, self->made);
  gchar       *text  = g_strdup_printf (_("step %d of %d"), self->step, STEPS);

  region_view_set_overlay (self->region, pixels, &place);
  result_panel_set_progress (self->results, share, text);
  g_free (text);
  if (self->step == STEPS)
    {
      GdkPixbuf *small   = gdk_pixbuf_scale_simple (pixels, 96, 72, GDK_INTERP_BILINEAR);
      gchar     *caption = g_strdup_printf ("%u", 1000 + self->made);

      result_panel_add (self->results, GUINT_TO_POINTER (++self->made), small, caption, NULL);
      result_panel_set_progress (self->results, 0, _("Finished"));
      gtk_widget_set_sensitive (self->generate, TRUE);
      g_free (caption);
      g_object_unref (small);
    }
  g_object_unref (pixels);
  return self->step < STEPS;
}

static void
generate (gpointer user)
{
  Demo *self = user;

  if (! gtk_widget_get_sensitive (self->generate))
    return;
  self->step = 0;
  gtk_widget_set_sensitive (self->generate, FALSE);
  result_panel_show_page (self->results, FALSE);
  g_timeout_add (60, step_cb, self);
}

static void
generate_cb (GtkButton *button,
             Demo      *self)
{
  (void) button;
  generate (self);
}

static void
chosen_cb (gpointer result,
           gpointer user)
{
  Demo        *self  = user;
  GdkRectangle place = { 200, 120, 160, 120 };
  GdkPixbuf   *pixels;

  if (! result)
    {
      region_view_set_overlay (self->region, NULL, NULL);
      return;
    }
  pixels = stripes (160, 120, 1, GPOINTER_TO_UINT (result) - 1);
  region_view_set_overlay (self->region, pixels, &place);
  g_object_unref (pixels);
}

static void
insert_cb (gpointer result,
           gpointer user)
{
  result_panel_set_inserted (((Demo *) user)->results, result, TRUE);
}

static void
insert_all_cb (gpointer user)
{
  GList *all = result_panel_list (((Demo *) user)->results);

  for (GList *result = all; result; result = result->next)
    insert_cb (result->data, user);
  g_list_free (all);
}

static void
ignore_result_cb (gpointer result,
                  gpointer user)
{
  (void) result;
  (void) user;
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
explain_cb (gpointer user)
{
  Demo *self = user;

  result_panel_show_page (self->results, ! result_panel_shows_page (self->results));
}

static gboolean
count_cb (const gchar *text,
          gint        *tokens,
          gint        *chunks,
          gpointer     user)
{
  (void) user;
  *tokens = (gint) g_utf8_strlen (text, -1) / 4;
  *chunks = *tokens / 75 + 1;
  return TRUE;
}

/* ---- the window -------------------------------------------------------------- */

static const ModelPanelHooks model_hooks = { ignore_cb, ignore_folder_cb, ignore_cb,
                                             explain_cb };

static GtkWidget *
make_models (Demo *self)
{
  static const ModelRow rows[] = {
    { "", N_("The one that fits best"), "", NULL },
    { "/m/v1-5.safetensors", "v1-5", "SD 1.x checkpoint, 512x512, F16", NULL },
    { "/m/paint.safetensors", "paint", "SD 1.x inpainting checkpoint, 512x512, F16", NULL },
    { "/m/style.safetensors", "style", "LoRA", N_("A LoRA is no checkpoint") } };
  GtkWidget *models = model_panel_new (self->settings, "model", &model_hooks, self);

  model_panel_set_rows (models, rows, G_N_ELEMENTS (rows));
  model_panel_set_note (models, "v1-5: SD 1.x checkpoint, 512x512, F16");
  return models;
}

static GtkWidget *
make_form (Demo *self)
{
  static const gchar *const sides[SIDE_COUNT]  = { "left", "right", "top", "bottom" };
  static const gchar *const labels[SIDE_COUNT] = { N_("_Left"), N_("_Right"), N_("_Top"),
                                                   N_("_Bottom") };
  static const gchar *const ids[]   = { "euler", "heun", NULL };
  static const gchar *const names[] = { "Euler", "Heun", NULL };
  const gchar *shown[SIDE_COUNT];
  GtkWidget   *form = fields_new ();

  for (gint side = 0; side < SIDE_COUNT; side++)
    shown[side] = _(labels[side]);
  sides_panel_add (form, self->settings, sides, shown, 16384);
  sides_panel_set_size (form, 640, 480);
  fields_add_slider (form, self->settings, "strength", _("St_rength"), 0, 1, 0.05, NULL);
  fields_add (form, _("_Model"), make_models (self), NULL);
  fields_add_number (form, self->settings, "steps", _("Steps"), 1, 1000, 1, 0, NULL);
  fields_beside (form);
  fields_add_number (form, self->settings, "cfg", _("Guidance"), 0, 100, 0.5, 1, NULL);
  fields_add_seed (form, self->settings, "seed", _("Seed"));
  fields_add_choice (form, self->settings, "sampler", _("Sampler"), ids, names, NULL);
  fields_add_check (form, self->settings, "check", _("Match colors"), NULL);
  return form;
}

static GtkWidget *
make_left (Demo *self)
{
  PromptPanelHooks hooks = { .count = count_cb, .activate = generate, .user = self };
  GtkWidget       *left  = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget       *prompt;

  prompt = prompt_panel_new (self->settings, "prompt", "negative-prompt", &hooks);
  gtk_container_set_border_width (GTK_CONTAINER (left), 12);
  gtk_box_pack_start (GTK_BOX (left), prompt, FALSE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (left), make_form (self), FALSE, TRUE, 0);
  self->generate = gtk_button_new_with_mnemonic (_("_Generate"));
  gtk_widget_set_halign (self->generate, GTK_ALIGN_END);
  g_signal_connect (self->generate, "clicked", G_CALLBACK (generate_cb), self);
  gtk_box_pack_end (GTK_BOX (left), self->generate, FALSE, FALSE, 0);
  return left;
}

static GtkWidget *
make_right (Demo *self)
{
  static const ResultPanelHooks hooks = { chosen_cb, insert_cb, insert_all_cb,
                                          ignore_result_cb, ignore_result_cb };
  GtkWidget   *right   = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GdkPixbuf   *picture = stripes (640, 480, 0.4, 1);
  GdkPixbuf   *mask    = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, 64, 48);
  GdkRectangle all     = { 0, 0, 640, 480 };
  GdkRectangle chosen  = { 200, 120, 160, 120 };
  GdkRectangle context = { 140, 60, 280, 240 };

  gdk_pixbuf_fill (mask, 0xe63c2880);
  self->region = region_view_new ();
  region_view_set_canvas (self->region, 768, 480);
  region_view_set_picture (self->region, picture, &all);
  region_view_set_mask (self->region, mask, &chosen);
  region_view_set_contexts (self->region, &context, 1);
  region_view_set_extended (self->region, TRUE);
  g_object_unref (mask);
  g_object_unref (picture);
  self->results = result_panel_new (&hooks, self);
  result_panel_set_page (self->results,
                         model_page_new ("/home/me/.local/share/models", &model_hooks, self));
  result_panel_set_progress (self->results, 0, _("Ready"));
  gtk_container_set_border_width (GTK_CONTAINER (right), 12);
  gtk_box_pack_start (GTK_BOX (right), self->region, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (right), self->results, FALSE, TRUE, 0);
  return right;
}

static gboolean
picture_cb (gpointer user)
{
  Demo      *self   = user;
  GdkWindow *window = gtk_widget_get_window (self->window);
  GdkPixbuf *pixels = gdk_pixbuf_get_from_window (window, 0, 0,
                                                  gdk_window_get_width (window),
                                                  gdk_window_get_height (window));

  if (pixels)
    gdk_pixbuf_save (pixels, self->picture, "png", NULL, NULL);
  g_clear_object (&pixels);
  return G_SOURCE_REMOVE;
}

static gboolean
quit_cb (gpointer user)
{
  (void) user;
  gtk_main_quit ();
  return G_SOURCE_REMOVE;
}

int
main (int    argc,
      char **argv)
{
  Demo          self    = { 0 };
  gboolean      dark    = FALSE, light = FALSE, page = FALSE;
  gint          seconds = 0;
  GError       *error   = NULL;
  GtkWidget    *columns;
  GOptionEntry  options[] = {
    { "dark", 0, 0, G_OPTION_ARG_NONE, &dark, N_("dark colors"), NULL },
    { "light", 0, 0, G_OPTION_ARG_NONE, &light, N_("light colors"), NULL },
    { "page", 0, 0, G_OPTION_ARG_NONE, &page, N_("the page of the first run"), NULL },
    { "picture", 0, 0, G_OPTION_ARG_FILENAME, &self.picture,
      N_("write what the window shows"), "FILE.png" },
    { "seconds", 0, 0, G_OPTION_ARG_INT, &seconds, N_("end after so many"), "N" },
    { NULL, 0, 0, 0, NULL, NULL, NULL } };

  if (! gtk_init_with_args (&argc, &argv, NULL, options, NULL, &error))
    {
      g_printerr ("ui_demo: %s\n", error ? error->message : "there is no display");
      return EXIT_FAILURE;
    }
  if (dark || light)
    g_object_set (gtk_settings_get_default (), "gtk-theme-name", "Adwaita",
                  "gtk-application-prefer-dark-theme", dark, NULL);
  columns       = gtk_paned_new (GTK_ORIENTATION_HORIZONTAL);
  self.settings = g_object_new (demo_settings_get_type (), NULL);
  self.window   = gtk_window_new (GTK_WINDOW_TOPLEVEL);
  gtk_window_set_title (GTK_WINDOW (self.window), "ui_demo");
  gtk_window_set_default_size (GTK_WINDOW (self.window), 1060, 690);
  gtk_paned_pack1 (GTK_PANED (columns), make_left (&self), FALSE, FALSE);
  gtk_paned_pack2 (GTK_PANED (columns), make_right (&self), TRUE, FALSE);
  gtk_container_add (GTK_CONTAINER (self.window), columns);
  g_signal_connect (self.window, "destroy", G_CALLBACK (gtk_main_quit), NULL);
  gtk_widget_show_all (self.window);
  result_panel_show_page (self.results, page);
  if (seconds > 0)
    {
      generate (&self);
      g_timeout_add_seconds ((guint) seconds, quit_cb, NULL);
    }
  if (self.picture)
    g_timeout_add (seconds > 0 ? 1800 : 500, picture_cb, &self);
  gtk_main ();
  g_object_unref (self.settings);
  g_free (self.picture);
  return EXIT_SUCCESS;
}
