/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scratch memory for one run: one block asked for once, used from both ends.
 *
 * A layer that makes a large output from a large input takes it from the other end than its input
 * lies at, so that the input can be given back first.  With no block (a dry run) the same calls
 * only count: `peak` is then exactly what the real run will need.
 * Under ASan what is given back is poisoned and pieces have redzones. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    unsigned char *block;     /* NULL: dry run, every arena_take() returns NULL and counts */
    size_t         size;      /* bytes of block */
    size_t         low, high; /* bytes in use from the start and from the end */
    size_t         peak;      /* most bytes ever in use at once */
} Arena;

typedef enum { ARENA_LOW, ARENA_HIGH } ArenaEnd;

typedef struct {
    size_t low, high;
} ArenaMark;

/* Maps `bytes` of zero pages, advised for huge pages (page faults cost a third of a run on
 * virtual machines otherwise).  False when the system has not that much. */
bool arena_init(Arena *arena, size_t bytes);
void arena_finish(Arena *arena); /* of a zeroed Arena: nothing */

/* 64-byte aligned bytes; asserts that the dry run promised enough. NULL in a dry run. */
void *arena_take(Arena *arena, ArenaEnd end, size_t bytes);

ArenaMark arena_mark(const Arena *arena);
/* Gives back all that was taken since mark, at both ends, or at one end only. */
void arena_rewind(Arena *arena, ArenaMark mark);
void arena_rewind_end(Arena *arena, ArenaEnd end, ArenaMark mark);
