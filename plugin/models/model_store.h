/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where models are kept, what they are, and which one fits.
 *
 * Folders: `models' beside the plug-in (the demo checkpoint), `gimp-diffusion/models' in
 * the XDG data folder, and those the user added (other tools' folders: nothing is
 * copied).  Files are known by content: the name says nothing.  What was learnt about a
 * file is cached by its identity (device, inode, size, times) in the XDG cache folder.
 *
 * Knows no libgimp and no GTK.  Functions without a ModelStore may be called from any
 * thread; the others from the main thread. */
#pragma once

#include "edit.h"

#include <gio/gio.h>

typedef enum
{
  MODEL_READY,         /* engine_open () would succeed */
  MODEL_INCOMPLETE,    /* a checkpoint with parts missing */
  MODEL_UNSUPPORTED,   /* well-formed, of a kind that cannot be run */
  MODEL_DAMAGED        /* not a well-formed file: info.reason says why */
} ModelState;

/* One file or diffusers folder. */
typedef struct
{
  gchar           *path;      /* bytes of a file name */
  gchar           *name;      /* for people: UTF-8, without folder and ending */
  ModelState       state;
  gboolean         is_demo;   /* one of the two that ship with the plug-in */
  EngineModelInfo  info;
} Model;

typedef struct _ModelStore ModelStore;

ModelStore *model_store_new  (const gchar *plugin_folder);
void        model_store_free (ModelStore  *store);

/* ---- folders ------------------------------------------------------------- */

/* As file names, NULL-terminated; g_strfreev ().  The first two always exist in the
 * list, whether or not they are there on disk. */
gchar     **model_store_folders       (ModelStore *store);
/* The user's own folder, where checkpoints go; is made if it is not there. */
gchar      *model_store_user_folder   (ModelStore *store);
gboolean    model_store_add_folder    (ModelStore   *store,
                                       const gchar  *folder,
                                       GError      **error);
gboolean    model_store_remove_folder (ModelStore   *store,
                                       const gchar  *folder,
                                       GError      **error);

/* ---- scan ---------------------------------------------------------------- */

/* Looks through all folders on a thread of its own and calls done () from the main
 * loop.  A second call while one runs is answered by the same scan.  The list of the
 * last scan stays until then. */
void        model_store_scan  (ModelStore *store,
                               void      (* done) (ModelStore *store, gpointer user),
                               gpointer    user);
/* Runs the main loop until a scan is finished, at most for `seconds': an unplugged
 * network drive keeps nobody waiting. */
void        model_store_wait  (ModelStore *store,
                               gdouble     seconds);
/* Of the last finished scan, sorted: ready ones first, by name.  Model pointers,
 * borrowed until the next scan ends. */
GPtrArray  *model_store_list  (ModelStore *store);

/* The one in that list whose file has this name, with or without its ending; NULL: none. */
const Model *model_store_named (ModelStore  *store,
                                const gchar *wanted);

/* ---- choice -------------------------------------------------------------- */

/* Whether a model can do this, and how well: 0 not at all (then `reason', if not NULL,
 * gets a sentence to be freed), 1 it can, 2 it is made for it. */
gint        model_fits  (const EngineModelInfo *info,
                         EditMode               mode,
                         gdouble                strength,
                         gchar                **reason);

/* The file for `wanted': a path, a file:// address, or the name of a file in the
 * folders; "" picks the best that fits the mode.  NULL with a sentence.  The path is
 * freed with g_free ().  Waits for a scan unless a path is given, and opens no file. */
gchar      *model_store_find   (ModelStore       *store,
                                const gchar      *wanted,
                                EditMode          mode,
                                gdouble           strength,
                                GError          **error);
/* The same, and looks into the file. */
gchar      *model_store_choose (ModelStore       *store,
                                const gchar      *wanted,
                                EditMode          mode,
                                gdouble           strength,
                                EngineModelInfo  *info,
                                GError          **error);

/* ---- hash ---------------------------------------------------------------- */

/* SHA-256 of the whole file as 64 hex digits, from the cache or by reading it (then
 * cached).  FALSE for folders, unreadable files, and when *cancel becomes TRUE. */
gboolean    model_store_hash   (const gchar *path,
                                gchar        sha256[65],
                                const gint  *cancel);
