/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "settings.h"

typedef struct
{
  GObject  parent;
  gchar   *texts[4];  /* prompt, negative-prompt, model, sampler */
  gdouble  seed, strength;
  gint     steps;
  gboolean check;
  gint     sides[4];
} Settings;

typedef struct
{
  GObjectClass parent;
} SettingsClass;

static GType settings_get_type (void);
G_DEFINE_TYPE (Settings, settings, G_TYPE_OBJECT)

static void
set_cb (GObject      *object,
        guint         id,
        const GValue *value,
        GParamSpec   *spec)
{
  Settings *self = (Settings *) object;

  (void) spec;
  if (id <= 4)
    {
      g_free (self->texts[id - 1]);
      self->texts[id - 1] = g_value_dup_string (value);
    }
  else if (id == 5)
    self->seed = g_value_get_double (value);
  else if (id == 6)
    self->strength = g_value_get_double (value);
  else if (id == 7)
    self->steps = g_value_get_int (value);
  else if (id == 8)
    self->check = g_value_get_boolean (value);
  else
    self->sides[id - 9] = g_value_get_int (value);
}

static void
get_cb (GObject    *object,
        guint       id,
        GValue     *value,
        GParamSpec *spec)
{
  Settings *self = (Settings *) object;

  (void) spec;
  if (id <= 4)
    g_value_set_string (value, self->texts[id - 1]);
  else if (id <= 6)
    g_value_set_double (value, id == 5 ? self->seed : self->strength);
  else if (id == 7)
    g_value_set_int (value, self->steps);
  else if (id == 8)
    g_value_set_boolean (value, self->check);
  else
    g_value_set_int (value, self->sides[id - 9]);
}

static void
finalize_cb (GObject *object)
{
  for (gint i = 0; i < 4; i++)
    g_free (((Settings *) object)->texts[i]);
  G_OBJECT_CLASS (settings_parent_class)->finalize (object);
}

static void
settings_class_init (SettingsClass *class)
{
  static const gchar *const texts[] = { "prompt", "negative-prompt", "model", "sampler" };
  static const gchar *const sides[] = { "left", "right", "top", "bottom" };
  GObjectClass             *object  = G_OBJECT_CLASS (class);

  object->set_property = set_cb;
  object->get_property = get_cb;
  object->finalize     = finalize_cb;
  for (guint i = 0; i < 4; i++)
    g_object_class_install_property (object, i + 1,
      g_param_spec_string (texts[i], NULL, NULL, "", G_PARAM_READWRITE));
  g_object_class_install_property (object, 5,
    g_param_spec_double ("seed", NULL, NULL, -1, 1e15, -1, G_PARAM_READWRITE));
  g_object_class_install_property (object, 6,
    g_param_spec_double ("strength", NULL, NULL, 0, 1, 0, G_PARAM_READWRITE));
  g_object_class_install_property (object, 7,
    g_param_spec_int ("steps", NULL, NULL, 1, 1000, 20, G_PARAM_READWRITE));
  g_object_class_install_property (object, 8,
    g_param_spec_boolean ("check", NULL, NULL, FALSE, G_PARAM_READWRITE));
  for (guint i = 0; i < 4; i++)
    g_object_class_install_property (object, i + 9,
      g_param_spec_int (sides[i], NULL, NULL, 0, 16384, 0, G_PARAM_READWRITE));
}

static void
settings_init (Settings *self)
{
  for (gint i = 0; i < 4; i++)
    self->texts[i] = g_strdup ("");
  self->seed  = -1;
  self->steps = 20;
}

GObject *
settings_new (const gchar *property,
              const gchar *text)
{
  return g_object_new (settings_get_type (), property, text, NULL);
}

/* ---- help ------------------------------------------------------------------ */

void
settings_wait (void)
{
  while (gtk_events_pending ())
    gtk_main_iteration ();
}

static gboolean
stop_cb (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

void
settings_wait_long (void)
{
  GMainLoop *loop = g_main_loop_new (NULL, FALSE);

  g_timeout_add (100, stop_cb, loop);
  g_main_loop_run (loop);
  g_main_loop_unref (loop);
  settings_wait ();
}

GtkWidget *
settings_show (GtkWidget *panel)
{
  GtkWidget *window = gtk_window_new (GTK_WINDOW_TOPLEVEL);

  gtk_container_add (GTK_CONTAINER (window), panel);
  gtk_widget_show_all (window);
  settings_wait ();
  return window;
}

typedef struct
{
  GType      type;
  GtkWidget *found;
  gint       skip;
} Search;

static void
search_cb (GtkWidget *widget,
           gpointer   data)
{
  Search *search = data;

  if (! search->found && G_TYPE_CHECK_INSTANCE_TYPE (widget, search->type) &&
      search->skip-- == 0)
    search->found = widget;
  if (! search->found && GTK_IS_CONTAINER (widget))
    gtk_container_forall (GTK_CONTAINER (widget), search_cb, search);
}

GtkWidget *
settings_nth (GtkWidget *panel,
              GType      type,
              gint       n)
{
  Search search = { type, NULL, n };

  search_cb (panel, &search);
  return search.found;
}

gchar *
settings_string (GObject     *settings,
                 const gchar *property)
{
  gchar *text;

  g_object_get (settings, property, &text, NULL);
  return text;
}
