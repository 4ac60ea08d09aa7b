/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "safetensors.h"

#include "content.h"
#include "json_reader.h"
#include "map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The format's own limits: safetensors 0.8, tensor.rs and the JSON schema. */
static const uint64_t header_limit = 100000000;
static const uint64_t size_limit = (UINT64_C(1) << 48) - 1;

typedef struct {
    const char *key, *value;
} Pair;

struct Safetensors {
    char                *path;
    FileMap             *map;    /* NULL: from memory */
    const unsigned char *memory; /* borrowed; NULL: from a file */
    uint64_t             file_bytes;
    unsigned char       *header; /* names and metadata point into it */
    size_t               header_bytes;
    SafetensorsEntry    *entries;
    size_t               count, room;
    uint64_t            *shapes; /* of all entries, one after another: kept_count() each */
    size_t               shape_count, shape_room;
    Pair                *pairs;
    size_t               pair_count, pair_room;
    NameSet              names, keys;
};

/* How much of a name a sentence shows. */
#define NAME "'%.160s'"

static bool no_memory(const Safetensors *file, EngineError *error)
{
    return fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to read its header of %zu bytes",
                file->path, file->header_bytes);
}

/* Makes room for one more in an array. */
static bool grow(void *array, size_t *room, size_t count, size_t item_bytes)
{
    void **items = array;
    if (count < *room)
        return true;
    size_t more = *room ? *room + *room / 2 : 64;
    void  *moved = more > SIZE_MAX / item_bytes ? NULL : realloc(*items, more * item_bytes);
    if (!moved)
        return false;
    *items = moved;
    *room = more;
    return true;
}

static const char *entry_name(const void *user, size_t number)
{
    return ((const Safetensors *)user)->entries[number].name;
}

static const char *pair_key(const void *user, size_t number)
{
    return ((const Safetensors *)user)->pairs[number].key;
}

/* ---- framing ------------------------------------------------------------------------------- */

static bool read_bytes(const Safetensors *file, void *out, uint64_t from, size_t bytes,
                       EngineError *error)
{
    if (file->map)
        return map_read(file->map, out, from, bytes, error);
    memcpy(out, file->memory + from, bytes);
    return true;
}

/* Fails, saying what the file is instead where its first bytes tell. */
static bool refuse_framing(const Safetensors *file, const unsigned char *head, size_t head_bytes,
                           uint64_t header_bytes, EngineError *error)
{
    const char *other = content_name(head, head_bytes);
    const char *path = file->path;
    unsigned long long have = file->file_bytes;
    char line[CONTENT_LINE];
    if (other)
        return fail(error, ENGINE_BAD_FILE, "%s: is no safetensors file but %s", path, other);
    if (content_first_line(line, head, head_bytes))
        return fail(error, ENGINE_BAD_FILE,
                    "%s: is a text and no model, so the download has failed: \"%s\"", path, line);
    if (have < 8)
        return fail(error, ENGINE_BAD_FILE,
                    "%s: has %llu bytes, and the smallest safetensors file has 10: the download did "
                    "not get far",
                    path, have);
    if (header_bytes > header_limit)
        return fail(error, ENGINE_BAD_FILE,
                    "%s: is no safetensors file, or its header is damaged: it claims %llu bytes of "
                    "header and the format allows %llu (training tools that write too much metadata "
                    "have an option like --no_metadata)",
                    path, (unsigned long long)header_bytes, (unsigned long long)header_limit);
    return fail(error, ENGINE_BAD_FILE,
                "%s: ends at byte %llu within its header, which needs %llu: the download is incomplete "
                "or still running",
                path, have, (unsigned long long)header_bytes + 8);
}

static bool read_header(Safetensors *file, EngineError *error)
{
    unsigned char head[512] = { 0 };
    size_t head_bytes = file->file_bytes < sizeof head ? (size_t)file->file_bytes : sizeof head;
    if (!read_bytes(file, head, 0, head_bytes, error))
        return false;
    uint64_t header_bytes = 0;
    for (int i = 7; i >= 0; i--)
        header_bytes = header_bytes << 8 | head[i];
    if (file->file_bytes < 8 || header_bytes > header_limit || header_bytes > file->file_bytes - 8)
        return refuse_framing(file, head, head_bytes, header_bytes, error);
    if (header_bytes == 0) {
        bool zeros = true;
        for (size_t i = 0; i < head_bytes; i++)
            zeros &= head[i] == 0;
        return fail(error, ENGINE_BAD_FILE, "%s: %s", file->path,
                    zeros ? "begins with zeros: its place was reserved, but it was never downloaded"
                          : "has an empty header, which is no valid JSON");
    }
    file->header_bytes = (size_t)header_bytes;
    file->header = malloc(file->header_bytes);
    if (!file->header)
        return no_memory(file, error);
    if (!read_bytes(file, file->header, 8, file->header_bytes, error))
        return false;
    size_t first = 0;
    while (first < file->header_bytes && strchr(" \t\r\n", file->header[first]) &&
           file->header[first])
        first++;
    const char *other = content_name(head, head_bytes);
    if (other && (first == file->header_bytes || file->header[first] != '{'))
        return fail(error, ENGINE_BAD_FILE, "%s: is no safetensors file but %s", file->path, other);
    return true;
}

/* ---- header -------------------------------------------------------------------------------- */

static bool read_metadata(Safetensors *file, JsonReader *reader)
{
    EngineError *error = reader->error;
    if (json_reader_peek(reader) == 'n')
        return json_reader_skip(reader);
    if (json_reader_peek(reader) != '{')
        return fail(error, ENGINE_BAD_FILE,
                    "%s: '__metadata__' must be an object of texts, and is something else", file->path);
    json_reader_open(reader, '{');
    for (bool first = true; json_reader_more(reader, '}', first); first = false) {
        char  *key, *value;
        size_t length;
        reader->has_nul = false;
        if (!json_reader_key(reader, &key, &length))
            return false;
        if (json_reader_peek(reader) != '"')
            return fail(error, ENGINE_BAD_FILE, "%s: metadata " NAME " is not a text", file->path, key);
        if (!json_reader_string(reader, &value, &length))
            return false;
        if (reader->has_nul)
            return fail(error, ENGINE_BAD_FILE, "%s: metadata " NAME " holds the character U+0000",
                        file->path, key);
        if (!grow(&file->pairs, &file->pair_room, file->pair_count, sizeof *file->pairs))
            return no_memory(file, error);
        file->pairs[file->pair_count] = (Pair){ key, value };
        int64_t twin = name_set_add(&file->keys, key, file->pair_count, pair_key, file);
        if (twin == NAME_NO_MEMORY)
            return no_memory(file, error);
        if (twin != NAME_NONE)
            return fail(error, ENGINE_BAD_FILE, "%s: metadata " NAME " is there twice", file->path, key);
        file->pair_count++;
    }
    return error->status == ENGINE_OK;
}

/* A whole number below 2^64, or a sentence. */
static bool read_size(JsonReader *reader, const char *name, const char *field, uint64_t *value)
{
    int       next = json_reader_peek(reader);
    JsonWhole whole = JSON_NOT_WHOLE;
    bool      numeric = next == '-' || (next >= '0' && next <= '9');
    if (numeric && !json_reader_number(reader, &whole, value))
        return false;
    if (numeric && whole == JSON_WHOLE)
        return true;
    return fail(reader->error, ENGINE_BAD_FILE, "%s: tensor " NAME ": %s holds %s", reader->path, name,
                field, whole == JSON_TOO_LARGE ? "a number of 2^64 or more" : "what is no whole number");
}

/* What stands in `shapes` for a tensor: its dimensions, or the first ones and the Product of all. */
static size_t kept_count(int rank)
{
    return rank <= SAFETENSORS_MAX_RANK ? (size_t)rank : SAFETENSORS_MAX_RANK + 2;
}

static bool keep_size(Safetensors *file, uint64_t size)
{
    if (!grow(&file->shapes, &file->shape_room, file->shape_count, sizeof *file->shapes))
        return false;
    file->shapes[file->shape_count++] = size;
    return true;
}

/* Of the dimensions so far: the product, and the largest that it was on the way, which tells whether 64 bits
 * were enough also where a 0 comes last. */
typedef struct {
    uint64_t most, now; /* UINT64_MAX: too large */
} Product;

static void multiply(Product *product, uint64_t size)
{
    if (__builtin_mul_overflow(product->now, size, &product->now))
        product->now = product->most = UINT64_MAX;
    if (product->now > product->most)
        product->most = product->now;
}

static bool read_shape(Safetensors *file, JsonReader *reader, SafetensorsEntry *entry)
{
    if (json_reader_peek(reader) != '[')
        return fail(reader->error, ENGINE_BAD_FILE, "%s: tensor " NAME ": 'shape' is no list",
                    file->path, entry->name);
    Product product = { 1, 1 };
    json_reader_open(reader, '[');
    for (bool first = true; json_reader_more(reader, ']', first); first = false) {
        uint64_t size;
        if (!read_size(reader, entry->name, "'shape'", &size))
            return false;
        if (size > size_limit)
            return fail(reader->error, ENGINE_BAD_FILE,
                        "%s: tensor " NAME " has a dimension of %llu; the limit is 2^48 - 1",
                        file->path, entry->name, (unsigned long long)size);
        multiply(&product, size);
        if (entry->rank++ < SAFETENSORS_MAX_RANK && !keep_size(file, size))
            return no_memory(file, reader->error);
    }
    if (entry->rank > SAFETENSORS_MAX_RANK &&
        !(keep_size(file, product.most) && keep_size(file, product.now)))
        return no_memory(file, reader->error);
    return reader->error->status == ENGINE_OK;
}

static bool read_offsets(JsonReader *reader, SafetensorsEntry *entry)
{
    uint64_t offsets[2];
    int      count = 0;
    if (json_reader_peek(reader) == '[') {
        json_reader_open(reader, '[');
        for (bool first = true; json_reader_more(reader, ']', first); first = false, count++) {
            uint64_t extra;
            if (!read_size(reader, entry->name, "'data_offsets'", count < 2 ? &offsets[count] : &extra))
                return false;
        }
        if (reader->error->status)
            return false;
    }
    if (count != 2)
        return fail(reader->error, ENGINE_BAD_FILE,
                    "%s: tensor " NAME ": 'data_offsets' is not a list of two numbers", reader->path,
                    entry->name);
    entry->begin = offsets[0];
    entry->end = offsets[1];
    return true;
}

static bool read_type(JsonReader *reader, SafetensorsEntry *entry)
{
    char  *word;
    size_t length;
    if (json_reader_peek(reader) != '"')
        return fail(reader->error, ENGINE_BAD_FILE, "%s: tensor " NAME ": 'dtype' is not a text",
                    reader->path, entry->name);
    if (!json_reader_string(reader, &word, &length))
        return false;
    for (int type = 0; type < TYPE_COUNT; type++)
        if (strlen(word) == length && strcmp(word, tensor_type_name((TensorType)type)) == 0) {
            entry->type = (TensorType)type;
            return true;
        }
    return fail(reader->error, ENGINE_BAD_FILE,
                "%s: tensor " NAME " has the unknown number format '%.32s'", reader->path, entry->name,
                word);
}

static bool read_entry(Safetensors *file, JsonReader *reader, SafetensorsEntry *entry)
{
    static const char *const fields[] = { "dtype", "shape", "data_offsets" };
    bool                     seen[3] = { false };
    if (json_reader_peek(reader) != '{')
        return fail(reader->error, ENGINE_BAD_FILE, "%s: tensor " NAME " is not described by an object",
                    file->path, entry->name);
    json_reader_open(reader, '{');
    for (bool first = true; json_reader_more(reader, '}', first); first = false) {
        char  *key;
        size_t length;
        int    field = 0;
        if (!json_reader_key(reader, &key, &length))
            return false;
        while (field < 3 && (strlen(key) != length || strcmp(key, fields[field]) != 0))
            field++;
        if (field < 3 && seen[field])
            return fail(reader->error, ENGINE_BAD_FILE, "%s: tensor " NAME " has '%s' twice",
                        file->path, entry->name, key);
        if (field < 3)
            seen[field] = true;
        if (!(field == 0   ? read_type(reader, entry)
              : field == 1 ? read_shape(file, reader, entry)
              : field == 2 ? read_offsets(reader, entry)
                           : json_reader_skip(reader)))
            return false;
    }
    for (int field = 0; field < 3; field++)
        if (!reader->error->status && !seen[field])
            return fail(reader->error, ENGINE_BAD_FILE, "%s: tensor " NAME " has no '%s'", file->path,
                        entry->name, fields[field]);
    return reader->error->status == ENGINE_OK;
}

static bool add_entry(Safetensors *file, JsonReader *reader, const char *name)
{
    if (!grow(&file->entries, &file->room, file->count, sizeof *file->entries))
        return no_memory(file, reader->error);
    SafetensorsEntry *entry = &file->entries[file->count];
    *entry = (SafetensorsEntry){ .name = name };
    int64_t twin = name_set_add(&file->names, name, file->count, entry_name, file);
    if (twin == NAME_NO_MEMORY)
        return no_memory(file, reader->error);
    if (twin != NAME_NONE)
        return fail(reader->error, ENGINE_BAD_FILE, "%s: tensor " NAME " is there twice", file->path,
                    name);
    file->count++;
    return read_entry(file, reader, entry);
}

static bool parse_header(Safetensors *file, EngineError *error)
{
    JsonReader reader;
    bool       metadata = false;
    if (!json_reader_begin(&reader, file->path, file->header, file->header_bytes, error) ||
        !json_reader_open(&reader, '{'))
        return false;
    for (bool first = true; json_reader_more(&reader, '}', first); first = false) {
        char  *name;
        size_t length;
        reader.has_nul = false;
        if (!json_reader_key(&reader, &name, &length))
            return false;
        if (reader.has_nul)
            return fail(error, ENGINE_BAD_FILE,
                        "%s: the name of a tensor holds the character U+0000 (" NAME "...)",
                        file->path, name);
        if (strcmp(name, "__metadata__") != 0) {
            if (!add_entry(file, &reader, name))
                return false;
            continue;
        }
        if (metadata)
            return fail(error, ENGINE_BAD_FILE, "%s: '__metadata__' is there twice", file->path);
        metadata = true;
        if (!read_metadata(file, &reader))
            return false;
    }
    return error->status == ENGINE_OK && json_reader_end(&reader);
}

/* ---- layout -------------------------------------------------------------------------------- */

/* Bytes that type and shape call for. */
static bool entry_bytes(const Safetensors *file, const SafetensorsEntry *entry, uint64_t *bytes,
                        EngineError *error)
{
    Product  product = { 1, 1 };
    uint64_t each = (uint64_t)tensor_type_bits(entry->type), bits;
    for (int i = 0; i < entry->rank && i < SAFETENSORS_MAX_RANK; i++)
        multiply(&product, entry->shape[i]);
    if (entry->rank > SAFETENSORS_MAX_RANK)
        product = (Product){ entry->shape[SAFETENSORS_MAX_RANK], entry->shape[SAFETENSORS_MAX_RANK + 1] };
    if (__builtin_mul_overflow(each, product.most, &bits))
        return fail(error, ENGINE_BAD_FILE,
                    "%s: tensor " NAME " is too large: its dimensions multiply to 2^64 bits or more",
                    file->path, entry->name);
    bits = each * product.now;
    if (bits % 8)
        return fail(error, ENGINE_BAD_FILE,
                    "%s: tensor " NAME " ends within a byte: %llu bits of %s", file->path, entry->name,
                    (unsigned long long)bits, tensor_type_name(entry->type));
    *bytes = bits / 8;
    return true;
}

static int by_place(const void *a, const void *b)
{
    const SafetensorsEntry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end != y->end ? (x->end < y->end ? -1 : 1) : 0;
}

/* Brings the entries into the order of their data; the set of names follows. */
static bool sort_entries(Safetensors *file, EngineError *error)
{
    bool sorted = true;
    for (size_t i = 1; i < file->count && sorted; i++)
        sorted = by_place(&file->entries[i - 1], &file->entries[i]) <= 0;
    if (sorted)
        return true;
    qsort(file->entries, file->count, sizeof *file->entries, by_place);
    name_set_clear(&file->names);
    for (size_t i = 0; i < file->count; i++)
        if (name_set_add(&file->names, file->entries[i].name, i, entry_name, file) != NAME_NONE)
            return no_memory(file, error);
    return true;
}

static bool check_end(const Safetensors *file, uint64_t at, EngineError *error)
{
    unsigned long long data = file->file_bytes - 8 - file->header_bytes;
    if (at > data) {
        bool growing = file->map && map_changed(file->map);
        return fail(error, ENGINE_BAD_FILE,
                    "%s: ends at byte %llu, and its header speaks of %llu, so %.1f %% of it is there: %s",
                    file->path, (unsigned long long)file->file_bytes,
                    (unsigned long long)at + 8 + file->header_bytes,
                    100 * (double)file->file_bytes / ((double)at + 8 + (double)file->header_bytes),
                    growing ? "it is still being written" : "the download is incomplete or still running");
    }
    if (at < data)
        return fail(error, ENGINE_BAD_FILE,
                    "%s: %llu bytes follow the last tensor; the tensors themselves are complete, but "
                    "something was appended to the file",
                    file->path, data - (unsigned long long)at);
    return true;
}

/* Sorted by offset the tensors touch, fill their shape, and end where the file ends. So none overlaps,
 * none lies outside, and later code needs no bounds check. */
static bool check_layout(Safetensors *file, EngineError *error)
{
    uint64_t *shape = file->shapes, at = 0;
    for (size_t i = 0; i < file->count; i++) {
        file->entries[i].shape = shape;
        if (file->entries[i].rank > 0) /* a file of scalars only has no shapes: NULL + 0 is undefined */
            shape += kept_count(file->entries[i].rank);
    }
    if (!sort_entries(file, error))
        return false;
    for (size_t i = 0; i < file->count; i++) {
        const SafetensorsEntry *entry = &file->entries[i];
        uint64_t                bytes = 0;
        if (!entry_bytes(file, entry, &bytes, error))
            return false;
        if (entry->end < entry->begin)
            return fail(error, ENGINE_BAD_FILE, "%s: tensor " NAME " ends (%llu) before it begins (%llu)",
                        file->path, entry->name, (unsigned long long)entry->end,
                        (unsigned long long)entry->begin);
        if (entry->begin != at)
            return fail(error, ENGINE_BAD_FILE,
                        "%s: tensor " NAME " begins at byte %llu of the data, where %s%.160s%s ends at %llu: "
                        "%s",
                        file->path, entry->name, (unsigned long long)entry->begin, i ? "'" : "",
                        i ? file->entries[i - 1].name : "nothing", i ? "'" : "", (unsigned long long)at,
                        entry->begin > at ? "a hole" : "they overlap");
        if (entry->end - entry->begin != bytes)
            return fail(error, ENGINE_BAD_FILE,
                        "%s: tensor " NAME " has %llu bytes, and its shape in %s needs %llu", file->path,
                        entry->name, (unsigned long long)(entry->end - entry->begin),
                        tensor_type_name(entry->type), (unsigned long long)bytes);
        at = entry->end;
    }
    return check_end(file, at, error);
}

/* ---- open ---------------------------------------------------------------------------------- */

static Safetensors *open_file(const char *path, const void *bytes, size_t size, bool want_data,
                              EngineError *error)
{
    Safetensors *file = calloc(1, sizeof *file);
    if (!file || !(file->path = strdup(path))) {
        free(file);
        fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to open it", path);
        return NULL;
    }
    file->memory = bytes;
    file->file_bytes = size;
    if (!bytes) {
        file->map = map_open(path, error);
        file->file_bytes = file->map ? map_bytes(file->map) : 0;
    }
    bool ok = (file->map || bytes) && read_header(file, error) && parse_header(file, error) &&
              check_layout(file, error);
    const unsigned char *data = bytes;
    if (ok && want_data && !bytes)
        ok = (data = map_data(file->map, MAP_AUTO, error)) != NULL;
    if (!ok) {
        safetensors_close(file);
        return NULL;
    }
    for (size_t i = 0; i < file->count && data; i++)
        file->entries[i].data = data + 8 + file->header_bytes + file->entries[i].begin;
    return file;
}

Safetensors *safetensors_open(const char *path, EngineError *error)
{
    return open_file(path, NULL, 0, true, error);
}

Safetensors *safetensors_open_header(const char *path, EngineError *error)
{
    return open_file(path, NULL, 0, false, error);
}

Safetensors *safetensors_from_memory(const char *name, const void *bytes, size_t size,
                                     EngineError *error)
{
    assert(bytes);
    return open_file(name, bytes, size, true, error);
}

void safetensors_close(Safetensors *file)
{
    if (!file)
        return;
    map_close(file->map);
    name_set_clear(&file->names);
    name_set_clear(&file->keys);
    free(file->pairs);
    free(file->shapes);
    free(file->entries);
    free(file->header);
    free(file->path);
    free(file);
}

/* ---- questions ----------------------------------------------------------------------------- */

const char *safetensors_path(const Safetensors *file)
{
    return file->path;
}

uint64_t safetensors_file_bytes(const Safetensors *file)
{
    return file->file_bytes;
}

size_t safetensors_count(const Safetensors *file)
{
    return file->count;
}

const SafetensorsEntry *safetensors_at(const Safetensors *file, size_t index)
{
    assert(index < file->count);
    return &file->entries[index];
}

const SafetensorsEntry *safetensors_find(const Safetensors *file, const char *name)
{
    int64_t number = name_set_find(&file->names, name, entry_name, file);
    return number >= 0 ? &file->entries[number] : NULL;
}

bool safetensors_read(const Safetensors *file, const SafetensorsEntry *entry, void *out, size_t bytes,
                      EngineError *error)
{
    assert(bytes <= entry->end - entry->begin);
    return read_bytes(file, out, 8 + file->header_bytes + entry->begin, bytes, error);
}

const char *safetensors_metadata(const Safetensors *file, const char *key)
{
    int64_t number = name_set_find(&file->keys, key, pair_key, file);
    return number >= 0 ? file->pairs[number].value : NULL;
}

size_t safetensors_metadata_count(const Safetensors *file)
{
    return file->pair_count;
}

void safetensors_metadata_at(const Safetensors *file, size_t index, const char **key,
                             const char **value)
{
    assert(index < file->pair_count);
    *key = file->pairs[index].key;
    *value = file->pairs[index].value;
}

bool safetensors_changed(const Safetensors *file)
{
    return file->map && map_changed(file->map);
}

bool safetensors_replaced(const Safetensors *file)
{
    return file->map && map_replaced(file->map);
}

uint64_t safetensors_zero_tail(const Safetensors *file)
{
    enum { BLOCK = 4096, BLOCKS = 1024 };
    unsigned char block[BLOCK];
    uint64_t      data = 8 + file->header_bytes, end = file->file_bytes;
    for (int i = 0; i < BLOCKS && end > data; i++) {
        size_t      bytes = end - data < BLOCK ? (size_t)(end - data) : BLOCK;
        EngineError ignored = { 0 };
        if (!read_bytes(file, block, end - bytes, bytes, &ignored))
            break;
        for (size_t k = bytes; k > 0; k--, end--)
            if (block[k - 1])
                return file->file_bytes - end;
    }
    return file->file_bytes - end;
}
