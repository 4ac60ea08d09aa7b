/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plug-in as GIMP sees it. */
#include "config.h"

#include "procedures.h"

#include <libgimp/gimp.h>

#define DIFFUSION_TYPE_PLUG_IN (diffusion_plug_in_get_type ())
G_DECLARE_FINAL_TYPE (DiffusionPlugIn, diffusion_plug_in, DIFFUSION, PLUG_IN, GimpPlugIn)

struct _DiffusionPlugIn
{
  GimpPlugIn parent_instance;
};

G_DEFINE_FINAL_TYPE (DiffusionPlugIn, diffusion_plug_in, GIMP_TYPE_PLUG_IN)

GIMP_MAIN (DIFFUSION_TYPE_PLUG_IN)

/* `help/LANGUAGE/gimp-help.xml' beside the program names the page of each procedure. */
static GList *
query_procedures (GimpPlugIn *plug_in)
{
  GFile *program = g_file_new_for_path (gimp_get_progname ());
  GFile *folder  = g_file_get_parent (program);
  GFile *help    = g_file_get_child (folder, "help");

  gimp_plug_in_set_help_domain (plug_in, "urn:" PLUG_IN_BINARY ":help", help);
  g_object_unref (help);
  g_object_unref (folder);
  g_object_unref (program);

  return procedures_list ();
}

static GimpProcedure *
create_procedure (GimpPlugIn  *plug_in,
                  const gchar *name)
{
  return procedures_create (plug_in, name);
}

static gboolean
set_i18n (GimpPlugIn   *plug_in        G_GNUC_UNUSED,
          const gchar  *procedure_name G_GNUC_UNUSED,
          gchar       **domain,
          gchar       **catalog_folder)
{
  *domain         = g_strdup (GETTEXT_PACKAGE);
  *catalog_folder = g_strdup ("locale");

  return TRUE;
}

static void
diffusion_plug_in_class_init (DiffusionPlugInClass *klass)
{
  GimpPlugInClass *plug_in_class = GIMP_PLUG_IN_CLASS (klass);

  plug_in_class->query_procedures = query_procedures;
  plug_in_class->create_procedure = create_procedure;
  plug_in_class->set_i18n         = set_i18n;
}

static void
diffusion_plug_in_init (DiffusionPlugIn *plug_in G_GNUC_UNUSED)
{
}
