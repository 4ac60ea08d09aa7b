/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files_help.h"

#include "files/safetensors.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[512];

static void *need(void *memory)
{
    if (!memory) {
        fputs("no memory for the test\n", stderr);
        exit(1);
    }
    return memory;
}

Bytes bytes_of_file(const char *header, long header_size, size_t data_bytes)
{
    size_t length = header_size < 0 ? strlen(header) : (size_t)header_size;
    Bytes  file = { .size = 8 + length + data_bytes };
    file.bytes = need(malloc(file.size));
    for (int i = 0; i < 8; i++)
        file.bytes[i] = (unsigned char)((uint64_t)length >> (8 * i));
    memcpy(file.bytes + 8, header, length);
    for (size_t i = 0; i < data_bytes; i++)
        file.bytes[8 + length + i] = (unsigned char)(i + 1);
    return file;
}

Bytes bytes_copy(const void *from, size_t size)
{
    Bytes copy = { .bytes = need(malloc(size ? size : 1)), .size = size };
    if (size)
        memcpy(copy.bytes, from, size);
    return copy;
}

void bytes_free(Bytes *bytes)
{
    free(bytes->bytes);
    *bytes = (Bytes){ .bytes = NULL };
}

const char *temporary_folder(void)
{
    if (!folder[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/files-test-XXXXXX", base ? base : "/tmp");
        need(mkdtemp(folder));
    }
    return folder;
}

const char *temporary_path(const char *name)
{
    static char paths[4][1024];
    static int  turn;
    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", temporary_folder(), name);
    return paths[turn];
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about;
    (void)type;
    (void)walk;
    return remove(path);
}

void files_help_end(void)
{
    if (folder[0])
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = need(fopen(path, "wb"));
    if (size && fwrite(bytes, 1, size, file) != size)
        perror(path);
    fclose(file);
}

static void append(FileBuilder *builder, const char *text)
{
    size_t length = strlen(text);
    if (builder->length + length + 1 > builder->room) {
        builder->room = 2 * (builder->length + length + 64);
        builder->header = need(realloc(builder->header, builder->room));
    }
    memcpy(builder->header + builder->length, text, length + 1);
    builder->length += length;
}

void builder_metadata(FileBuilder *builder, const char *key, const char *value)
{
    bool again = builder->length > 0 && builder->header[builder->length - 1] == '}';
    if (again) {
        builder->length--;
        append(builder, ",\"");
    } else {
        append(builder, "{\"__metadata__\":{\"");
    }
    append(builder, key);
    append(builder, "\":\"");
    for (; *value; value++) {
        char letter[3] = { '\\', *value, '\0' };
        append(builder, *value == '"' || *value == '\\' ? letter : letter + 1);
    }
    append(builder, "\"}");
}

void builder_add(FileBuilder *builder, const char *name, const char *type, int bytes, int d0, int d1,
                 int d2, int d3)
{
    const int shape[4] = { d0, d1, d2, d3 };
    char      text[600];
    size_t    size = (size_t)bytes;
    append(builder, builder->length == 0 ? "{\"" : ",\"");
    append(builder, name);
    snprintf(text, sizeof text, "\":{\"dtype\":\"%s\",\"shape\":[", type);
    append(builder, text);
    for (int i = 0; i < 4 && shape[i]; i++) {
        snprintf(text, sizeof text, "%s%d", i ? "," : "", shape[i]);
        append(builder, text);
        size *= (size_t)shape[i];
    }
    snprintf(text, sizeof text, "],\"data_offsets\":[%zu,%zu]}", builder->data_bytes,
             builder->data_bytes + size);
    append(builder, text);
    builder->data_bytes += size;
}

void builder_write(FileBuilder *builder, const char *path)
{
    append(builder, builder->length ? "}" : "{}");
    Bytes head = bytes_of_file(builder->header, -1, 0);
    FILE *file = need(fopen(path, "wb"));
    fwrite(head.bytes, 1, head.size, file);
    if (builder->data_bytes) {
        fseeko(file, (off_t)builder->data_bytes - 1, SEEK_CUR);
        fputc(1, file);
    }
    fclose(file);
    bytes_free(&head);
    free(builder->header);
    *builder = (FileBuilder){ .header = NULL };
}

/* "name":{…}, for the header of file_rewrite(). */
static void append_entry(FileBuilder *header, const RewrittenTensor *tensor, size_t begin)
{
    char text[400];
    append(header, header->length > 1 ? ",\"" : "\"");
    append(header, tensor->name);
    snprintf(text, sizeof text, "\":{\"dtype\":\"%s\",\"shape\":[", tensor_type_name((TensorType)tensor->type));
    append(header, text);
    for (int i = 0; i < tensor->rank; i++) {
        snprintf(text, sizeof text, "%s%llu", i ? "," : "", (unsigned long long)tensor->shape[i]);
        append(header, text);
    }
    snprintf(text, sizeof text, "],\"data_offsets\":[%zu,%zu]}", begin, begin + tensor->bytes);
    append(header, text);
}

void file_rewrite(const char *to, const char *from, bool (*change)(RewrittenTensor *tensor),
                  const char *extra)
{
    EngineError    error = { 0 };
    Safetensors   *file = need(safetensors_open(from, &error));
    FileBuilder    header = { 0 };
    unsigned char *data = need(calloc(1, (size_t)safetensors_file_bytes(file) + 64 + REWRITTEN_ROOM));
    size_t         at = 0;
    for (size_t i = 0; i < safetensors_metadata_count(file); i++) {
        const char *key, *value;
        safetensors_metadata_at(file, i, &key, &value);
        builder_metadata(&header, key, value);
    }
    if (header.length == 0)
        append(&header, "{");
    for (size_t i = 0; i < safetensors_count(file) + (extra ? 1 : 0); i++) {
        RewrittenTensor tensor = { .rank = 1, .shape = { 16 }, .type = TYPE_F32, .data = data + at, .bytes = 64 };
        if (i < safetensors_count(file)) {
            const SafetensorsEntry *entry = safetensors_at(file, i);
            tensor.rank = entry->rank;
            tensor.type = (int)entry->type;
            tensor.bytes = (size_t)(entry->end - entry->begin);
            memcpy(tensor.shape, entry->shape, (size_t)entry->rank * sizeof *entry->shape);
            memcpy(tensor.data, entry->data, tensor.bytes);
        }
        snprintf(tensor.name, sizeof tensor.name, "%s",
                 i < safetensors_count(file) ? safetensors_at(file, i)->name : extra);
        if (change && i < safetensors_count(file) && !change(&tensor))
            continue;
        append_entry(&header, &tensor, at);
        at += tensor.bytes;
    }
    append(&header, "}");
    Bytes whole = { .size = 8 + header.length + at };
    whole.bytes = need(malloc(whole.size));
    for (int i = 0; i < 8; i++)
        whole.bytes[i] = (unsigned char)((uint64_t)header.length >> (8 * i));
    memcpy(whole.bytes + 8, header.header, header.length);
    memcpy(whole.bytes + 8 + header.length, data, at);
    write_bytes(to, whole.bytes, whole.size);
    bytes_free(&whole);
    free(header.header);
    free(data);
    safetensors_close(file);
}
