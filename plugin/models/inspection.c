/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "inspection.h"

#include <stdlib.h>

struct _Inspection
{
  gchar           *path;
  InspectionDone   done;       /* NULL: forgotten; the main thread's */
  gpointer         user;
  GThread         *thread;

  /* What the thread has found. */
  gboolean         good;
  EngineModelInfo  info;
  EngineError      error;
};

void
inspection_wait (void)
{
  const gchar *file         = g_getenv ("GIMP_DIFFUSION_SLOW_FILES");
  gchar       *milliseconds = NULL;

  if (file && g_file_get_contents (file, &milliseconds, NULL, NULL))
    g_usleep ((gulong) (gint) strtol (milliseconds, NULL, 10) * 1000);
  g_free (milliseconds);
}

static gboolean
inspected (gpointer data)
{
  Inspection *inspection = data;

  g_thread_join (inspection->thread);
  if (inspection->done)
    inspection->done (inspection->good ? &inspection->info : NULL,
                      inspection->good ? NULL : &inspection->error, inspection->user);
  g_free (inspection->path);
  g_free (inspection);

  return G_SOURCE_REMOVE;
}

static gpointer
inspect (gpointer data)
{
  Inspection *inspection = data;

  inspection_wait ();
  inspection->good = engine_inspect (inspection->path, &inspection->info,
                                     &inspection->error);
  g_idle_add_full (G_PRIORITY_DEFAULT, inspected, inspection, NULL);

  return NULL;
}

Inspection *
inspection_start (const gchar    *path,
                  InspectionDone  done,
                  gpointer        user)
{
  Inspection *inspection = g_new0 (Inspection, 1);

  inspection->path   = g_strdup (path);
  inspection->done   = done;
  inspection->user   = user;
  inspection->thread = g_thread_new ("inspection", inspect, inspection);

  return inspection;
}

void
inspection_forget (Inspection *inspection)
{
  if (inspection)
    inspection->done = NULL;
}
