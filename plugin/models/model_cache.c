/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "model_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of another layout or engine: not read. */
#define CACHE_MAGIC "gimp-diffusion models 2 engine " ENGINE_VERSION "\n"

/* Some 30 MB on disk: more than anybody has, less than hurts. */
#define RECORDS_MAX 20000

struct _ModelCache
{
  GHashTable *records;  /* of ModelRecord, by its identity */
  gboolean    changed;
};

static guint
identity_hash (gconstpointer key)
{
  const FileIdentity *identity = key;

  return (guint) (identity->inode * 2654435761u ^ identity->device ^
                  identity->modified >> 20);
}

static gboolean
identity_equal (gconstpointer a,
                gconstpointer b)
{
  return ! memcmp (a, b, sizeof (FileIdentity));
}

gboolean
file_identity_get (const gchar  *path,
                   FileIdentity *identity)
{
  struct stat info;

  if (stat (path, &info) != 0)
    return FALSE;

  identity->device   = info.st_dev;
  identity->inode    = info.st_ino;
  identity->bytes    = (guint64) info.st_size;
  identity->modified = (guint64) info.st_mtim.tv_sec * 1000000000u +
                       (guint64) info.st_mtim.tv_nsec;
  identity->changed  = (guint64) info.st_ctim.tv_sec * 1000000000u +
                       (guint64) info.st_ctim.tv_nsec;

  return TRUE;
}

static gchar *
cache_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "gimp-diffusion", "models", NULL);
}

/* The file is ours, but a disk can be full and a file half written: every string gets
 * its end, and numbers are only shown. */
static void
record_mend (ModelRecord *record)
{
  EngineModelInfo *info = &record->info;

  info->family[sizeof info->family - 1]       = '\0';
  info->vae[sizeof info->vae - 1]             = '\0';
  info->precision[sizeof info->precision - 1] = '\0';
  info->summary[sizeof info->summary - 1]     = '\0';
  info->reason[sizeof info->reason - 1]       = '\0';
  info->title[sizeof info->title - 1]         = '\0';
  record->sha256[sizeof record->sha256 - 1]   = '\0';
}

ModelCache *
model_cache_open (void)
{
  ModelCache *cache = g_new0 (ModelCache, 1);
  gchar      *path  = cache_path ();
  gchar      *data  = NULL;
  gsize       bytes = 0;
  gsize       magic = strlen (CACHE_MAGIC);

  cache->records = g_hash_table_new_full (identity_hash, identity_equal,
                                          NULL, g_free);
  if (g_file_get_contents (path, &data, &bytes, NULL)     &&
      bytes >= magic                                      &&
      ! memcmp (data, CACHE_MAGIC, magic)                 &&
      (bytes - magic) % sizeof (ModelRecord) == 0         &&
      (bytes - magic) / sizeof (ModelRecord) <= RECORDS_MAX)
    {
      gsize count = (bytes - magic) / sizeof (ModelRecord);

      for (gsize i = 0; i < count; i++)
        {
          ModelRecord *record = g_memdup2 (data + magic + i * sizeof *record,
                                           sizeof *record);

          record_mend (record);
          g_hash_table_replace (cache->records, &record->identity, record);
        }
    }
  g_free (data);
  g_free (path);

  return cache;
}

/* All or nothing, and nothing is left behind when GIMP's Cancel kills us meanwhile: the
 * new file has no name until it is complete. */
static void
replace_file (const gchar  *folder,
              const gchar  *path,
              const guint8 *data,
              gsize         bytes)
{
  gchar    *named = g_strdup_printf ("%s.%d", path, (gint) getpid ());
  gchar     self[32];
  gsize     done  = 0;
  gint      file  = open (folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

  while (file >= 0 && done < bytes)
    {
      gssize written = write (file, data + done, bytes - done);

      if (written < 0 && errno != EINTR)
        break;
      done += MAX (written, 0);
    }
  if (file >= 0 && done == bytes)
    {
      g_snprintf (self, sizeof self, "/proc/self/fd/%d", file);
      if (linkat (AT_FDCWD, self, AT_FDCWD, named, AT_SYMLINK_FOLLOW) == 0 &&
          rename (named, path) != 0)
        unlink (named);
    }
  if (file >= 0)
    close (file);
  g_free (named);
}

void
model_cache_close (ModelCache *cache)
{
  if (cache->changed)
    {
      gchar          *path   = cache_path ();
      gchar          *folder = g_path_get_dirname (path);
      GByteArray     *bytes  = g_byte_array_new ();
      GHashTableIter  iter;
      gpointer        record;
      gsize           count  = 0;

      g_byte_array_append (bytes, (const guint8 *) CACHE_MAGIC, strlen (CACHE_MAGIC));
      g_hash_table_iter_init (&iter, cache->records);
      while (count < RECORDS_MAX && g_hash_table_iter_next (&iter, NULL, &record))
        {
          g_byte_array_append (bytes, record, sizeof (ModelRecord));
          count++;
        }
      /* A cache that cannot be written costs time and nothing else. */
      if (g_mkdir_with_parents (folder, 0700) == 0)
        replace_file (folder, path, bytes->data, bytes->len);
      g_byte_array_unref (bytes);
      g_free (folder);
      g_free (path);
    }
  g_hash_table_unref (cache->records);
  g_free (cache);
}

ModelRecord *
model_cache_lookup (ModelCache         *cache,
                    const FileIdentity *identity)
{
  ModelRecord *record = g_hash_table_lookup (cache->records, identity);

  if (! record)
    {
      record           = g_new0 (ModelRecord, 1);
      record->identity = *identity;
      g_hash_table_replace (cache->records, &record->identity, record);
    }

  return record;
}

void
model_cache_touch (ModelCache *cache)
{
  cache->changed = TRUE;
}
