/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prompt.h"

#include "../base/prompt_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
        size_t step = prompt_scan_step(in);
        if (*in != '#') {
            memmove(out, in, step);
            out += step;
        }
        in += step;
    }
    *out = '\0';
}

/* The text with every choice made, in place: what is left out only makes it shorter. */
static void make_choices(char *text, const PromptChoice *marks, size_t count, uint64_t seed)
{
    size_t at = 0, length = 0;
    for (size_t i = 0; i < count;) {
        const PromptChoice *mark = &marks[i];
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

    size_t        count = 0;
    PromptChoice *choices = prompt_scan_choices(out, &count);
    if (choices) {
        make_choices(out, choices, count, seed);
    } else {
        free(out);
        out = NULL;
    }
    free(choices);
    return out;
}
