/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prompt.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A { | or } that belongs to a choice, or a bracket that is still open. */
typedef struct {
    char   kind;
    size_t at;    /* in the text */
    size_t next;  /* the next mark of the same choice */
    size_t close; /* its }; 0: it has none, and the mark is text */
    size_t count; /* of {: how many alternatives */
} Mark;

/* Steele, Lea and Flood 2014: SplitMix64, a good spread from any seed. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Takes out what stands between a # and the line's end, in place. */
static void strip_comments(char *text)
{
    char *out = text;
    for (const char *in = text; *in;) {
        if (*in == '#') {
            in += strcspn(in, "\n");
            continue;
        }
        if (*in == '\\' && in[1])
            *out++ = *in++;
        *out++ = *in++;
    }
    *out = '\0';
}

/* Ties the choice that begins at marks[open] to its } at marks[close]. */
static void close_choice(Mark *marks, size_t open, size_t close)
{
    for (size_t i = open; i != close; i = marks[i].next)
        marks[i].close = close;
    marks[close].close = close;
}

/* Finds the choices of text.  marks has room for a mark a byte, open for as many numbers of marks.
 * A bar inside of [a|b] is the prompt language's; braces with no bar are text. */
static size_t find_choices(const char *text, Mark *marks, size_t *open, size_t *last)
{
    size_t count = 0, depth = 0;
    for (size_t i = 0; text[i]; i++) {
        char c = text[i];
        if (c == '\\' && text[i + 1]) {
            i++;
        } else if (c == '{' || c == '[') {
            marks[count] = (Mark){ .kind = c, .at = i, .count = 1 };
            last[depth] = count;
            open[depth++] = count++;
        } else if (c == ']') {
            depth -= depth && marks[open[depth - 1]].kind == '[';
        } else if (c == '|' && depth && marks[open[depth - 1]].kind == '{') {
            marks[open[depth - 1]].count++;
            marks[last[depth - 1]].next = count;
            marks[count] = (Mark){ .kind = c, .at = i };
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
            marks[count] = (Mark){ .kind = c, .at = i };
            close_choice(marks, open[depth], count++);
        }
    }
    return count;
}

/* The text with every choice made, in place: what is left out only makes it shorter. */
static void make_choices(char *text, const Mark *marks, size_t count, uint64_t seed)
{
    size_t at = 0, length = 0;
    for (size_t i = 0; i < count;) {
        const Mark *mark = &marks[i];
        if (!mark->close) {
            i++;
            continue;
        }
        memmove(text + length, text + at, mark->at - at);
        length += mark->at - at;
        size_t chosen = mark->close; /* of a bar or }: what was chosen ends here */
        if (mark->kind == '{') {
            chosen = i;
            for (uint64_t skip = (next_random(&seed) >> 32) * mark->count >> 32; skip > 0; skip--)
                chosen = marks[chosen].next;
        }
        at = marks[chosen].at + 1;
        i = chosen + 1;
    }
    size_t rest = strlen(text + at);
    memmove(text + length, text + at, rest + 1);
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || (c & 0x80);
}

bool prompt_has_and(const char *text)
{
    for (const char *at = text; (at = strstr(at, "AND")) != NULL; at += 3)
        if ((at == text || !is_word(at[-1])) && !is_word(at[3]))
            return true;
    return false;
}

char *prompt_expand(const char *text, unsigned long long seed)
{
    size_t bytes = strlen(text);
    char  *out = malloc(bytes + 1);
    if (!out)
        return NULL;
    memcpy(out, text, bytes + 1);
    strip_comments(out);

    size_t candidates = 1;
    for (size_t i = 0; out[i]; i++)
        candidates += strchr("{|}[", out[i]) != NULL;
    Mark   *marks = malloc(candidates * sizeof *marks);
    size_t *stacks = malloc(2 * candidates * sizeof *stacks);
    if (marks && stacks) {
        size_t count = find_choices(out, marks, stacks, stacks + candidates);
        make_choices(out, marks, count, seed);
    } else {
        free(out);
        out = NULL;
    }
    free(marks);
    free(stacks);
    return out;
}
