/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "model_sibling.h"

#include <string.h>

gchar *
model_sibling (const gchar           *path,
               const EngineModelInfo *info,
               EditMode               mode)
{
  gchar sibling[4096];

  if (! info->runnable || model_fits (info, mode, 1.0, NULL) ||
      ! engine_sibling (sibling, sizeof sibling, path, mode == EDIT_INSTRUCT ? 8 : 4))
    return NULL;
  return g_strdup (sibling);
}

void
model_sibling_take (gchar           **path,
                    EngineModelInfo  *info,
                    EditMode          mode)
{
  EngineError      ignored = { 0 };
  EngineModelInfo  other;
  gchar           *sibling = model_sibling (*path, info, mode);

  if (sibling && engine_inspect (sibling, &other, &ignored))
    {
      *info = other;
      g_free (*path);
      *path = g_steal_pointer (&sibling);
    }
  g_free (sibling);
}

gchar *
model_sibling_known (ModelStore *store,
                     gchar      *path,
                     EditMode    mode)
{
  GPtrArray *list = model_store_list (store);

  for (guint i = 0; i < list->len; i++)
    {
      const Model *model   = list->pdata[i];
      gchar       *sibling = strcmp (model->path, path)
                               ? NULL : model_sibling (path, &model->info, mode);

      if (sibling)
        {
          g_free (path);
          return sibling;
        }
    }
  return path;
}
