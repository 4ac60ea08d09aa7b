/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One model, a file for each task: which of them a task takes. */
#pragma once

#include "model_store.h"

/* The file beside this model that can do what it cannot: model-instruct.safetensors follows
 * instructions for model.safetensors.  g_free (); NULL: it needs none, or there is none. */
gchar *model_sibling       (const gchar           *path,
                            const EngineModelInfo *info,
                            EditMode               mode);

/* Puts that file in the place of *path and what it is into *info; where there is none, they stay. */
void   model_sibling_take  (gchar                **path,
                            EngineModelInfo       *info,
                            EditMode               mode);

/* The path itself, or its sibling where the last scan knows that it cannot do this: no drive is
 * waited for that the scan did not reach.  Takes the path; g_free (). */
gchar *model_sibling_known (ModelStore            *store,
                            gchar                 *path,
                            EditMode               mode);
