/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in a prompt its grammar stands: what weighs how much, what is a choice, what is a comment.  The
 * engine reads with it, and the dialog marks what it finds.  Linear in the text; no recursion.
 *
 * The engine takes comments and choices first (prompt_expand), then what changes on the way
 * (prompt_schedule.h), and weighs what is left; prompt_scan_written() does all that in place. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Brackets deeper than PROMPT_DEPTH are matched like the others but weigh nothing: so no piece is
 * multiplied more than twice that often, and a megabyte of brackets takes no longer than one of words. */
enum { PROMPT_WEIGHT_LIMIT = 10000, PROMPT_DEPTH = 128 };

/* Bytes of what is one piece at text[0], which is not the end of what ends in NUL: a # comment without
 * its line feed, a byte with the backslash before it, or one byte. */
size_t prompt_scan_step(const char *text);

/* A { | or } that belongs to a choice, or { or [ that may be text. */
typedef struct {
    char   kind;
    size_t at;    /* in the text */
    size_t next;  /* the next mark of the same choice */
    size_t close; /* its }; 0: it has none, and the mark is text */
    size_t count; /* of {: how many alternatives */
} PromptChoice;

/* The choices of a text, in order; free() them.  A bar inside of [a|b] is not theirs; braces with no bar
 * are text.  NULL: out of memory. */
PromptChoice *prompt_scan_choices(const char *text, size_t *count);

typedef enum {
    PROMPT_TEXT,
    PROMPT_ESCAPE, /* a backslash, with the bracket or backslash behind it if there is one */
    PROMPT_OPEN,   /* ( or [ */
    PROMPT_CLOSE,  /* ) or ] or :1.2) */
} PromptPieceKind;

typedef struct {
    PromptPieceKind kind;
    size_t          begin, end; /* in the text */
    double          own;        /* of PROMPT_OPEN: what this bracket says */
    size_t          close;      /* of PROMPT_OPEN: the piece that closes it; 0: none, it weighs to the end,
                                   or nothing for its depth (own is 1) */
} PromptPiece;

/* All of the text, piece by piece.  Zero it first; clear it also after a failure (out of memory). */
typedef struct {
    PromptPiece *pieces;
    double      *weights; /* [count], each of all brackets around its piece, its own too; finite, not yet held
                             within PROMPT_WEIGHT_LIMIT.  Apart, for they are passed over often */
    size_t       count, capacity;
} PromptScan;

/* (a:1.2)  (a) = 1.1  [a] = 1/1.1  \( \) \[ \] \\ as A1111's parse_prompt_attention() takes them. */
bool prompt_scan_weights(PromptScan *scan, const char *text, size_t bytes);
/* The same for text as it is typed: comments weigh nothing, and neither do choices, [from:to:when] and
 * [a|b] themselves; every alternative weighs as it stands. */
bool prompt_scan_written(PromptScan *scan, const char *text);
void prompt_scan_clear(PromptScan *scan);
