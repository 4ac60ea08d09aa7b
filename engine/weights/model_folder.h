/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files of a diffusers folder hold a part's tensors: one file, or shards that an index lists. */
#pragma once

#include "../base/error.h"
#include "../files/json.h"
#include "../files/safetensors.h"

#include <stdbool.h>
#include <stddef.h>

enum { FOLDER_MAX_FILES = 512 };

typedef struct {
    Safetensors **files; /* owned by whoever holds the list */
    size_t        count;
} FileList;

bool path_is_folder(const char *path);
/* "folder/name", freed by the caller; NULL without memory. */
char *path_join(const char *folder, const char *name);

/* The model that a path stands for: the folder of a model_index.json, or the snapshot in use of a folder
 * of the Hugging Face cache (models--owner--name); else the path itself.  Freed by the caller; NULL
 * without memory. */
char *folder_of_model(const char *path);
/* "owner/name" where the path leads through such a cache folder; else "". */
void folder_hub_name(const char *path, char *out, size_t size);

/* Opens the files of the folder (its config.json stands beside them) and adds them to the list.
 * The index's every tensor must be in the file that it names, and no file may lie elsewhere. */
bool folder_open(FileList *list, const char *folder, bool headers_only, EngineError *error);

/* Reads folder/name where it exists: NULL and true when it does not. */
bool folder_json(Json **json, const char *folder, const char *name, EngineError *error);

bool file_list_add(FileList *list, Safetensors *file, EngineError *error);
void file_list_clear(FileList *list);
