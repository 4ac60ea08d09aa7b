/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prompt_weights.h"

#include "../base/number.h"
#include "../base/utf8.h"
#include "prompt.h"
#include "unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* While it is computed a weight may leave its range and come back, but stays finite. */
static const double MIDWAY_LIMIT = 1e30;

/* Where brackets of one kind opened, as numbers of spans.  Those that are deeper are matched like
 * the others but weigh nothing: so no span is multiplied more than twice this often, and a megabyte
 * of brackets takes no longer than a megabyte of words. */
typedef struct {
    size_t starts[PROMPT_DEPTH];
    size_t depth; /* may pass PROMPT_DEPTH */
} Brackets;

typedef struct {
    WeightedText *out;
    size_t        text_bytes, capacity;
    Brackets      round, square;
    bool          failed; /* out of memory */
} Parser;

static void append(Parser *parser, const char *text, size_t bytes, bool is_break)
{
    WeightedText *out = parser->out;
    if (out->count == parser->capacity) {
        size_t        capacity = 2 * parser->capacity + 8;
        WeightedSpan *spans = realloc(out->spans, capacity * sizeof *spans);
        parser->failed = parser->failed || !spans;
        if (!spans)
            return;
        out->spans = spans;
        parser->capacity = capacity;
    }
    memcpy(out->text + parser->text_bytes, text, bytes);
    out->spans[out->count++] = (WeightedSpan){
        parser->text_bytes,
        parser->text_bytes + bytes,
        is_break ? -1 : 1,
        is_break,
    };
    parser->text_bytes += bytes;
}

static void multiply_from(Parser *parser, size_t start, double factor)
{
    for (size_t i = start; i < parser->out->count; i++) {
        double *weight = &parser->out->spans[i].weight;
        if (!parser->out->spans[i].is_break)
            *weight = fmax(-MIDWAY_LIMIT, fmin(*weight * factor, MIDWAY_LIMIT));
    }
}

static void open_bracket(Parser *parser, Brackets *brackets)
{
    if (brackets->depth < PROMPT_DEPTH)
        brackets->starts[brackets->depth] = parser->out->count;
    brackets->depth++;
}

static void close_bracket(Parser *parser, Brackets *brackets, double factor)
{
    brackets->depth--;
    if (brackets->depth < PROMPT_DEPTH)
        multiply_from(parser, brackets->starts[brackets->depth], factor);
}

static bool python_space(uint32_t code)
{
    return unicode_is_space(code) || (code >= 0x1c && code <= 0x1f);
}

static bool python_word(uint32_t code)
{
    return code == '_' || unicode_is_letter(code) || unicode_is_number(code);
}

/* Bytes of the code point that ends at text[end], beginning no earlier than text[start]. */
static size_t read_back(const char *text, size_t start, size_t end, uint32_t *code)
{
    size_t first = end - 1;
    while (first > start && end - first < 4 && (text[first] & 0xc0) == 0x80)
        first--;
    size_t bytes = utf8_read(text + first, end - first, code);
    if (first + bytes == end)
        return bytes;
    *code = 0xfffd;
    return 1;
}

static size_t skip_spaces(const char *text, size_t i, size_t end)
{
    uint32_t code;
    while (i < end) {
        size_t bytes = utf8_read(text + i, end - i, &code);
        if (!python_space(code))
            break;
        i += bytes;
    }
    return i;
}

/* Text with no bracket or colon in it, parted at each BREAK that is a word of its own.  Brackets around it
 * weigh what stands on both sides; in A1111 they make it a word of the prompt. */
static void append_text(Parser *parser, const char *text, size_t bytes)
{
    static const char word[] = "BREAK";
    const size_t      word_bytes = sizeof word - 1;
    size_t            done = 0, i = 0;
    const char       *found;
    uint32_t          code;
    while ((found = memmem(text + i, bytes - i, word, word_bytes)) != NULL) {
        size_t at = (size_t)(found - text), behind = at + word_bytes;
        i = behind;
        if (at > 0 && (read_back(text, 0, at, &code), python_word(code)))
            continue;
        if (behind < bytes &&
            (utf8_read(text + behind, bytes - behind, &code), python_word(code)))
            continue;
        size_t end = at;
        while (end > done) {
            size_t length = read_back(text, done, end, &code);
            if (!python_space(code))
                break;
            end -= length;
        }
        append(parser, text + done, end - done, false);
        append(parser, word, word_bytes, true);
        i = done = skip_spaces(text, behind, bytes);
    }
    append(parser, text + done, bytes - done, false);
}

/* :1.2) at text[0], with white space around the number: how many bytes, or 0.  Digits may be those
 * of any script. */
static size_t read_weight(const char *text, size_t bytes, double *weight)
{
    char     number[64];
    size_t   count = 0, i = skip_spaces(text, 1, bytes);
    bool     long_one = false, negative = i < bytes && text[i] == '-';
    uint32_t code;
    if (i < bytes && (text[i] == '-' || text[i] == '+'))
        i++;
    size_t first = i;
    for (size_t length; i < bytes; i += length) {
        length = utf8_read(text + i, bytes - i, &code);
        int digit = unicode_digit(code);
        if (digit < 0 && code != '.')
            break;
        if (count < sizeof number)
            number[count++] = digit < 0 ? '.' : (char)('0' + digit);
        else
            long_one = true;
    }
    if (i == first)
        return 0;
    i = skip_spaces(text, i, bytes);
    if (i == bytes || text[i] != ')' || !number_parse(number, count, weight))
        return 0;
    /* So many digits are either far above the limit or below what a float tells apart. */
    if (long_one && !memchr(number, '.', count))
        *weight = PROMPT_WEIGHT_LIMIT;
    if (negative)
        *weight = -*weight;
    return i + 1;
}

static bool is_plain(char c)
{
    return c && !strchr("\\()[]:", c);
}

/* What stands at text[0], taken in; returns how many bytes it has. */
static size_t step(Parser *parser, const char *text, size_t bytes)
{
    double weight;
    size_t length = 1;
    switch (*text) {
    case '\\':
        length = bytes > 1 && strchr("()[]\\", text[1]) ? 2 : 1;
        append(parser, text + 1, length - 1, false);
        return length;
    case '(':
        open_bracket(parser, &parser->round);
        return 1;
    case '[':
        open_bracket(parser, &parser->square);
        return 1;
    case ')':
        if (parser->round.depth)
            close_bracket(parser, &parser->round, 1.1);
        else
            append(parser, text, 1, false);
        return 1;
    case ']':
        if (parser->square.depth)
            close_bracket(parser, &parser->square, 1 / 1.1);
        else
            append(parser, text, 1, false);
        return 1;
    case ':':
        length = read_weight(text, bytes, &weight);
        if (length && parser->round.depth)
            close_bracket(parser, &parser->round, weight);
        else
            append(parser, text, length ? length : (length = 1), false);
        return length;
    default:
        while (length < bytes && is_plain(text[length]))
            length++;
        append_text(parser, text, length);
        return length;
    }
}

static void close_all(Parser *parser, const Brackets *brackets, double factor)
{
    for (size_t i = 0; i < brackets->depth && i < PROMPT_DEPTH; i++)
        multiply_from(parser, brackets->starts[i], factor);
}

/* Joins neighbours of the same weight, and holds all weights within their limit. */
static void join(WeightedText *out)
{
    size_t kept = 0;
    for (size_t i = 1; i < out->count; i++) {
        WeightedSpan *last = &out->spans[kept], *span = &out->spans[i];
        if (last->weight == span->weight && !last->is_break && !span->is_break)
            last->end = span->end;
        else
            out->spans[++kept] = *span;
    }
    out->count = kept + 1;
    for (size_t i = 0; i < out->count; i++) {
        double *weight = &out->spans[i].weight;
        *weight = fmax(-PROMPT_WEIGHT_LIMIT, fmin(*weight, PROMPT_WEIGHT_LIMIT));
    }
}

bool weighted_text_parse(WeightedText *weighted, const char *text, size_t bytes)
{
    Parser parser = { .out = weighted };
    weighted->text = malloc(bytes + 1);
    if (!weighted->text)
        return false;
    for (size_t i = 0; i < bytes && !parser.failed;)
        i += step(&parser, text + i, bytes - i);
    close_all(&parser, &parser.round, 1.1);
    close_all(&parser, &parser.square, 1 / 1.1);
    if (weighted->count == 0)
        append(&parser, text, 0, false);
    if (parser.failed)
        return false;
    join(weighted);
    return true;
}

void weighted_text_clear(WeightedText *weighted)
{
    free(weighted->text);
    free(weighted->spans);
    *weighted = (WeightedText){ 0 };
}
