/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "failure.h"

G_DEFINE_QUARK (gimp-diffusion-failure, failure)

void
failure_to_error (const EngineError  *failure,
                  GError            **error)
{
  g_set_error_literal (error, FAILURE, failure->status, failure->message);
}

GimpValueArray *
failure_values (GimpProcedure *procedure,
                GError        *error)
{
  GimpPDBStatusType status = GIMP_PDB_EXECUTION_ERROR;

  if (g_error_matches (error, FAILURE, ENGINE_CANCELLED))
    {
      g_error_free (error);
      return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
    }
  /* What the caller asked for or gave us cannot be done. */
  if (g_error_matches (error, FAILURE, ENGINE_BAD_REQUEST) ||
      error->domain == GIMP_PLUG_IN_ERROR                       ||
      error->domain == G_FILE_ERROR)
    status = GIMP_PDB_CALLING_ERROR;

  return gimp_procedure_new_return_values (procedure, status, error);
}
