/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "safetensors.h"

#include "replace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint64_t item_bytes(const SafetensorsItem *item)
{
    uint64_t bytes = (uint64_t)tensor_type_bits(item->type) / 8;
    for (int i = 0; i < item->rank; i++)
        bytes *= item->shape[i];
    return bytes;
}

static void write_string(FILE *stream, const char *text)
{
    fputc('"', stream);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(stream, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(stream, "\\u%04x", *c);
        else
            fputc(*c, stream);
    fputc('"', stream);
}

static void write_header(FILE *stream, const SafetensorsItem *items, size_t count)
{
    uint64_t at = 0;
    fputc('{', stream);
    for (size_t i = 0; i < count; i++) {
        const SafetensorsItem *item = &items[i];
        if (i)
            fputc(',', stream);
        write_string(stream, item->name);
        fprintf(stream, ":{\"dtype\":\"%s\",\"shape\":[", tensor_type_name(item->type));
        for (int k = 0; k < item->rank; k++)
            fprintf(stream, "%s%llu", k ? "," : "", (unsigned long long)item->shape[k]);
        fprintf(stream, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at,
                (unsigned long long)(at + item_bytes(item)));
        at += item_bytes(item);
    }
    fputc('}', stream);
    while (ftell(stream) % 8)
        fputc(' ', stream);
}

bool safetensors_write(const char *path, const SafetensorsItem *items, size_t count,
                       EngineError *error)
{
    Replace replace;
    for (size_t i = 0; i < count; i++)
        assert(items[i].type == TYPE_F32 || items[i].type == TYPE_I64);
    if (!replace_begin(&replace, path, error))
        return false;
    unsigned char length[8] = { 0 };
    FILE         *stream = replace.stream;
    fwrite(length, 1, 8, stream);
    write_header(stream, items, count);
    long header_bytes = ftell(stream) - 8;
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)header_bytes >> (8 * i));
    for (size_t i = 0; i < count; i++) {
        size_t bytes = (size_t)item_bytes(&items[i]);
        if (bytes > 0 && fwrite(items[i].data, 1, bytes, stream) != bytes)
            break; /* replace_end() says why */
    }
    rewind(stream);
    fwrite(length, 1, 8, stream);
    return replace_end(&replace, true, error);
}
