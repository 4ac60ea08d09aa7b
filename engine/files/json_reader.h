/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads JSON piece by piece, for headers of up to 100 MB with millions of names: no tree, no recursion,
 * linear time, exact length, no terminating NUL needed.
 *
 * Strings are unescaped where they stand, so the text is written to.  Accepts and refuses what
 * serde_json does: strict UTF-8 (checked once, in json_reader_begin()), depth below 128, no number
 * beyond a double's range. */
#pragma once

#include "../base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char    *path; /* for sentences; borrowed */
    unsigned char *text;
    size_t         size, at;
    int            depth;   /* containers that are open */
    bool           has_nul; /* some string had a \u0000 */
    EngineError   *error;
} JsonReader;

/* Checks that text is UTF-8 as a whole. */
bool json_reader_begin(JsonReader *reader, const char *path, void *text, size_t size,
                       EngineError *error);
/* Nothing but white space may follow. */
bool json_reader_end(JsonReader *reader);

/* The first character of the next value or mark, after white space; 0 at the end. */
int json_reader_peek(JsonReader *reader);

/* Walks an object or array.
 *
 *   if (!json_reader_open(reader, '{')) …
 *   for (bool first = true; json_reader_more(reader, '}', first); first = false)
 *       json_reader_key(…), a value
 *   if (reader->error->status) …
 *
 * `more` eats the comma or the closing bracket; false at the end of the container and on error. */
bool json_reader_open(JsonReader *reader, char bracket);
bool json_reader_more(JsonReader *reader, char closing, bool first);

/* A string; *value points into the text, has *length bytes and ends in a NUL. */
bool json_reader_string(JsonReader *reader, char **value, size_t *length);
/* The same and the colon after it. */
bool json_reader_key(JsonReader *reader, char **value, size_t *length);

typedef enum { JSON_NOT_WHOLE, JSON_TOO_LARGE, JSON_WHOLE } JsonWhole;

/* A number: tells whether it is a whole one written with digits only that fits 64 bits. */
bool json_reader_number(JsonReader *reader, JsonWhole *whole, uint64_t *value);

/* Any value, checked and passed over. */
bool json_reader_skip(JsonReader *reader);

/* Fails with "path: the header is no JSON at byte N: why". */
bool json_reader_fail(JsonReader *reader, const char *why);

/* A set of names, safe against names chosen to collide (SipHash with a random key).
 * The names stay the caller's: numbers stand for them. */
typedef struct {
    uint64_t  key[2];
    uint64_t *slots; /* upper half of the hash, number + 1; 0: free */
    size_t    size;  /* slots, a power of two */
    size_t    count;
} NameSet;

/* name_of(user, number) gives the name of a number. */
typedef const char *(*NameOf)(const void *user, size_t number);

enum { NAME_NONE = -1, NAME_NO_MEMORY = -2 };

/* Number of the name, or NAME_NONE. */
int64_t name_set_find(const NameSet *set, const char *name, NameOf name_of, const void *user);
/* Adds number under name: NAME_NONE if it was new, else the number that has this name already. */
int64_t name_set_add(NameSet *set, const char *name, size_t number, NameOf name_of,
                     const void *user);
void    name_set_clear(NameSet *set);
