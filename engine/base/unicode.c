/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unicode.h"

#include "utf8.h"

#include "unicode_tables.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* Hangul syllables are computed from their parts (Unicode, section 3.12). */
enum {
    HANGUL_BASE = 0xac00,
    LEADING_BASE = 0x1100,
    VOWEL_BASE = 0x1161,
    TRAILING_BASE = 0x11a7,
    LEADINGS = 19,
    VOWELS = 21,
    TRAILINGS = 28,
    SYLLABLES = LEADINGS * VOWELS * TRAILINGS,
};

/* ---- classes ----------------------------------------------------------------------------- */

/* The last row whose first number is at most code, by halving; every table begins with a uint32_t.
 */
static const void *find_row(const void *table, size_t rows, size_t row_bytes, uint32_t code)
{
    const char *base = table;
    size_t      low = 0, high = rows;
    while (low < high) {
        size_t   middle = low + (high - low) / 2;
        uint32_t first;
        memcpy(&first, base + middle * row_bytes, sizeof first);
        if (first <= code)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? base + (low - 1) * row_bytes : NULL;
}

#define FIND_ROW(table, code) find_row(table, LENGTH(table), sizeof *(table), code)

bool unicode_is_letter(uint32_t code)
{
    if (code < 0x80)
        return (code | 0x20) >= 'a' && (code | 0x20) <= 'z';
    const CodeRange *range = FIND_ROW(letters, code);
    return range && code <= range->last;
}

bool unicode_is_number(uint32_t code)
{
    const CodeRange *range = FIND_ROW(numbers, code);
    return range && code <= range->last;
}

bool unicode_is_space(uint32_t code)
{
    const CodeRange *range = FIND_ROW(spaces, code);
    return range && code <= range->last;
}

bool unicode_is_python_space(uint32_t code)
{
    return unicode_is_space(code) || (code >= 0x1c && code <= 0x1f);
}

size_t unicode_skip_spaces(const char *text, size_t at, size_t end)
{
    uint32_t code;
    while (at < end) {
        size_t length = utf8_read(text + at, end - at, &code);
        if (!unicode_is_python_space(code))
            break;
        at += length;
    }
    return at;
}

int unicode_digit(uint32_t code)
{
    const uint32_t *zero = FIND_ROW(digit_zeros, code);
    return zero && code - *zero < 10 ? (int)(code - *zero) : -1;
}

int unicode_lower(uint32_t out[2], uint32_t code)
{
    out[0] = code;
    if (code == 0x130) { /* the only one of two: i and a dot above */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    const LowerRange *range = FIND_ROW(lower_ranges, code);
    if (range && code <= range->last && (code - range->first) % (uint32_t)range->stride == 0)
        out[0] = (uint32_t)((int)code + range->difference);
    return 1;
}

static int combining_order(uint32_t code)
{
    const CombiningRange *range = FIND_ROW(combining_ranges, code);
    return range && code <= range->last ? range->order : 0;
}

/* ---- composition ------------------------------------------------------------------------- */

void code_list_clear(CodeList *list)
{
    free(list->codes);
    *list = (CodeList){ 0 };
}

static bool reserve(CodeList *list, size_t more)
{
    if (list->capacity - list->count >= more)
        return true;
    size_t    capacity = 2 * (list->capacity + more);
    uint32_t *codes = realloc(list->codes, capacity * sizeof *codes);
    if (!codes)
        return false;
    list->codes = codes;
    list->capacity = capacity;
    return true;
}

static const Decomposition *find_decomposition(uint32_t code)
{
    const Decomposition *row = FIND_ROW(decompositions, code);
    return row && row->code == code ? row : NULL;
}

/* Appends code taken apart as far as it goes: its first part may come apart again, its second not.
 */
static void append_decomposed(CodeList *list, uint32_t code)
{
    uint32_t syllable = code - HANGUL_BASE;
    if (syllable < SYLLABLES) {
        list->codes[list->count++] = LEADING_BASE + syllable / (VOWELS * TRAILINGS);
        list->codes[list->count++] = VOWEL_BASE + syllable / TRAILINGS % VOWELS;
        if (syllable % TRAILINGS)
            list->codes[list->count++] = TRAILING_BASE + syllable % TRAILINGS;
        return;
    }
    uint32_t             seconds[4];
    int                  depth = 0;
    const Decomposition *row;
    while ((row = find_decomposition(code)) != NULL) {
        if (row->second)
            seconds[depth++] = row->second;
        code = row->first;
    }
    list->codes[list->count++] = code;
    while (depth > 0)
        list->codes[list->count++] = seconds[--depth];
}

/* What first and second become together, 0: nothing. */
static uint32_t compose_pair(uint32_t first, uint32_t second)
{
    uint32_t leading = first - LEADING_BASE, vowel = second - VOWEL_BASE;
    if (leading < LEADINGS && vowel < VOWELS)
        return HANGUL_BASE + (leading * VOWELS + vowel) * TRAILINGS;
    uint32_t syllable = first - HANGUL_BASE, trailing = second - TRAILING_BASE;
    if (syllable < SYLLABLES && syllable % TRAILINGS == 0 && trailing > 0 && trailing < TRAILINGS)
        return first + trailing;
    size_t low = 0, high = LENGTH(compositions);
    while (low < high) {
        size_t               middle = low + (high - low) / 2;
        const Decomposition *row = &decompositions[compositions[middle]];
        if (row->first == first && row->second == second)
            return row->code;
        if (row->first < first || (row->first == first && row->second < second))
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* Sorts marks by combining order, those of equal order staying as they are.  spare has room for
 * count. */
static void sort_marks(uint32_t *marks, uint32_t *spare, size_t count)
{
    bool sorted = true;
    for (size_t i = 1; i < count && sorted; i++)
        sorted = combining_order(marks[i - 1]) <= combining_order(marks[i]);
    if (sorted)
        return;
    size_t starts[257] = { 0 };
    for (size_t i = 0; i < count; i++)
        starts[combining_order(marks[i]) + 1]++;
    for (int order = 0; order < 256; order++)
        starts[order + 1] += starts[order];
    memcpy(spare, marks, count * sizeof *marks);
    for (size_t i = 0; i < count; i++)
        marks[starts[combining_order(spare[i])]++] = spare[i];
}

/* Puts codes[0 … count) in order and together again, in place; returns the new count. */
static size_t recompose(uint32_t *codes, uint32_t *spare, size_t count)
{
    for (size_t i = 0, end; i < count; i = end) {
        end = i + 1;
        if (combining_order(codes[i]) == 0)
            continue;
        while (end < count && combining_order(codes[end]) != 0)
            end++;
        sort_marks(codes + i, spare, end - i);
    }

    size_t out = 0, starter = SIZE_MAX; /* where the last code of order 0 stands in the output */
    int    last_order = 0;              /* of what stands behind it; 0: nothing does */
    for (size_t i = 0; i < count; i++) {
        int      order = combining_order(codes[i]);
        bool     beside = starter != SIZE_MAX && starter + 1 == out;
        uint32_t both = starter != SIZE_MAX && (beside || (last_order != 0 && last_order < order))
                            ? compose_pair(codes[starter], codes[i])
                            : 0;
        if (both) {
            codes[starter] = both;
            continue;
        }
        if (order == 0)
            starter = out;
        last_order = order;
        codes[out++] = codes[i];
    }
    return out;
}

bool unicode_compose(CodeList *list, const char *text, size_t bytes)
{
    size_t start = list->count;
    bool   ascii = true;
    for (size_t i = 0; i < bytes;) {
        uint32_t code;
        i += utf8_read(text + i, bytes - i, &code);
        if (!reserve(list, 4))
            return false;
        if (code < 0x80) {
            list->codes[list->count++] = code;
        } else {
            append_decomposed(list, code);
            ascii = false;
        }
    }
    if (ascii)
        return true;
    size_t    count = list->count - start;
    uint32_t *spare = malloc(count * sizeof *spare);
    if (!spare)
        return false;
    list->count = start + recompose(list->codes + start, spare, count);
    free(spare);
    return true;
}
