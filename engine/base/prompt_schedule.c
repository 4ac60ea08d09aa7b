/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prompt_schedule.h"

#include "number.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

typedef enum {
    MARK_TEXT,      /* a bracket, colon or bar that is no more than that */
    MARK_SCHEDULE,  /* [ of [from:to:when] */
    MARK_ALTERNATE, /* [ of [a|b] */
    MARK_BORDER,    /* : | ] of either */
} MarkKind;

struct ScheduleMark {
    MarkKind kind;
    size_t   at;    /* in the text */
    size_t   next;  /* the next mark of the same construct; of ]: itself */
    size_t   close; /* its ] */
    int      count; /* of the opening one: borders, ] among them */
    int      when;  /* of MARK_SCHEDULE: the last step of `from` */
};

/* A bracket that has not closed yet. */
typedef struct {
    char   kind;
    size_t first, last; /* marks */
    size_t colons, bars;
} Frame;

typedef struct {
    PromptSchedule *out;
    size_t          mark_capacity, frame_count, frame_capacity;
    Frame          *frames;
    int             steps;
    bool           *is_end; /* [steps + 1] */
    bool            plain;  /* a bar or backslash fits nowhere: all is text */
    bool            alternates, failed;
} Parser;

static size_t add_mark(Parser *parser, size_t at)
{
    PromptSchedule *out = parser->out;
    if (out->mark_count == parser->mark_capacity) {
        size_t        capacity = 2 * parser->mark_capacity + 16;
        ScheduleMark *marks = realloc(out->marks, capacity * sizeof *marks);
        parser->failed = parser->failed || !marks;
        if (!marks)
            return 0;
        out->marks = marks;
        parser->mark_capacity = capacity;
    }
    size_t index = out->mark_count++;
    out->marks[index] = (ScheduleMark){ .kind = MARK_TEXT, .at = at, .next = index };
    return index;
}

static void open_frame(Parser *parser, char kind, size_t at)
{
    if (parser->frame_count == parser->frame_capacity) {
        size_t capacity = 2 * parser->frame_capacity + 16;
        Frame *frames = realloc(parser->frames, capacity * sizeof *frames);
        parser->failed = parser->failed || !frames;
        if (!frames)
            return;
        parser->frames = frames;
        parser->frame_capacity = capacity;
    }
    size_t mark = add_mark(parser, at);
    parser->frames[parser->frame_count++] = (Frame){ .kind = kind, .first = mark, .last = mark };
}

static void add_border(Parser *parser, Frame *frame, size_t at)
{
    size_t mark = add_mark(parser, at);
    if (parser->failed)
        return;
    parser->out->marks[frame->last].next = mark;
    frame->last = mark;
}

/* What is open turns out to be text, with all around it. */
static void drop_frames(Parser *parser)
{
    for (size_t i = 0; i < parser->frame_count; i++)
        parser->plain = parser->plain || parser->frames[i].bars > 0;
    parser->frame_count = 0;
}

/* The number in text[begin … end), as a step: with a point it is a share of the steps. */
static bool read_when(const Parser *parser, size_t begin, size_t end, int *when)
{
    const char *text = parser->out->text;
    begin = unicode_skip_spaces(text, begin, end);
    size_t stop = begin;
    while (stop < end && memchr("+-.0123456789eE", text[stop], 15))
        stop++;
    double value = 0;
    if (unicode_skip_spaces(text, stop, end) != end ||
        (!number_parse(text + begin, stop - begin, &value) &&
         value == 0)) /* not 0: a number without bounds */
        return false;
    if (memchr(text + begin, '.', stop - begin))
        value *= parser->steps;
    *when = value >= parser->steps ? parser->steps : value < 1 ? 0 : (int)value;
    return true;
}

/* Makes the innermost bracket a construct with its ] at `at`, if it is one. */
static bool close_square(Parser *parser, Frame *frame, size_t at)
{
    ScheduleMark *marks = parser->out->marks;
    int           when = 0;
    if (!frame->colons && !frame->bars)
        return true;
    if (frame->colons && (frame->bars || frame->colons > 2 ||
                          !read_when(parser, marks[frame->last].at + 1, at, &when)))
        return false;
    add_border(parser, frame, at);
    if (parser->failed)
        return true;
    marks = parser->out->marks;
    ScheduleMark *first = &marks[frame->first];
    first->kind = frame->bars ? MARK_ALTERNATE : MARK_SCHEDULE;
    first->count = (int)(frame->colons + frame->bars + 1);
    first->when = when;
    first->close = frame->last;
    for (size_t i = first->next;; i = marks[i].next) {
        marks[i].kind = MARK_BORDER;
        marks[i].close = frame->last;
        if (i == frame->last)
            break;
    }
    parser->alternates = parser->alternates || frame->bars;
    parser->is_end[when] = true;
    return true;
}

static void close_frame(Parser *parser, char kind, size_t at)
{
    Frame *frame = parser->frame_count ? &parser->frames[parser->frame_count - 1] : NULL;
    bool   good = frame && frame->kind == kind;
    if (good && kind == '(')
        good = !frame->bars && frame->colons <= 1;
    else if (good)
        good = close_square(parser, frame, at);
    if (good)
        parser->frame_count--;
    else
        drop_frames(parser);
}

static void scan(Parser *parser)
{
    const char *text = parser->out->text;
    size_t      bytes = parser->out->bytes;
    for (size_t i = 0; i < bytes && !parser->failed && !parser->plain; i++) {
        Frame *frame = parser->frame_count ? &parser->frames[parser->frame_count - 1] : NULL;
        switch (text[i]) {
        case '\\':
            i++;
            parser->plain = i == bytes || text[i] == '\n';
            break;
        case '(':
        case '[':
            open_frame(parser, text[i], i);
            break;
        case ')':
            close_frame(parser, '(', i);
            break;
        case ']':
            close_frame(parser, '[', i);
            break;
        case ':':
            if (frame) {
                frame->colons++;
                add_border(parser, frame, i);
            }
            break;
        case '|':
            parser->plain = !frame;
            if (frame) {
                frame->bars++;
                add_border(parser, frame, i);
            }
            break;
        }
    }
    drop_frames(parser);
}

/* Leaves only the marks that matter, their indices turned into the new ones. */
static bool keep_marks(PromptSchedule *schedule)
{
    size_t *renumbered = malloc((schedule->mark_count + 1) * sizeof *renumbered);
    if (!renumbered)
        return false;
    size_t count = 0;
    for (size_t i = 0; i < schedule->mark_count; i++) {
        renumbered[i] = count;
        count += schedule->marks[i].kind != MARK_TEXT;
    }
    for (size_t i = 0; i < schedule->mark_count; i++) {
        ScheduleMark *mark = &schedule->marks[i];
        if (mark->kind == MARK_TEXT)
            continue;
        mark->next = renumbered[mark->next];
        mark->close = renumbered[mark->close];
        schedule->marks[renumbered[i]] = *mark;
    }
    schedule->mark_count = count;
    free(renumbered);
    return true;
}

bool prompt_schedule_parse(PromptSchedule *schedule, const char *text, size_t bytes, int steps)
{
    Parser parser = { .out = schedule, .steps = steps };
    schedule->text = text;
    schedule->bytes = bytes;
    schedule->ends = malloc(((size_t)steps + 1) * sizeof *schedule->ends);
    parser.is_end = calloc((size_t)steps + 1, sizeof *parser.is_end);
    bool ok = schedule->ends && parser.is_end;
    if (ok) {
        scan(&parser);
        if (parser.plain)
            schedule->mark_count = 0;
        for (int end = 1; end <= steps; end++)
            if (end == steps || (!parser.plain && (parser.alternates || parser.is_end[end])))
                schedule->ends[schedule->end_count++] = end;
        ok = !parser.failed && keep_marks(schedule);
    }
    free(parser.frames);
    free(parser.is_end);
    return ok;
}

void prompt_schedule_clear(PromptSchedule *schedule)
{
    free(schedule->marks);
    free(schedule->ends);
    *schedule = (PromptSchedule){ 0 };
}

/* The mark behind which the text of this step begins; the closing one: it is empty. */
static size_t choose(const ScheduleMark *marks, size_t open, int step)
{
    const ScheduleMark *mark = &marks[open];
    size_t              chosen = open;
    if (mark->kind == MARK_SCHEDULE) {
        bool has_from = mark->count == 3;
        if (step > mark->when)
            return has_from ? mark->next : open;
        return has_from ? open : mark->close;
    }
    for (int skip = (step - 1) % mark->count; skip > 0; skip--)
        chosen = marks[chosen].next;
    return chosen;
}

size_t prompt_schedule_text(const PromptSchedule *schedule, int step, char *out)
{
    const ScheduleMark *marks = schedule->marks;
    size_t              at = 0, count = 0;
    for (size_t i = 0; i < schedule->mark_count;) {
        memcpy(out + count, schedule->text + at, marks[i].at - at);
        count += marks[i].at - at;
        /* A border that is reached by reading on ends what was chosen. */
        size_t chosen = marks[i].kind == MARK_BORDER ? marks[i].close : choose(marks, i, step);
        at = marks[chosen].at + 1;
        i = chosen + 1;
    }
    memcpy(out + count, schedule->text + at, schedule->bytes - at);
    return count + schedule->bytes - at;
}

void prompt_schedule_blank(const PromptSchedule *schedule, char *out)
{
    for (size_t i = 0; i < schedule->mark_count; i++)
        out[schedule->marks[i].at] = ' ';
}
