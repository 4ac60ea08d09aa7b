/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exif.h"

#include "../base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAG_ORIENTATION = 0x0112,
    TAG_EXIF = 0x8769, /* where the second directory begins */
    TAG_COMMENT = 0x9286,
    TYPE_SHORT = 3, TYPE_LONG = 4, TYPE_BYTES = 7,
    ENTRY_BYTES = 12,
};

typedef struct {
    const unsigned char *bytes;
    size_t               size;
    bool                 big; /* Motorola's order */
} Block;

/* An entry of a directory: tag, type, count, and the value or where it stands. */
typedef struct {
    unsigned type;
    uint32_t count;
    size_t   value; /* where the four bytes stand */
} Entry;

/* 2 or 4 bytes at `at`, 0 beyond the end. */
static uint32_t number_at(const Block *block, size_t at, size_t bytes)
{
    uint32_t number = 0;
    if (at > block->size || block->size - at < bytes)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | block->bytes[at + (block->big ? i : bytes - 1 - i)];
    return number;
}

static bool block_begin(Block *block, const unsigned char *bytes, size_t size)
{
    *block = (Block){ bytes, size, size >= 4 && bytes[0] == 'M' };
    return size >= 8 && (bytes[0] == 'M' || bytes[0] == 'I') && bytes[1] == bytes[0] &&
           number_at(block, 2, 2) == 42;
}

static bool find_entry(const Block *block, size_t directory, unsigned tag, Entry *entry)
{
    uint32_t count = number_at(block, directory, 2);
    for (uint32_t i = 0; i < count; i++) {
        size_t at = directory + 2 + (size_t)i * ENTRY_BYTES;
        if (at > block->size || block->size - at < ENTRY_BYTES)
            return false;
        if (number_at(block, at, 2) == tag) {
            *entry = (Entry){ number_at(block, at + 2, 2), number_at(block, at + 4, 4), at + 8 };
            return true;
        }
    }
    return false;
}

int exif_orientation(const unsigned char *bytes, size_t size)
{
    Block block;
    Entry entry;
    if (!block_begin(&block, bytes, size) ||
        !find_entry(&block, number_at(&block, 4, 4), TAG_ORIENTATION, &entry) ||
        entry.type != TYPE_SHORT)
        return 1;
    uint32_t orientation = number_at(&block, entry.value, 2);
    return orientation >= 1 && orientation <= 8 ? (int)orientation : 1;
}

/* UTF-16 to UTF-8; halves that stand alone become U+FFFD. */
static char *from_utf16(const Block *block, size_t at, size_t bytes)
{
    char  *text = malloc(bytes / 2 * 3 + 1);
    size_t length = 0;
    for (size_t i = 0; text && i + 2 <= bytes; i += 2) {
        uint32_t code = number_at(block, at + i, 2);
        uint32_t next = i + 4 <= bytes ? number_at(block, at + i + 2, 2) : 0;
        if (code >= 0xd800 && code <= 0xdbff && next >= 0xdc00 && next <= 0xdfff) {
            code = 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00);
            i += 2;
        } else if (code >= 0xd800 && code <= 0xdfff) {
            code = 0xfffd;
        }
        if (code)
            length += utf8_write(text + length, code);
    }
    if (text)
        text[length] = '\0';
    return text;
}

char *exif_comment(const unsigned char *bytes, size_t size)
{
    Block block;
    Entry entry;
    if (!block_begin(&block, bytes, size) ||
        !find_entry(&block, number_at(&block, 4, 4), TAG_EXIF, &entry) ||
        !find_entry(&block, number_at(&block, entry.value, 4), TAG_COMMENT, &entry) ||
        entry.type != TYPE_BYTES || entry.count < 8)
        return NULL;
    size_t at = number_at(&block, entry.value, 4), count = entry.count;
    if (at > size || size - at < count)
        return NULL;
    if (memcmp(bytes + at, "UNICODE\0", 8) == 0)
        return from_utf16(&block, at + 8, count - 8);
    if (memcmp(bytes + at, "ASCII\0\0\0", 8) != 0)
        return NULL;
    return strndup((const char *)bytes + at + 8, count - 8);
}

static unsigned char *put_number(unsigned char *out, uint32_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        *out++ = (unsigned char)(number >> 8 * i);
    return out;
}

static unsigned char *put_entry(unsigned char *out, unsigned tag, unsigned type, uint32_t count,
                                uint32_t value)
{
    out = put_number(out, tag, 2);
    out = put_number(out, type, 2);
    out = put_number(out, count, 4);
    return put_number(out, value, 4);
}

/* Two directories of one entry each, then the comment in UTF-16. */
unsigned char *exif_write_comment(const char *comment, size_t *size)
{
    enum { FIRST = 8, SECOND = FIRST + 2 + ENTRY_BYTES + 4, TEXT = SECOND + 2 + ENTRY_BYTES + 4 };
    size_t         length = strlen(comment), count = 0;
    unsigned char *block = malloc(TEXT + 8 + 2 * length + 2), *out = block;
    if (!block)
        return NULL;
    memcpy(block + TEXT, "UNICODE\0", 8);
    unsigned char *text = block + TEXT + 8, *end = text;
    for (size_t i = 0; i < length;) {
        uint32_t code;
        i += utf8_read(comment + i, length - i, &code);
        if (code >= 0x10000) {
            end = put_number(end, 0xd800 + ((code - 0x10000) >> 10), 2);
            code = 0xdc00 + ((code - 0x10000) & 0x3ff);
        }
        end = put_number(end, code, 2);
    }
    count = (size_t)(end - text) + 8;
    memcpy(out, "MM\0\x2a", 4);
    out = put_number(out + 4, FIRST, 4);
    out = put_number(out, 1, 2);
    out = put_entry(out, TAG_EXIF, TYPE_LONG, 1, SECOND);
    out = put_number(out, 0, 4);
    out = put_number(out, 1, 2);
    out = put_entry(out, TAG_COMMENT, TYPE_BYTES, (uint32_t)count, TEXT);
    put_number(out, 0, 4);
    *size = TEXT + count;
    return block;
}
