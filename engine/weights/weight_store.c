/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weight_store.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1024 /* numbers that are added up at a time */ };

typedef struct {
    char   *name; /* owned; NULL: a free place */
    int     part;
    Weight *weight;
    Weight  original;
    void   *numbers; /* owned, NULL: the weight is the original */
    size_t  bytes;
} Item;

/* A table by name with open addressing, at most half full. */
struct WeightStore {
    Item  *items;
    size_t size, count; /* size is a power of two */
};

WeightStore *weight_store_create(void)
{
    return calloc(1, sizeof(WeightStore));
}

/* FNV-1a. */
static size_t hash(int part, const char *name)
{
    uint64_t value = 14695981039346656037u ^ (unsigned)part;
    for (; *name; name++)
        value = (value ^ (unsigned char)*name) * 1099511628211u;
    return (size_t)(value ^ value >> 32);
}

/* The item's place, or the free one where it would stand. */
static Item *place_of(Item *items, size_t size, int part, const char *name)
{
    size_t at = hash(part, name) & (size - 1);
    while (items[at].name && (items[at].part != part || strcmp(items[at].name, name) != 0))
        at = (at + 1) & (size - 1);
    return &items[at];
}

static Item *find(const WeightStore *store, int part, const char *name)
{
    Item *item = store->size ? place_of(store->items, store->size, part, name) : NULL;
    return item && item->name && item->weight ? item : NULL;
}

static bool grow(WeightStore *store)
{
    size_t size = store->size ? 2 * store->size : 256;
    Item  *items = calloc(size, sizeof *items);
    if (!items)
        return false;
    for (size_t i = 0; i < store->size; i++)
        if (store->items[i].name)
            *place_of(items, size, store->items[i].part, store->items[i].name) = store->items[i];
    free(store->items);
    store->items = items;
    store->size = size;
    return true;
}

static void give_back(Item *item)
{
    if (item->numbers && item->weight)
        *item->weight = item->original;
    free(item->numbers);
    item->numbers = NULL;
    item->bytes = 0;
}

void weight_store_destroy(WeightStore *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < store->size; i++) {
        free(store->items[i].numbers); /* the networks may be gone */
        free(store->items[i].name);
    }
    free(store->items);
    free(store);
}

bool weight_store_add(WeightStore *store, int part, const char *name, Weight *weight)
{
    if (2 * (store->count + 1) > store->size && !grow(store))
        return false;
    Item *item = place_of(store->items, store->size, part, name);
    if (!item->name) {
        if (!(item->name = strdup(name)))
            return false;
        store->count++;
    }
    free(item->numbers); /* of a network that was not forgotten */
    *item = (Item){ .name = item->name, .part = part, .weight = weight, .original = *weight };
    return true;
}

/* The names stay as places of the table. */
void weight_store_forget(WeightStore *store, int part)
{
    for (size_t i = 0; i < store->size; i++)
        if (store->items[i].name && store->items[i].part == part) {
            free(store->items[i].numbers);
            store->items[i].numbers = NULL;
            store->items[i].bytes = 0;
            store->items[i].weight = NULL;
        }
}

const Weight *weight_store_find(const WeightStore *store, int part, const char *name)
{
    Item *item = find(store, part, name);
    return item ? item->weight : NULL;
}

const Weight *weight_store_original(const WeightStore *store, int part, const char *name)
{
    Item *item = find(store, part, name);
    return item ? &item->original : NULL;
}

/* The new numbers under the weight take the place of whatever lay there. */
static void put(Item *item, void *numbers, size_t bytes, TensorType type)
{
    free(item->numbers);
    item->numbers = numbers;
    item->bytes = bytes;
    *item->weight = item->original;
    item->weight->data = numbers;
    item->weight->type = type;
    item->weight->scale = 0;
}

static void *take(const Item *item, TensorType type, size_t *bytes, EngineError *error)
{
    *bytes = weight_count(&item->original) * (size_t)tensor_type_bits(type) / 8;
    void *numbers = malloc(*bytes);
    if (!numbers)
        fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory to change '%s' (%.0f MB).", item->name,
             (double)*bytes / 1e6);
    return numbers;
}

static bool refuse_name(const char *name, EngineError *error)
{
    return fail(error, ENGINE_BAD_REQUEST, "The model has no weight '%s'.", name);
}

bool weight_store_merge(WeightStore *store, int part, const char *name, const WeightDelta *deltas,
                        size_t count, EngineError *error)
{
    Item  *item = find(store, part, name);
    size_t bytes;
    if (!item)
        return refuse_name(name, error);
    if (count == 0) {
        give_back(item);
        return true;
    }
    float *numbers = take(item, TYPE_F32, &bytes, error);
    if (!numbers)
        return false;
    size_t all = bytes / sizeof *numbers;
    for (size_t from = 0; from < all; from += CHUNK) {
        size_t some = all - from < CHUNK ? all - from : CHUNK;
        weight_to_float(numbers + from, &item->original, from, some);
        for (size_t k = 0; k < count; k++)
            for (size_t i = from; i < from + some; i++)
                numbers[i] += deltas[k].strength * deltas[k].delta[i];
    }
    put(item, numbers, bytes, TYPE_F32);
    return true;
}

void *weight_store_own(WeightStore *store, int part, const char *name, TensorType type, EngineError *error)
{
    Item  *item = find(store, part, name);
    size_t bytes;
    if (!item) {
        refuse_name(name, error);
        return NULL;
    }
    void *numbers = take(item, type, &bytes, error);
    if (numbers)
        put(item, numbers, bytes, type);
    return numbers;
}

void weight_store_restore(WeightStore *store, int part, const char *name)
{
    Item *item = find(store, part, name);
    if (item)
        give_back(item);
}

void weight_store_restore_all(WeightStore *store)
{
    for (size_t i = 0; i < store->size; i++)
        if (store->items[i].name)
            give_back(&store->items[i]);
}

size_t weight_store_bytes(const WeightStore *store)
{
    size_t bytes = 0;
    for (size_t i = 0; i < store->size; i++)
        bytes += store->items[i].bytes;
    return bytes;
}
