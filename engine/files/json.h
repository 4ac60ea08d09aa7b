/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small JSON files (config.json, a shard index) as a tree: cJSON with its holes closed.
 *
 * The text is first checked by json_reader.h (UTF-8, grammar, depth, nothing after the value, no
 * U+0000); then no object may hold a name twice, and a whole number is only given out when a double
 * holds it exactly. */
#pragma once

#include "../base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct Json Json;

enum { JSON_FILE_LIMIT = 32 << 20 };

/* path is for sentences. The caller frees the tree with json_free(). */
Json *json_parse(const char *path, const char *text, size_t size, EngineError *error);
/* A regular file of at most JSON_FILE_LIMIT bytes. */
Json *json_read(const char *path, EngineError *error);
void  json_free(Json *json); /* NULL is fine */

/* All of these take NULL for "not there" and answer NULL, 0 or false. */
const Json *json_member(const Json *object, const char *name); /* names are case-sensitive */
const Json *json_first(const Json *container);
const Json *json_next(const Json *item);
const char *json_name(const Json *item);   /* of a member */
const char *json_string(const Json *item); /* NULL: no string */
bool        json_is_object(const Json *item);
bool        json_is_array(const Json *item);
bool        json_is_null(const Json *item); /* also when it is not there */
bool        json_integer(const Json *item, int64_t *value); /* below 2^53 either way */
bool        json_number(const Json *item, double *value);
bool        json_bool(const Json *item, bool *value);
