/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A regular file as read-only memory.
 *
 * Local files are mapped: pages come and go with the system's cache and several programs share
 * them.  Where mapping fails, and on network file systems (page by page they are 30 times slower than
 * in large blocks), the file is read into memory instead. */
#pragma once

#include "../base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct FileMap FileMap;

typedef enum {
    MAP_AUTO, /* map, or copy as above */
    MAP_COPY, /* always read into memory */
} MapMode;

/* Opens without blocking and without reading; NULL with a sentence for what is no regular file.
 * The caller closes with map_close(). */
FileMap *map_open(const char *path, EngineError *error);
void     map_close(FileMap *map); /* NULL is fine */

const char *map_path(const FileMap *map);
uint64_t    map_bytes(const FileMap *map); /* when it was opened */

/* Copies bytes [from, from + bytes) to out; retries short and interrupted reads. */
bool map_read(const FileMap *map, void *out, uint64_t from, size_t bytes, EngineError *error);

/* The whole file as memory, valid until map_close(); NULL with a sentence on failure.
 * The second call gives the same. */
const unsigned char *map_data(FileMap *map, MapMode mode, EngineError *error);
bool                 map_is_copy(const FileMap *map);

/* Has this file's content changed since it was opened: written to, cut, or damaged under a guard?
 * A file that was renamed over or deleted keeps its content for us and has not changed. */
bool map_changed(const FileMap *map);

/* Is path not this file any more (renamed over or deleted)? */
bool map_replaced(const FileMap *map);

/* Between begin and end (they nest, from any thread), reading a page of a map that is not there any
 * more (the file was cut, a disk fails) gives zeros and makes map_changed() true, instead of
 * SIGBUS.  The handler touches maps of this file only and hands all else to the one before it.
 * After the work ask map_changed(): what was computed may be wrong. */
void map_guard_begin(void);
void map_guard_end(void);
