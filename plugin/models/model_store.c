/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "model_store.h"

#include "model_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "intl.h"

#define DEMO_NAME "gimp-diffusion-demo" /* both of its files begin so */

/* Limits of one scan: enough for every collection, and an end for every maze of links. */
#define DEPTH_MAX   8
#define ENTRIES_MAX 50000

struct _ModelStore
{
  gchar      *plugin_folder;
  GPtrArray  *models;         /* of Model; of the last finished scan */
  gboolean    scanned;

  GThread    *thread;         /* the scan that runs, or NULL */
  gboolean    closed;         /* model_store_free () was called during a scan */
  gint        cancel;         /* atomic */
  GPtrArray  *waiting;        /* of ScanWaiter */
};

typedef struct
{
  void     (* done) (ModelStore *store, gpointer user);
  gpointer    user;
} ScanWaiter;

/* What the scanning thread works on; owns nothing of the store. */
typedef struct
{
  ModelStore  *store;
  gchar      **folders;
  ModelCache  *cache;
  GHashTable  *seen;          /* "device:inode" of folders and files: loops and doubles */
  GPtrArray   *models;
  gint         entries;
} Scan;

static void
model_free (gpointer data)
{
  Model *model = data;

  g_free (model->path);
  g_free (model->name);
  g_free (model);
}

/* ---- settings ------------------------------------------------------------ */

/* Folders are stored as addresses: a key file holds UTF-8, a file name need not be. */
static gchar *
settings_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "gimp-diffusion", "settings.ini",
                           NULL);
}

static GKeyFile *
settings_load (void)
{
  GKeyFile *settings = g_key_file_new ();
  gchar    *path     = settings_path ();

  g_key_file_load_from_file (settings, path, G_KEY_FILE_KEEP_COMMENTS, NULL);
  g_free (path);

  return settings;
}

static gboolean
settings_save (GKeyFile  *settings,
               GError   **error)
{
  gchar    *path   = settings_path ();
  gchar    *folder = g_path_get_dirname (path);
  gchar    *data;
  gsize     bytes;
  gboolean  saved  = FALSE;

  data = g_key_file_to_data (settings, &bytes, NULL);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
                 _("The folder “%s” cannot be made: %s."),
                 folder, g_strerror (errno));
  else
    saved = g_file_set_contents_full (path, data, bytes,
                                      G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
  g_free (data);
  g_free (folder);
  g_free (path);

  return saved;
}

static GPtrArray *
added_folders (GKeyFile *settings)
{
  GPtrArray  *folders   = g_ptr_array_new_with_free_func (g_free);
  gchar     **addresses = g_key_file_get_string_list (settings, "models", "folders",
                                                      NULL, NULL);

  for (gint i = 0; addresses && addresses[i]; i++)
    {
      gchar *folder = g_filename_from_uri (addresses[i], NULL, NULL);

      if (folder)
        g_ptr_array_add (folders, folder);
    }
  g_strfreev (addresses);

  return folders;
}

static gboolean
store_folders (GKeyFile   *settings,
               GPtrArray  *folders,
               GError    **error)
{
  GPtrArray *addresses = g_ptr_array_new_with_free_func (g_free);
  gboolean   saved;

  for (guint i = 0; i < folders->len; i++)
    {
      gchar *address = g_filename_to_uri (folders->pdata[i], NULL, NULL);

      if (address)
        g_ptr_array_add (addresses, address);
    }
  g_key_file_set_string_list (settings, "models", "folders",
                              (const gchar * const *) addresses->pdata, addresses->len);
  saved = settings_save (settings, error);
  g_ptr_array_unref (addresses);

  return saved;
}

/* ---- folders ------------------------------------------------------------- */

gchar *
model_store_user_folder (ModelStore *store G_GNUC_UNUSED)
{
  gchar *folder = g_build_filename (g_get_user_data_dir (), "gimp-diffusion", "models",
                                    NULL);

  g_mkdir_with_parents (folder, 0755);

  return folder;
}

gchar **
model_store_folders (ModelStore *store)
{
  GKeyFile  *settings = settings_load ();
  GPtrArray *added    = added_folders (settings);
  GPtrArray *folders  = g_ptr_array_new ();

  g_ptr_array_add (folders, g_build_filename (store->plugin_folder, "models", NULL));
  g_ptr_array_add (folders, g_build_filename (g_get_user_data_dir (), "gimp-diffusion",
                                              "models", NULL));
  for (guint i = 0; i < added->len; i++)
    g_ptr_array_add (folders, g_strdup (added->pdata[i]));
  g_ptr_array_add (folders, NULL);
  g_ptr_array_unref (added);
  g_key_file_unref (settings);

  return (gchar **) g_ptr_array_free (folders, FALSE);
}

gboolean
model_store_add_folder (ModelStore   *store,
                        const gchar  *folder,
                        GError      **error)
{
  GKeyFile   *settings = settings_load ();
  GPtrArray  *added    = added_folders (settings);
  gchar     **all      = model_store_folders (store);
  gboolean    saved    = TRUE;

  if (! g_path_is_absolute (folder))
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                   _("“%s” is not the full name of a folder."), folder);
      saved = FALSE;
    }
  else if (! g_strv_contains ((const gchar * const *) all, folder))
    {
      g_ptr_array_add (added, g_strdup (folder));
      saved = store_folders (settings, added, error);
    }
  g_strfreev (all);
  g_ptr_array_unref (added);
  g_key_file_unref (settings);

  return saved;
}

gboolean
model_store_remove_folder (ModelStore   *store G_GNUC_UNUSED,
                           const gchar  *folder,
                           GError      **error)
{
  GKeyFile  *settings = settings_load ();
  GPtrArray *added    = added_folders (settings);
  gboolean   saved;

  for (guint i = added->len; i > 0; i--)
    if (! strcmp (added->pdata[i - 1], folder))
      g_ptr_array_remove_index (added, i - 1);
  saved = store_folders (settings, added, error);
  g_ptr_array_unref (added);
  g_key_file_unref (settings);

  return saved;
}

/* ---- scan (on its thread) ------------------------------------------------ */

/* FALSE if the scan was there already, by another name or through a loop of links. */
static gboolean
visit (Scan              *scan,
       const struct stat *info)
{
  gchar key[48];

  g_snprintf (key, sizeof key, "%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
              (guint64) info->st_dev, (guint64) info->st_ino);

  return g_hash_table_add (scan->seen, g_strdup (key));
}

static ModelState
state_of (const ModelRecord *record)
{
  if (! record->well_formed)
    return MODEL_DAMAGED;
  if (record->info.runnable)
    return MODEL_READY;
  if (record->info.kind == ENGINE_FILE_INCOMPLETE)
    return MODEL_INCOMPLETE;
  return MODEL_UNSUPPORTED;
}

/* Files of weights: those that are opened, and those that people have and wonder about,
 * which are listed with what to do about them. */
static gboolean
is_model_file (const gchar *name)
{
  static const gchar * const endings[] = { ".safetensors", ".ckpt", ".pt", ".pth", ".bin",
                                           ".gguf", ".onnx" };

  for (gsize i = 0; i < G_N_ELEMENTS (endings); i++)
    if (g_str_has_suffix (name, endings[i]))
      return TRUE;

  return FALSE;
}

static void
add_model (Scan        *scan,
           const gchar *path,
           gboolean     is_folder)
{
  FileIdentity  identity;
  ModelRecord   fresh = { 0 };
  ModelRecord  *record;
  Model        *model;
  gchar        *base;
  gchar        *ending;

  if (! file_identity_get (path, &identity))
    return;

  /* A folder's times say nothing about the files in it, and a file's nothing about the
   * VAE that may have come to lie beside it. */
  record = is_folder ? &fresh : model_cache_lookup (scan->cache, &identity);
  if (! record->has_info || record->info.lacks_vae || record->info.vae[0])
    {
      EngineError error = { 0 };

      memset (&record->info, 0, sizeof record->info);
      record->well_formed = engine_inspect (path, &record->info, &error);
      if (! record->well_formed)
        {
          memset (&record->info, 0, sizeof record->info);
          g_strlcpy (record->info.reason, error.message, sizeof record->info.reason);
        }
      record->has_info = TRUE;
      if (! is_folder)
        model_cache_touch (scan->cache);
    }

  model          = g_new0 (Model, 1);
  model->path    = g_strdup (path);
  base           = g_path_get_basename (path);
  model->is_demo = g_str_has_prefix (base, DEMO_NAME);
  /* A folder of the Hugging Face cache is known by its owner and name. */
  model->name    = is_folder && g_str_has_prefix (base, "models--") && record->info.title[0]
                     ? g_strdup (record->info.title) : g_filename_display_name (base);
  model->info    = record->info;
  model->state   = state_of (record);
  ending         = strrchr (model->name, '.');
  if (ending && ! is_folder)
    *ending = '\0';
  g_free (base);
  g_ptr_array_add (scan->models, model);
}

/* Whether it is a folder of the Hugging Face cache that holds a diffusers model. */
static gboolean
is_hub_model (const gchar *path,
              const gchar *name)
{
  EngineModelInfo info;
  EngineError     error     = { 0 };
  gchar          *snapshots = g_build_filename (path, "snapshots", NULL);
  gboolean        found     = g_str_has_prefix (name, "models--")               &&
                              g_file_test (snapshots, G_FILE_TEST_IS_DIR)       &&
                              engine_inspect (path, &info, &error)              &&
                              info.kind != ENGINE_FILE_UNKNOWN;

  g_free (snapshots);

  return found;
}

static void
scan_folder (Scan        *scan,
             const gchar *folder,
             gint         depth)
{
  GDir        *dir;
  const gchar *name;

  dir = depth > DEPTH_MAX ? NULL : g_dir_open (folder, 0, NULL);
  if (! dir)
    return;

  while ((name = g_dir_read_name (dir))           &&
         scan->entries++ < ENTRIES_MAX            &&
         ! g_atomic_int_get (&scan->store->cancel))
    {
      gchar       *path;
      struct stat  info;

      if (name[0] == '.')
        continue;
      path = g_build_filename (folder, name, NULL);
      if (stat (path, &info) == 0)
        {
          if (S_ISDIR (info.st_mode) && visit (scan, &info))
            {
              gchar *index = g_build_filename (path, "model_index.json", NULL);

              if (g_file_test (index, G_FILE_TEST_IS_REGULAR) || is_hub_model (path, name))
                add_model (scan, path, TRUE);
              else
                scan_folder (scan, path, depth + 1);
              g_free (index);
            }
          else if (S_ISREG (info.st_mode) && is_model_file (name) && visit (scan, &info))
            {
              add_model (scan, path, FALSE);
            }
        }
      g_free (path);
    }
  g_dir_close (dir);
}

static gint
compare_models (gconstpointer a,
                gconstpointer b)
{
  const Model *first  = *(Model * const *) a;
  const Model *second = *(Model * const *) b;
  gint         order;

  if (first->state != second->state)
    return first->state < second->state ? -1 : 1;
  order = g_utf8_collate (first->name, second->name);

  return order ? order : strcmp (first->path, second->path);
}

static void
scan_free (Scan *scan)
{
  g_strfreev (scan->folders);
  g_hash_table_unref (scan->seen);
  g_clear_pointer (&scan->models, g_ptr_array_unref);
  g_free (scan);
}

static void
store_destroy (ModelStore *store)
{
  g_ptr_array_unref (store->models);
  g_ptr_array_unref (store->waiting);
  g_free (store->plugin_folder);
  g_free (store);
}

/* On the main thread. */
static gboolean
scan_done (gpointer data)
{
  Scan       *scan    = data;
  ModelStore *store   = scan->store;
  GPtrArray  *waiting = store->waiting;

  g_thread_join (g_steal_pointer (&store->thread));
  if (store->closed)
    {
      store_destroy (store);
      scan_free (scan);
      return G_SOURCE_REMOVE;
    }

  g_ptr_array_unref (store->models);
  store->models  = g_steal_pointer (&scan->models);
  store->scanned = TRUE;
  store->waiting = g_ptr_array_new_with_free_func (g_free);
  scan_free (scan);
  for (guint i = 0; i < waiting->len; i++)
    {
      ScanWaiter *waiter = waiting->pdata[i];

      waiter->done (store, waiter->user);
    }
  g_ptr_array_unref (waiting);

  return G_SOURCE_REMOVE;
}

static gpointer
scan_thread (gpointer data)
{
  Scan *scan = data;

  scan->cache = model_cache_open ();
  for (gint i = 0; scan->folders[i]; i++)
    {
      struct stat info;

      if (stat (scan->folders[i], &info) == 0 && visit (scan, &info))
        scan_folder (scan, scan->folders[i], 0);
    }
  model_cache_close (scan->cache);
  g_ptr_array_sort (scan->models, compare_models);
  g_idle_add_full (G_PRIORITY_DEFAULT, scan_done, scan, NULL);

  return NULL;
}

/* ---- scan (on the main thread) ------------------------------------------- */

ModelStore *
model_store_new (const gchar *plugin_folder)
{
  ModelStore *store = g_new0 (ModelStore, 1);

  store->plugin_folder = g_strdup (plugin_folder);
  store->models        = g_ptr_array_new_with_free_func (model_free);
  store->waiting       = g_ptr_array_new_with_free_func (g_free);

  return store;
}

void
model_store_free (ModelStore *store)
{
  if (! store)
    return;

  /* A thread that hangs in a dead network drive ends when it can, or with the process:
   * closing a dialog does not wait for it. */
  g_atomic_int_set (&store->cancel, TRUE);
  if (store->thread)
    store->closed = TRUE;
  else
    store_destroy (store);
}

void
model_store_scan (ModelStore *store,
                  void     (* done) (ModelStore *store, gpointer user),
                  gpointer    user)
{
  if (done)
    {
      ScanWaiter *waiter = g_new (ScanWaiter, 1);

      waiter->done = done;
      waiter->user = user;
      g_ptr_array_add (store->waiting, waiter);
    }
  if (! store->thread)
    {
      Scan *scan = g_new0 (Scan, 1);

      scan->store   = store;
      scan->folders = model_store_folders (store);
      scan->seen    = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      scan->models  = g_ptr_array_new_with_free_func (model_free);
      store->thread = g_thread_new ("model scan", scan_thread, scan);
    }
}

static gboolean
time_over (gpointer data)
{
  *(gboolean *) data = TRUE;

  return G_SOURCE_REMOVE;
}

void
model_store_wait (ModelStore *store,
                  gdouble     seconds)
{
  gboolean over  = FALSE;
  guint    timer = g_timeout_add ((guint) (seconds * 1000.0), time_over, &over);

  model_store_scan (store, NULL, NULL);
  while (store->thread && ! over)
    g_main_context_iteration (NULL, TRUE);
  if (! over)
    g_source_remove (timer);
}

GPtrArray *
model_store_list (ModelStore *store)
{
  return store->models;
}

/* ---- choice -------------------------------------------------------------- */

gint
model_fits (const EngineModelInfo *info,
            EditMode               mode,
            gdouble                strength,
            gchar                **reason)
{
  gboolean instruct = mode == EDIT_INSTRUCT;
  gboolean fills    = mode == EDIT_OUTPAINT ||
                      (mode == EDIT_INPAINT && strength > 0.5);

  if (! info->runnable)
    {
      if (reason)
        *reason = g_strdup (info->reason[0] ? info->reason : info->summary);
      return 0;
    }
  if (instruct && ! info->takes_instruction)
    {
      if (reason)
        *reason = g_strdup_printf (_("This is a checkpoint with %d input channels; "
                                     "following instructions needs an InstructPix2Pix "
                                     "checkpoint, which has 8."), info->in_channels);
      return 0;
    }
  if (! instruct && info->takes_instruction)
    {
      if (reason)
        *reason = g_strdup (_("This is an InstructPix2Pix checkpoint, which can only "
                              "follow instructions."));
      return 0;
    }
  if (instruct)
    return 2;

  return info->takes_hole == fills ? 2 : 1;
}

/* Better first: made for it, then a real one before the demo, then by name. */
static const Model *
best_model (ModelStore *store,
            EditMode    mode,
            gdouble     strength)
{
  const Model *best       = NULL;
  gint         best_score = 0;

  for (guint i = 0; i < store->models->len; i++)
    {
      const Model *model = store->models->pdata[i];
      gint         fits  = model_fits (&model->info, mode, strength, NULL);
      gint         score = fits ? 2 * ! model->is_demo + fits : 0;

      if (score > best_score)
        {
          best       = model;
          best_score = score;
        }
    }

  return best;
}

const Model *
model_store_named (ModelStore  *store,
                   const gchar *wanted)
{
  for (guint i = 0; i < store->models->len; i++)
    {
      const Model *model = store->models->pdata[i];
      gchar       *base  = g_path_get_basename (model->path);
      gboolean     same  = ! strcmp (base, wanted) || ! strcmp (model->name, wanted);

      g_free (base);
      if (same)
        return model;
    }

  return NULL;
}

static void
set_missing_error (ModelStore   *store,
                   const gchar  *wanted,
                   EditMode      mode,
                   GError      **error)
{
  gchar *folder = model_store_user_folder (store);
  gchar *shown  = g_filename_display_name (folder);

  if (wanted[0])
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                 _("No model “%s” was found: give its full path, or put it into %s."),
                 wanted, shown);
  else if (mode == EDIT_INSTRUCT)
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                 _("Following instructions needs an InstructPix2Pix checkpoint (8 input "
                   "channels), and none was found: put one into %s."), shown);
  else
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                 _("No checkpoint was found: put a .safetensors file into %s."), shown);
  g_free (shown);
  g_free (folder);
}

gchar *
model_store_find (ModelStore   *store,
                  const gchar  *wanted,
                  EditMode      mode,
                  gdouble       strength,
                  GError      **error)
{
  const Model *model;
  gchar       *path;

  if (! wanted)
    wanted = "";
  if (g_str_has_prefix (wanted, "file:"))
    {
      path = g_filename_from_uri (wanted, NULL, error);
      if (! path)
        return NULL;
    }
  else if (g_path_is_absolute (wanted))
    {
      path = g_filename_from_utf8 (wanted, -1, NULL, NULL, NULL);
      if (! path)
        path = g_strdup (wanted);
    }
  else
    {
      if (! store->scanned)
        model_store_wait (store, 20.0);
      model = wanted[0] ? model_store_named (store, wanted)
                        : best_model (store, mode, strength);
      if (! model)
        {
          set_missing_error (store, wanted, mode, error);
          return NULL;
        }
      path = g_strdup (model->path);
    }

  return path;
}

gchar *
model_store_choose (ModelStore       *store,
                    const gchar      *wanted,
                    EditMode          mode,
                    gdouble           strength,
                    EngineModelInfo  *info,
                    GError          **error)
{
  gchar       *path    = model_store_find (store, wanted, mode, strength, error);
  EngineError  failure = { 0 };

  /* Looked at again: since the scan the drive may be gone or the file another one. */
  if (path && ! engine_inspect (path, info, &failure))
    {
      g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, failure.message);
      g_clear_pointer (&path, g_free);
    }

  return path;
}

/* ---- hash ---------------------------------------------------------------- */

static gboolean
hash_file (const gchar *path,
           gchar        sha256[65],
           const gint  *cancel)
{
  const gsize  size     = 1 << 20;
  GChecksum   *checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guchar      *block    = g_malloc (size);
  gint         file     = open (path, O_RDONLY | O_CLOEXEC);
  gssize       got      = -1;

  while (file >= 0 && ! (cancel && g_atomic_int_get (cancel)))
    {
      got = read (file, block, size);
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        break;
      g_checksum_update (checksum, block, got);
    }
  if (got == 0)
    g_strlcpy (sha256, g_checksum_get_string (checksum), 65);
  if (file >= 0)
    close (file);
  g_free (block);
  g_checksum_free (checksum);

  return got == 0;
}

gboolean
model_store_hash (const gchar *path,
                  gchar        sha256[65],
                  const gint  *cancel)
{
  FileIdentity  before, after;
  ModelCache   *cache;
  ModelRecord  *record;
  gboolean      known;

  sha256[0] = '\0';
  if (g_file_test (path, G_FILE_TEST_IS_DIR) || ! file_identity_get (path, &before))
    return FALSE;

  cache  = model_cache_open ();
  record = model_cache_lookup (cache, &before);
  known  = strlen (record->sha256) == 64;
  if (known)
    {
      g_strlcpy (sha256, record->sha256, 65);
    }
  else if (hash_file (path, sha256, cancel))
    {
      /* Not of a file that was written meanwhile. */
      known = file_identity_get (path, &after) &&
              ! memcmp (&before, &after, sizeof before);
      if (known)
        {
          g_strlcpy (record->sha256, sha256, sizeof record->sha256);
          model_cache_touch (cache);
        }
    }
  model_cache_close (cache);
  if (! known)
    sha256[0] = '\0';

  return known;
}
