/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prompts that change on the way: [from:to:when], [to:when], [from::when] and [a|b|c], as A1111's
 * get_learned_conditioning_prompt_schedules() reads them.
 *
 * Its grammar: brackets that close one another hold text with no stray bracket, colon or bar in it,
 * else they are text, and so are all brackets around them.  A bar, or a backslash with nothing
 * behind it, where the grammar has none makes the whole prompt plain text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct ScheduleMark ScheduleMark;

typedef struct {
    const char *text; /* borrowed */
    size_t      bytes;
    ScheduleMark *marks; /* brackets, colons and bars of what changes, in order */
    size_t      mark_count;
    int        *ends; /* last step (the first is 1) of each stretch, rising; the last is `steps` */
    int         end_count;
} PromptSchedule;

/* Zero it first; clear it also after a failure, which means out of memory. */
bool prompt_schedule_parse(PromptSchedule *schedule, const char *text, size_t bytes, int steps);
void prompt_schedule_clear(PromptSchedule *schedule);

/* The text at a step; out has room for schedule->bytes, and the result is how many it took. */
size_t prompt_schedule_text(const PromptSchedule *schedule, int step, char *out);
/* Puts blanks in place of the brackets, colons and bars of what changes; out is a copy of the text. */
void prompt_schedule_blank(const PromptSchedule *schedule, char *out);
