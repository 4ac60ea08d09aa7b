/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "json_reader.h"

#include "../base/number.h"
#include "../base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { DEPTH_LIMIT = 128 }; /* serde_json fails when it would open the 128th container */

bool json_reader_fail(JsonReader *reader, const char *why)
{
    return fail(reader->error, ENGINE_BAD_FILE, "%s: is no valid JSON at byte %zu: %s", reader->path,
                reader->at, why);
}

/* ---- text --------------------------------------------------------------------------------- */

bool json_reader_begin(JsonReader *reader, const char *path, void *text, size_t size,
                       EngineError *error)
{
    *reader = (JsonReader){ .path = path, .text = text, .size = size, .error = error };
    for (size_t at = 0; at < size;) {
        uint64_t eight;
        if (size - at >= 8 && (memcpy(&eight, reader->text + at, 8), !(eight & 0x8080808080808080))) {
            at += 8;
            continue;
        }
        uint32_t code;
        size_t   length = utf8_length((const char *)reader->text + at, size - at, &code);
        if (length == 0)
            return fail(error, ENGINE_BAD_FILE, "%s: byte %zu of the JSON (0x%02x) is no UTF-8", path,
                        at, reader->text[at]);
        at += length;
    }
    return true;
}

static bool is_space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int json_reader_peek(JsonReader *reader)
{
    while (reader->at < reader->size && is_space(reader->text[reader->at]))
        reader->at++;
    return reader->at < reader->size ? reader->text[reader->at] : 0;
}

bool json_reader_end(JsonReader *reader)
{
    json_reader_peek(reader);
    return reader->at == reader->size || json_reader_fail(reader, "something follows the value");
}

/* ---- containers --------------------------------------------------------------------------- */

bool json_reader_open(JsonReader *reader, char bracket)
{
    if (json_reader_peek(reader) != bracket)
        return json_reader_fail(reader, bracket == '{' ? "expected an object" : "expected an array");
    if (reader->depth + 1 >= DEPTH_LIMIT)
        return json_reader_fail(reader, "nested deeper than 127 levels");
    reader->at++;
    reader->depth++;
    return true;
}

bool json_reader_more(JsonReader *reader, char closing, bool first)
{
    if (reader->error->status)
        return false;
    int next = json_reader_peek(reader);
    if (next == closing) {
        reader->at++;
        reader->depth--;
        return false;
    }
    if (first)
        return next != 0 || json_reader_fail(reader, "it ends in the middle of a container");
    if (next != ',')
        return json_reader_fail(reader, next ? "expected a comma or the end of the container"
                                             : "it ends in the middle of a container");
    reader->at++;
    if (json_reader_peek(reader) == closing)
        return json_reader_fail(reader, "a comma before the end of the container");
    return true;
}

/* ---- strings ------------------------------------------------------------------------------- */

/* Four hex digits at `at`; -1 when there are none. */
static int hex_unit(const JsonReader *reader, size_t at)
{
    int unit = 0;
    if (reader->size - at < 4)
        return -1;
    for (size_t i = at; i < at + 4; i++) {
        int digit = number_hex_digit((char)reader->text[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* The \u escape whose digits begin at reader->at, and its second half; -1 on failure. */
static long unicode_escape(JsonReader *reader)
{
    int unit = hex_unit(reader, reader->at);
    if (unit < 0)
        return json_reader_fail(reader, "\\u needs four hexadecimal digits"), -1;
    reader->at += 4;
    if (unit < 0xd800 || unit > 0xdfff)
        return unit;
    int second = -1;
    if (unit < 0xdc00 && reader->size - reader->at >= 6 && reader->text[reader->at] == '\\' &&
        reader->text[reader->at + 1] == 'u')
        second = hex_unit(reader, reader->at + 2);
    if (second < 0xdc00 || second > 0xdfff)
        return json_reader_fail(reader, "half of a surrogate pair"), -1;
    reader->at += 6;
    return 0x10000 + ((long)(unit - 0xd800) << 10) + (second - 0xdc00);
}

/* Where the escape letter stands in `letters`, `meanings` has its character. */
static bool escape(JsonReader *reader, unsigned char *text, size_t *to)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (reader->at >= reader->size)
        return json_reader_fail(reader, "it ends in an escape");
    int letter = text[reader->at];
    if (letter == 'u') {
        reader->at++;
        long code = unicode_escape(reader);
        if (code < 0)
            return false;
        reader->has_nul |= code == 0;
        *to += utf8_write((char *)text + *to, (uint32_t)code);
        return true;
    }
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (!found)
        return json_reader_fail(reader, "an unknown escape");
    reader->at++;
    text[(*to)++] = (unsigned char)meanings[found - letters];
    return true;
}

bool json_reader_string(JsonReader *reader, char **value, size_t *length)
{
    if (json_reader_peek(reader) != '"')
        return json_reader_fail(reader, "expected a string");
    unsigned char *text = reader->text;
    size_t         begin = ++reader->at, to = begin;
    for (;;) {
        if (reader->at >= reader->size)
            return json_reader_fail(reader, "it ends in a string");
        unsigned char c = text[reader->at];
        if (c == '"')
            break;
        if (c < 0x20)
            return json_reader_fail(reader, "a control character in a string");
        reader->at++;
        if (c != '\\')
            text[to++] = c;
        else if (!escape(reader, text, &to))
            return false;
    }
    reader->at++;
    text[to] = '\0'; /* the closing quote's place or before it */
    *value = (char *)text + begin;
    *length = to - begin;
    return true;
}

bool json_reader_key(JsonReader *reader, char **value, size_t *length)
{
    if (!json_reader_string(reader, value, length))
        return false;
    if (json_reader_peek(reader) != ':')
        return json_reader_fail(reader, "expected a colon");
    reader->at++;
    return true;
}

/* ---- numbers ------------------------------------------------------------------------------- */

static int digit_at(const JsonReader *reader)
{
    if (reader->at >= reader->size)
        return -1;
    int c = reader->text[reader->at];
    return c >= '0' && c <= '9' ? c - '0' : -1;
}

/* The first digits of the least number that a double rounds to infinity, and its power of ten. */
static const char infinity_digits[] = "17976931348623158079";
enum { INFINITY_POWER = 309, DIGITS_KEPT = sizeof infinity_digits - 1, FAR = 1 << 30 };

/* Keeps the first significant digits and counts where the decimal point lies: 0.digits * 10^power. */
typedef struct {
    char kept[DIGITS_KEPT + 1];
    int  count;
    long power;
} Magnitude;

static void magnitude_digit(Magnitude *magnitude, int digit, bool fraction)
{
    bool significant = magnitude->count > 0 || digit > 0;
    if (significant && magnitude->count < DIGITS_KEPT)
        magnitude->kept[magnitude->count++] = (char)('0' + digit);
    if (significant && !fraction && magnitude->power < FAR)
        magnitude->power++;
    if (!significant && fraction && magnitude->power > -FAR)
        magnitude->power--;
}

static bool read_exponent(JsonReader *reader, Magnitude *magnitude)
{
    bool negative = false;
    long exponent = 0;
    reader->at++;
    if (reader->at < reader->size &&
        (reader->text[reader->at] == '+' || reader->text[reader->at] == '-'))
        negative = reader->text[reader->at++] == '-';
    if (digit_at(reader) < 0)
        return json_reader_fail(reader, "an exponent without digits");
    for (int digit; (digit = digit_at(reader)) >= 0; reader->at++)
        exponent = exponent < FAR ? exponent * 10 + digit : exponent;
    magnitude->power += negative ? -exponent : exponent;
    return true;
}

bool json_reader_number(JsonReader *reader, JsonWhole *whole, uint64_t *value)
{
    Magnitude magnitude = { 0 };
    *whole = JSON_WHOLE;
    *value = 0;
    if (json_reader_peek(reader) == '-') {
        *whole = JSON_NOT_WHOLE;
        reader->at++;
    }
    int digit = digit_at(reader);
    if (digit < 0)
        return json_reader_fail(reader, "expected a value");
    if (digit == 0) {
        reader->at++;
        if (digit_at(reader) >= 0)
            return json_reader_fail(reader, "a number with a leading zero");
    }
    for (; (digit = digit_at(reader)) >= 0; reader->at++) {
        magnitude_digit(&magnitude, digit, false);
        if (*value > (UINT64_MAX - (uint64_t)digit) / 10)
            *whole = *whole == JSON_WHOLE ? JSON_TOO_LARGE : *whole;
        else
            *value = *value * 10 + (uint64_t)digit;
    }
    int next = reader->at < reader->size ? reader->text[reader->at] : 0;
    if (next == '.') {
        *whole = JSON_NOT_WHOLE;
        reader->at++;
        if (digit_at(reader) < 0)
            return json_reader_fail(reader, "a decimal point without digits");
        for (; (digit = digit_at(reader)) >= 0; reader->at++)
            magnitude_digit(&magnitude, digit, true);
        next = reader->at < reader->size ? reader->text[reader->at] : 0;
    }
    if (next == 'e' || next == 'E') {
        *whole = JSON_NOT_WHOLE;
        if (!read_exponent(reader, &magnitude))
            return false;
    }
    if (magnitude.count > 0 &&
        (magnitude.power > INFINITY_POWER ||
         (magnitude.power == INFINITY_POWER &&
          strncmp(magnitude.kept, infinity_digits, DIGITS_KEPT) >= 0)))
        return json_reader_fail(reader, "a number beyond every range");
    return true;
}

/* ---- any value ----------------------------------------------------------------------------- */

static bool skip_word(JsonReader *reader, const char *word)
{
    size_t length = strlen(word);
    if (reader->size - reader->at < length || memcmp(reader->text + reader->at, word, length) != 0)
        return json_reader_fail(reader, "expected a value");
    reader->at += length;
    return true;
}

static bool skip_scalar(JsonReader *reader)
{
    char     *string;
    size_t    length;
    uint64_t  value;
    JsonWhole whole;
    switch (json_reader_peek(reader)) {
    case '"':
        return json_reader_string(reader, &string, &length);
    case 't':
        return skip_word(reader, "true");
    case 'f':
        return skip_word(reader, "false");
    case 'n':
        return skip_word(reader, "null");
    default:
        return json_reader_number(reader, &whole, &value);
    }
}

bool json_reader_skip(JsonReader *reader)
{
    char   closing[DEPTH_LIMIT + 1]; /* of the containers opened here */
    int    base = reader->depth;
    bool   first = false; /* the innermost container was just opened */
    char  *key;
    size_t length;
    do {
        if (reader->depth > base) {
            char close_with = closing[reader->depth];
            if (!json_reader_more(reader, close_with, first)) {
                if (reader->error->status)
                    return false;
                first = false;
                continue;
            }
            if (close_with == '}' && !json_reader_key(reader, &key, &length))
                return false;
        }
        int next = json_reader_peek(reader);
        first = next == '{' || next == '[';
        if (first) {
            if (!json_reader_open(reader, (char)next))
                return false;
            closing[reader->depth] = next == '{' ? '}' : ']';
        } else if (!skip_scalar(reader)) {
            return false;
        }
    } while (reader->depth > base);
    return true;
}

/* ---- names --------------------------------------------------------------------------------- */

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3: Aumasson and Bernstein 2012, "SipHash: a fast short-input PRF". */
static uint64_t sip_hash(const uint64_t key[2], const char *name)
{
    uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                      key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };
    size_t   size = strlen(name), at = 0;
    for (; size - at >= 8; at += 8) {
        uint64_t word = 0;
        memcpy(&word, name + at, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)size << 56;
    for (size_t i = 0; at + i < size; i++)
        last |= (uint64_t)(unsigned char)name[at + i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Where a name begins to look: by the half of its hash that its slot holds, so that growing the set need not
 * read the names again. */
static size_t name_place(const NameSet *set, uint64_t hash)
{
    return (size_t)(hash >> 32) & (set->size - 1);
}

/* The slot of this name, or the free one where it would stand. */
static size_t name_slot(const NameSet *set, uint64_t hash, const char *name, NameOf name_of,
                        const void *user)
{
    size_t at = name_place(set, hash);
    for (; set->slots[at]; at = (at + 1) & (set->size - 1))
        if (set->slots[at] >> 32 == hash >> 32 &&
            strcmp(name_of(user, (size_t)(set->slots[at] & 0xffffffff) - 1), name) == 0)
            break;
    return at;
}

static bool name_set_grow(NameSet *set)
{
    if (!set->size && getrandom(set->key, sizeof set->key, GRND_NONBLOCK) != sizeof set->key) {
        struct timespec now = { 0 };
        clock_gettime(CLOCK_REALTIME, &now);
        set->key[0] = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15;
        set->key[1] = (uint64_t)(uintptr_t)set ^ (uint64_t)now.tv_sec;
    }
    NameSet grown = *set;
    grown.size = set->size ? set->size * 2 : 64;
    grown.slots = calloc(grown.size, sizeof *grown.slots);
    if (!grown.slots)
        return false;
    for (size_t i = 0; i < set->size; i++) {
        if (!set->slots[i])
            continue;
        size_t at = name_place(&grown, set->slots[i]);
        while (grown.slots[at])
            at = (at + 1) & (grown.size - 1);
        grown.slots[at] = set->slots[i];
    }
    free(set->slots);
    *set = grown;
    return true;
}

int64_t name_set_find(const NameSet *set, const char *name, NameOf name_of, const void *user)
{
    if (!set->size)
        return NAME_NONE;
    uint64_t slot = set->slots[name_slot(set, sip_hash(set->key, name), name, name_of, user)];
    return slot ? (int64_t)(slot & 0xffffffff) - 1 : NAME_NONE;
}

int64_t name_set_add(NameSet *set, const char *name, size_t number, NameOf name_of,
                     const void *user)
{
    if (set->count >= UINT32_MAX - 1 ||
        (2 * (set->count + 1) > set->size && !name_set_grow(set)))
        return NAME_NO_MEMORY;
    uint64_t  hash = sip_hash(set->key, name);
    uint64_t *slot = &set->slots[name_slot(set, hash, name, name_of, user)];
    if (*slot)
        return (int64_t)(*slot & 0xffffffff) - 1;
    *slot = (hash >> 32) << 32 | (uint64_t)(number + 1);
    set->count++;
    return NAME_NONE;
}

void name_set_clear(NameSet *set)
{
    free(set->slots);
    *set = (NameSet){ .slots = NULL };
}
