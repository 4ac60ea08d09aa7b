/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files for the tests of files/ and model/: safetensors built by hand, temporary folders. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char *bytes; /* exactly `size` on the heap, so that ASan sees one byte too far */
    size_t         size;
} Bytes;

/* Length, header, data_bytes of data (counting up from 1). header_size < 0: strlen(header). */
Bytes bytes_of_file(const char *header, long header_size, size_t data_bytes);
Bytes bytes_copy(const void *from, size_t size);
void  bytes_free(Bytes *bytes);

/* A folder of its own for this test program; removed with all in it by files_help_end(). */
const char *temporary_folder(void);
/* "<temporary folder>/name"; one of four buffers that take turns. */
const char *temporary_path(const char *name);
void        files_help_end(void);

void write_bytes(const char *path, const void *bytes, size_t size);

/* A growing safetensors file of zeros: add tensors, then write. */
typedef struct {
    char  *header;
    size_t length, room;
    size_t data_bytes;
    bool   has_tensor;
} FileBuilder;

void builder_metadata(FileBuilder *builder, const char *key, const char *value); /* first of all */
/* Dimensions that are 0 do not count. type with `bytes` a number. */
void builder_add(FileBuilder *builder, const char *name, const char *type, int bytes, int d0, int d1,
                 int d2, int d3);
/* Writes the file (the data is a hole of zeros but for the last byte) and clears the builder. */
void builder_write(FileBuilder *builder, const char *path);

/* One tensor on its way into another file: all may be changed, and data may grow by REWRITTEN_ROOM bytes in a
 * file. */
enum { REWRITTEN_ROOM = 8 << 20 };
typedef struct {
    char           name[256];
    int            rank;
    uint64_t       shape[8];
    int            type; /* TensorType */
    unsigned char *data;
    size_t         bytes;
} RewrittenTensor;

/* Writes the tensors and the metadata of the file `from` to `to`; those that change() says false of are left
 * away.  change may be NULL.  extra: a further tensor of 16 zeros, or NULL. */
void file_rewrite(const char *to, const char *from, bool (*change)(RewrittenTensor *tensor),
                  const char *extra);
