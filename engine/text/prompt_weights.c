/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prompt_weights.h"

#include "../base/prompt_scan.h"
#include "../base/unicode.h"
#include "../base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    WeightedText *out;
    size_t        text_bytes, capacity;
    bool          failed; /* out of memory */
} Writer;

static void append(Writer *writer, const char *text, size_t bytes, double weight, bool is_break)
{
    WeightedText *out = writer->out;
    if (out->count == writer->capacity) {
        size_t        capacity = 2 * writer->capacity + 8;
        WeightedSpan *spans = realloc(out->spans, capacity * sizeof *spans);
        writer->failed = writer->failed || !spans;
        if (!spans)
            return;
        out->spans = spans;
        writer->capacity = capacity;
    }
    memcpy(out->text + writer->text_bytes, text, bytes);
    out->spans[out->count++] = (WeightedSpan){
        writer->text_bytes,
        writer->text_bytes + bytes,
        is_break ? -1 : weight,
        is_break,
    };
    writer->text_bytes += bytes;
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

/* Text with no bracket or colon in it, parted at each BREAK that is a word of its own.  Brackets around it
 * weigh what stands on both sides; in A1111 they make it a word of the prompt. */
static void append_text(Writer *writer, const char *text, size_t bytes, double weight)
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
            if (!unicode_is_python_space(code))
                break;
            end -= length;
        }
        append(writer, text + done, end - done, weight, false);
        append(writer, word, word_bytes, weight, true);
        i = done = unicode_skip_spaces(text, behind, bytes);
    }
    append(writer, text + done, bytes - done, weight, false);
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
    Writer     writer = { .out = weighted };
    PromptScan scan = { 0 };
    weighted->text = malloc(bytes + 1);
    bool ok = weighted->text && prompt_scan_weights(&scan, text, bytes);
    for (size_t i = 0; ok && i < scan.count && !writer.failed; i++) {
        const PromptPiece *piece = &scan.pieces[i];
        size_t             length = piece->end - piece->begin;
        if (piece->kind == PROMPT_TEXT)
            append_text(&writer, text + piece->begin, length, scan.weights[i]);
        else if (piece->kind == PROMPT_ESCAPE)
            append(&writer, text + piece->begin + 1, length - 1, scan.weights[i], false);
    }
    if (ok && weighted->count == 0 && !writer.failed)
        append(&writer, text, 0, 1, false);
    ok = ok && !writer.failed;
    if (ok)
        join(weighted);
    prompt_scan_clear(&scan);
    return ok;
}

void weighted_text_clear(WeightedText *weighted)
{
    free(weighted->text);
    free(weighted->spans);
    *weighted = (WeightedText){ 0 };
}
