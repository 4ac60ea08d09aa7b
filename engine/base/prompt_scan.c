/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prompt_scan.h"

#include "number.h"
#include "prompt_schedule.h"
#include "unicode.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

/* While it is computed a weight may leave its range and come back, but stays finite. */
static const double MIDWAY_LIMIT = 1e30;

size_t prompt_scan_step(const char *text)
{
    if (*text == '#')
        return strcspn(text, "\n");
    return *text == '\\' && text[1] ? 2 : 1;
}

/* ---- choices ----------------------------------------------------------------------------- */

/* Ties the choice that begins at marks[open] to its } at marks[close]. */
static void close_choice(PromptChoice *marks, size_t open, size_t close)
{
    for (size_t i = open; i != close; i = marks[i].next)
        marks[i].close = close;
    marks[close].close = close;
}

/* marks has room for every bracket and bar, open and last for as many numbers of marks. */
static size_t find_choices(const char *text, PromptChoice *marks, size_t *open, size_t *last)
{
    size_t count = 0, depth = 0;
    for (size_t i = 0; text[i]; i += prompt_scan_step(text + i)) {
        char c = text[i];
        if (c == '{' || c == '[') {
            marks[count] = (PromptChoice){ .kind = c, .at = i, .count = 1 };
            last[depth] = count;
            open[depth++] = count++;
        } else if (c == ']') {
            depth -= depth && marks[open[depth - 1]].kind == '[';
        } else if (c == '|' && depth && marks[open[depth - 1]].kind == '{') {
            marks[open[depth - 1]].count++;
            marks[last[depth - 1]].next = count;
            marks[count] = (PromptChoice){ .kind = c, .at = i };
            last[depth - 1] = count++;
        } else if (c == '}') {
            size_t outer = depth;
            while (outer && marks[open[outer - 1]].kind == '[')
                outer--;
            if (!outer)
                continue;
            depth = outer - 1;
            if (marks[open[depth]].count < 2)
                continue;
            marks[last[depth]].next = count;
            marks[count] = (PromptChoice){ .kind = c, .at = i };
            close_choice(marks, open[depth], count++);
        }
    }
    return count;
}

PromptChoice *prompt_scan_choices(const char *text, size_t *count)
{
    size_t candidates = 1;
    for (size_t i = 0; text[i]; i++)
        candidates += strchr("{|}[", text[i]) != NULL;
    PromptChoice *marks = malloc(candidates * sizeof *marks);
    size_t       *stacks = malloc(2 * candidates * sizeof *stacks);
    if (marks && stacks) {
        *count = find_choices(text, marks, stacks, stacks + candidates);
    } else {
        free(marks);
        marks = NULL;
    }
    free(stacks);
    return marks;
}

/* ---- weights ----------------------------------------------------------------------------- */

/* Where brackets of one kind opened, as numbers of pieces. */
typedef struct {
    size_t starts[PROMPT_DEPTH];
    size_t depth; /* may pass PROMPT_DEPTH */
} Brackets;

typedef struct {
    PromptScan *out;
    Brackets    round, square;
} Parser;

static bool reserve_one(PromptScan *scan)
{
    if (scan->count < scan->capacity)
        return true;
    size_t       capacity = 2 * scan->capacity + 8;
    PromptPiece *pieces = realloc(scan->pieces, capacity * sizeof *pieces);
    if (!pieces)
        return false;
    scan->pieces = pieces;
    double *weights = realloc(scan->weights, capacity * sizeof *weights);
    if (!weights)
        return false;
    scan->weights = weights;
    scan->capacity = capacity;
    return true;
}

static bool append(PromptScan *scan, PromptPieceKind kind, size_t begin, size_t bytes)
{
    if (!reserve_one(scan))
        return false;
    scan->weights[scan->count] = 1;
    scan->pieces[scan->count++] = (PromptPiece){
        .kind = kind,
        .begin = begin,
        .end = begin + bytes,
        .own = 1,
    };
    return true;
}

/* No fmin(): it is a call, and this loop is what a text of nothing but brackets takes its time for. */
static void multiply_from(PromptScan *scan, size_t start, double factor)
{
    scan->pieces[start].own = factor;
    for (size_t i = start; i < scan->count; i++) {
        double weight = scan->weights[i] * factor;
        weight = weight < MIDWAY_LIMIT ? weight : MIDWAY_LIMIT;
        scan->weights[i] = weight > -MIDWAY_LIMIT ? weight : -MIDWAY_LIMIT;
    }
}

static bool open_bracket(Parser *parser, Brackets *brackets, size_t at)
{
    if (brackets->depth < PROMPT_DEPTH)
        brackets->starts[brackets->depth] = parser->out->count;
    brackets->depth++;
    return append(parser->out, PROMPT_OPEN, at, 1);
}

static bool close_bracket(Parser *parser, Brackets *brackets, double factor, size_t at, size_t bytes)
{
    if (!append(parser->out, PROMPT_CLOSE, at, bytes))
        return false;
    brackets->depth--;
    if (brackets->depth < PROMPT_DEPTH) {
        size_t start = brackets->starts[brackets->depth];
        parser->out->pieces[start].close = parser->out->count - 1;
        multiply_from(parser->out, start, factor);
    }
    return true;
}

/* :1.2) at text[0], with white space around the number: how many bytes, or 0.  Digits may be those
 * of any script. */
static size_t read_weight(const char *text, size_t bytes, double *weight)
{
    char     number[64];
    size_t   count = 0, i = unicode_skip_spaces(text, 1, bytes);
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
    i = unicode_skip_spaces(text, i, bytes);
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

/* Takes in what stands at text[at]; *length is how many bytes it has. */
static bool take(Parser *parser, const char *text, size_t at, size_t bytes, size_t *length)
{
    double weight;
    *length = 1;
    switch (text[at]) {
    case '\\':
        *length = at + 1 < bytes && text[at + 1] && strchr("()[]\\", text[at + 1]) ? 2 : 1;
        return append(parser->out, PROMPT_ESCAPE, at, *length);
    case '(':
        return open_bracket(parser, &parser->round, at);
    case '[':
        return open_bracket(parser, &parser->square, at);
    case ')':
        if (parser->round.depth)
            return close_bracket(parser, &parser->round, 1.1, at, 1);
        return append(parser->out, PROMPT_TEXT, at, 1);
    case ']':
        if (parser->square.depth)
            return close_bracket(parser, &parser->square, 1 / 1.1, at, 1);
        return append(parser->out, PROMPT_TEXT, at, 1);
    case ':':
        *length = read_weight(text + at, bytes - at, &weight);
        if (*length && parser->round.depth)
            return close_bracket(parser, &parser->round, weight, at, *length);
        if (!*length)
            *length = 1;
        return append(parser->out, PROMPT_TEXT, at, *length);
    default:
        while (at + *length < bytes && is_plain(text[at + *length]))
            ++*length;
        return append(parser->out, PROMPT_TEXT, at, *length);
    }
}

static void close_all(Parser *parser, const Brackets *brackets, double factor)
{
    for (size_t i = 0; i < brackets->depth && i < PROMPT_DEPTH; i++)
        multiply_from(parser->out, brackets->starts[i], factor);
}

bool prompt_scan_weights(PromptScan *scan, const char *text, size_t bytes)
{
    Parser parser = { .out = scan };
    for (size_t at = 0, length; at < bytes; at += length)
        if (!take(&parser, text, at, bytes, &length))
            return false;
    close_all(&parser, &parser.round, 1.1);
    close_all(&parser, &parser.square, 1 / 1.1);
    return true;
}

void prompt_scan_clear(PromptScan *scan)
{
    free(scan->pieces);
    free(scan->weights);
    *scan = (PromptScan){ 0 };
}

/* ---- as written -------------------------------------------------------------------------- */

/* A comment ends at a line feed or the text's end: blanks in its place change nothing else. */
static void blank_comments(char *text)
{
    for (size_t i = 0, step; text[i]; i += step) {
        step = prompt_scan_step(text + i);
        if (text[i] == '#')
            memset(text + i, ' ', step);
    }
}

static bool blank_choices(char *text)
{
    size_t        count = 0;
    PromptChoice *marks = prompt_scan_choices(text, &count);
    for (size_t i = 0; marks && i < count; i++)
        if (marks[i].close)
            text[marks[i].at] = ' ';
    free(marks);
    return marks != NULL;
}

static bool blank_schedule(char *text, size_t bytes)
{
    PromptSchedule schedule = { 0 };
    bool           ok = prompt_schedule_parse(&schedule, text, bytes, 1);
    if (ok)
        prompt_schedule_blank(&schedule, text);
    prompt_schedule_clear(&schedule);
    return ok;
}

bool prompt_scan_written(PromptScan *scan, const char *text)
{
    size_t bytes = strlen(text);
    char  *left = malloc(bytes + 1);
    if (!left)
        return false;
    memcpy(left, text, bytes + 1);
    blank_comments(left);
    bool ok = blank_choices(left) && blank_schedule(left, bytes) &&
              prompt_scan_weights(scan, left, bytes);
    free(left);
    return ok;
}
