/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scratch memory for one run: one block of a device's memory asked for once, used from both ends.
 *
 * A layer that makes a large output from a large input takes it from the other end than its input
 * lies at, so that the input can be given back first.  On the dry device (dry.h) the same calls only
 * count: `peak` is then exactly what the real run will need.
 * The arena itself never looks into the memory. Under ASan pieces have redzones. */
#pragma once

#include "device.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const Device *device; /* borrowed */
    DeviceMemory *memory; /* owned */
    size_t        size;      /* bytes of memory */
    size_t        low, high; /* bytes in use from the start and from the end */
    size_t        peak;      /* most bytes ever in use at once */
} Arena;

typedef enum { ARENA_LOW, ARENA_HIGH } ArenaEnd;

typedef struct {
    size_t low, high;
} ArenaMark;

/* Memory for `bytes`; for as much as there may be on the dry device.  False when the device has not
 * that much. */
bool arena_init(Arena *arena, const Device *device, size_t bytes);
void arena_finish(Arena *arena); /* of a zeroed Arena: nothing */

/* Bytes aligned as the device wants them; asserts that the dry run promised enough. */
DevicePiece arena_take(Arena *arena, ArenaEnd end, size_t bytes);

ArenaMark arena_mark(const Arena *arena);
/* Gives back all that was taken since mark, at both ends, or at one end only. */
void arena_rewind(Arena *arena, ArenaMark mark);
void arena_rewind_end(Arena *arena, ArenaEnd end, ArenaMark mark);
