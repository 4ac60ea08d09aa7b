/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "arena.h"

#include <assert.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
enum { REDZONE = 64 }; /* between pieces, so that an overrun is seen */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { REDZONE = 64 };
#else
enum { REDZONE = 0 };
#endif
#else
enum { REDZONE = 0 };
#endif

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

static void tell(const Arena *arena, size_t offset, size_t bytes, bool used)
{
    if (arena->device->memory_used && bytes > 0)
        arena->device->memory_used(arena->device, arena->memory, offset, bytes, used);
}

/* All of it counts as unused at first, so ASan reports whoever writes beside what was taken. */
bool arena_init(Arena *arena, const Device *device, size_t bytes)
{
    *arena = (Arena){ 0 };
    /* Half of what a size can say: rounding up to whole units cannot wrap around then. */
    if (bytes > SIZE_MAX / 2)
        return false;
    /* Pieces are taken from the end too: the end must be where one may begin. */
    size_t size = device->rehearses ? SIZE_MAX / 4 : bytes > 0 ? bytes : 1;
    size = round_up(size, device->alignment);
    DeviceMemory *memory = NULL;
    if (!device->memory_create(device, &memory, size))
        return false;
    *arena = (Arena){ .device = device, .memory = memory, .size = size };
    tell(arena, 0, size, false);
    return true;
}

void arena_finish(Arena *arena)
{
    if (arena->device) {
        /* The addresses may be handed out again: left poisoned, their next owner would be
         * reported. */
        tell(arena, 0, arena->size, true);
        arena->device->memory_destroy(arena->device, arena->memory, arena->size);
    }
    *arena = (Arena){ 0 };
}

DevicePiece arena_take(Arena *arena, ArenaEnd end, size_t bytes)
{
    size_t  alignment = arena->device->alignment;
    size_t  whole = round_up(bytes, alignment) + round_up(REDZONE, alignment);
    size_t *used = end == ARENA_LOW ? &arena->low : &arena->high;
    assert(whole >= bytes);
    *used += whole;
    assert(arena->low + arena->high <= arena->size);
    /* The peak counts the roundings too. The dry run has the same alignment and the same redzones,
     * so its peak is the real one. */
    if (arena->low + arena->high > arena->peak)
        arena->peak = arena->low + arena->high;
    size_t offset = end == ARENA_LOW ? arena->low - whole : arena->size - arena->high;
    /* Only what was asked for becomes usable: the rounding and the redzone behind it stay
     * poisoned. */
    tell(arena, offset, bytes, true);
    return (DevicePiece){ arena->memory, offset };
}

ArenaMark arena_mark(const Arena *arena)
{
    return (ArenaMark){ arena->low, arena->high };
}

void arena_rewind(Arena *arena, ArenaMark mark)
{
    arena_rewind_end(arena, ARENA_LOW, mark);
    arena_rewind_end(arena, ARENA_HIGH, mark);
}

void arena_rewind_end(Arena *arena, ArenaEnd end, ArenaMark mark)
{
    if (end == ARENA_LOW) {
        assert(mark.low <= arena->low);
        tell(arena, mark.low, arena->low - mark.low, false);
        arena->low = mark.low;
    } else {
        assert(mark.high <= arena->high);
        /* This end grows downwards: what was taken last lies lowest. */
        tell(arena, arena->size - arena->high, arena->high - mark.high, false);
        arena->high = mark.high;
    }
}
