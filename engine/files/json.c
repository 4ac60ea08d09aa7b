/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "json.h"

#include "json_reader.h"
#include "map.h"

#include <cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A Json is a cJSON: the type only keeps cJSON.h out of everybody else's sight. */
static const cJSON *tree(const Json *item)
{
    return (const cJSON *)(const void *)item;
}

static const Json *opaque(const cJSON *item)
{
    return (const Json *)(const void *)item;
}

/* The grammar, on a copy: the reader unescapes where it stands. */
static bool check_text(const char *path, const char *text, size_t size, EngineError *error)
{
    char *copy = malloc(size ? size : 1);
    if (!copy)
        return fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to read %zu bytes", path, size);
    memcpy(copy, text, size);
    JsonReader reader;
    bool       ok = json_reader_begin(&reader, path, copy, size, error) && json_reader_skip(&reader) &&
              json_reader_end(&reader);
    if (ok && reader.has_nul)
        ok = fail(error, ENGINE_BAD_FILE, "%s: a text in it holds the character U+0000", path);
    free(copy);
    return ok;
}

static const char *item_name(const void *user, size_t number)
{
    return ((const cJSON *const *)user)[number]->string;
}

/* No object holds a name twice. Recursion: check_text() has bounded the depth. */
static bool check_names(const char *path, const cJSON *container, EngineError *error)
{
    size_t       count = (size_t)cJSON_GetArraySize(container), number = 0;
    bool         ok = true;
    NameSet      names = { .slots = NULL };
    const cJSON *item;
    if (count == 0)
        return true;
    const cJSON **items = malloc(count * sizeof *items);
    if (!items)
        return fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to check it", path);
    for (item = container->child; item && ok; item = item->next) {
        items[number] = item;
        int64_t twin = cJSON_IsObject(container)
                           ? name_set_add(&names, item->string, number, item_name, items)
                           : NAME_NONE;
        number++;
        if (twin == NAME_NO_MEMORY)
            ok = fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to check it", path);
        else if (twin != NAME_NONE)
            ok = fail(error, ENGINE_BAD_FILE, "%s: '%.160s' is there twice", path, item->string);
        else if (item->child)
            ok = check_names(path, item, error);
    }
    name_set_clear(&names);
    free(items);
    return ok;
}

Json *json_parse(const char *path, const char *text, size_t size, EngineError *error)
{
    if (!check_text(path, text, size, error))
        return NULL;
    cJSON *root = cJSON_ParseWithLength(text, size);
    if (!root) {
        fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to read %zu bytes", path, size);
        return NULL;
    }
    if (!check_names(path, root, error)) {
        cJSON_Delete(root);
        return NULL;
    }
    return (Json *)(void *)root;
}

Json *json_read(const char *path, EngineError *error)
{
    Json    *json = NULL;
    char    *text = NULL;
    FileMap *map = map_open(path, error);
    if (!map)
        return NULL;
    size_t size = (size_t)map_bytes(map);
    if (map_bytes(map) > JSON_FILE_LIMIT)
        fail(error, ENGINE_BAD_FILE, "%s: has %llu bytes; a JSON file here may have %d", path,
             (unsigned long long)map_bytes(map), JSON_FILE_LIMIT);
    else if (!(text = malloc(size ? size : 1)))
        fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to read %zu bytes", path, size);
    else if (map_read(map, text, 0, size, error))
        json = json_parse(path, text, size, error);
    free(text);
    map_close(map);
    return json;
}

void json_free(Json *json)
{
    cJSON_Delete((cJSON *)(void *)json);
}

const Json *json_member(const Json *object, const char *name)
{
    return json_is_object(object) ? opaque(cJSON_GetObjectItemCaseSensitive(tree(object), name)) : NULL;
}

const Json *json_first(const Json *container)
{
    return container ? opaque(tree(container)->child) : NULL;
}

const Json *json_next(const Json *item)
{
    return item ? opaque(tree(item)->next) : NULL;
}

const char *json_name(const Json *item)
{
    return item ? tree(item)->string : NULL;
}

const char *json_string(const Json *item)
{
    return cJSON_GetStringValue(tree(item));
}

bool json_is_object(const Json *item)
{
    return cJSON_IsObject(tree(item));
}

bool json_is_array(const Json *item)
{
    return cJSON_IsArray(tree(item));
}

bool json_is_null(const Json *item)
{
    return !item || cJSON_IsNull(tree(item));
}

bool json_integer(const Json *item, int64_t *value)
{
    static const double exact = 9007199254740992.0; /* 2^53 */
    double              number;
    if (!json_number(item, &number) || !(fabs(number) < exact) || number != floor(number))
        return false;
    *value = (int64_t)number;
    return true;
}

bool json_number(const Json *item, double *value)
{
    if (!cJSON_IsNumber(tree(item)))
        return false;
    *value = tree(item)->valuedouble;
    return true;
}

bool json_bool(const Json *item, bool *value)
{
    if (!cJSON_IsBool(tree(item)))
        return false;
    *value = cJSON_IsTrue(tree(item));
    return true;
}
