/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known about model files, by their identity: kept in the XDG cache folder, so
 * that a folder of thousands is looked through once and a checkpoint hashed once.
 *
 * A missing, damaged or foreign cache file is an empty cache; two processes that write
 * at once lose at most what one of them learnt.  A ModelCache belongs to one thread. */
#pragma once

#include "engine.h"

#include <gio/gio.h>

typedef struct
{
  guint64 device, inode, bytes, modified, changed; /* times in ns */
} FileIdentity;

typedef struct
{
  FileIdentity    identity;
  gboolean        has_info;
  gboolean        well_formed; /* else info.reason says what is wrong */
  EngineModelInfo info;
  gchar           sha256[65];  /* or "" */
} ModelRecord;

typedef struct _ModelCache ModelCache;

/* FALSE: no such file. */
gboolean     file_identity_get  (const gchar         *path,
                                 FileIdentity        *identity);

ModelCache  *model_cache_open   (void);
/* Writes it back if it changed. */
void         model_cache_close  (ModelCache          *cache);
/* Borrowed until the cache is closed; an empty record when nothing is known. */
ModelRecord *model_cache_lookup (ModelCache          *cache,
                                 const FileIdentity  *identity);
/* After writing into a record. */
void         model_cache_touch  (ModelCache          *cache);
