/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reader of .safetensors files: the header is checked whole before anything is used, the data stays
 * mapped read-only.  As strict as the format's own library (safetensors 0.8, tensor.rs), and
 * stricter where names repeat or hold U+0000. */
#pragma once

#include "../base/error.h"
#include "../compute/tensor.h"

#include <stddef.h>
#include <stdint.h>

typedef struct Safetensors Safetensors;

/* Dimensions that are kept of a tensor.  More are checked and counted: a header of 20 MB can have ten
 * million, and no tensor that means anything has. */
enum { SAFETENSORS_MAX_RANK = 32 };

typedef struct {
    const char     *name;  /* UTF-8, ends in NUL; owned by the Safetensors */
    TensorType      type;
    int             rank;
    const uint64_t *shape; /* [rank], each below 2^48; of more than SAFETENSORS_MAX_RANK the first ones only */
    uint64_t        begin, end; /* bytes from the start of the data */
    const void     *data;  /* in the map, any alignment; (end - begin) bytes */
} SafetensorsEntry;

/* NULL with a sentence when the file cannot be read or breaks a rule. */
Safetensors *safetensors_open(const char *path, EngineError *error);
/* The same without the data: reads the header and nothing else; every entry's data is NULL. */
Safetensors *safetensors_open_header(const char *path, EngineError *error);
/* The same from bytes in memory, borrowed until safetensors_close(); name is for sentences. */
Safetensors *safetensors_from_memory(const char *name, const void *bytes, size_t size,
                                     EngineError *error);
void         safetensors_close(Safetensors *file); /* NULL is fine */

const char             *safetensors_path(const Safetensors *file);
uint64_t                safetensors_file_bytes(const Safetensors *file);
size_t                  safetensors_count(const Safetensors *file);
const SafetensorsEntry *safetensors_at(const Safetensors *file, size_t index); /* file's data order */
const SafetensorsEntry *safetensors_find(const Safetensors *file, const char *name);

/* The first `bytes` of an entry's data (at most end - begin), also where only the header was opened. */
bool safetensors_read(const Safetensors *file, const SafetensorsEntry *entry, void *out, size_t bytes,
                      EngineError *error);

/* Metadata: NULL when the key is not there. */
const char *safetensors_metadata(const Safetensors *file, const char *key);
size_t      safetensors_metadata_count(const Safetensors *file);
void        safetensors_metadata_at(const Safetensors *file, size_t index, const char **key,
                                    const char **value);

/* True when the content is not any more what was opened (written to, cut, or damaged, see map.h). A
 * file that was renamed over or deleted keeps its content for us: safetensors_replaced(). */
bool safetensors_changed(const Safetensors *file);
bool safetensors_replaced(const Safetensors *file);

/* How many bytes at the file's end are zero, counting up to 4 MiB: a download that was cut after its
 * place was reserved ends so.  Reads the file's end. */
uint64_t safetensors_zero_tail(const Safetensors *file);

/* Writes a file of F32 and I64 tensors, atomically (temporary file, fsync, rename). */
typedef struct {
    const char  *name;
    int          rank;
    uint64_t     shape[TENSOR_MAX_RANK + 4];
    TensorType   type; /* F32 or I64 */
    const void  *data;
} SafetensorsItem;
bool safetensors_write(const char *path, const SafetensorsItem *items, size_t count,
                       EngineError *error);
