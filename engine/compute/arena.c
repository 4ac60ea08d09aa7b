/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "arena.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif
#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#else
#define ARENA_POISONS 0
#define ASAN_POISON_MEMORY_REGION(start, bytes) ((void)(start), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(start, bytes) ((void)(start), (void)(bytes))
#endif

enum {
    ALIGNMENT = 64,
    REDZONE = ARENA_POISONS ? 64 : 0, /* between pieces, so that an overrun is seen */
    HUGE_PAGE = 2 << 20,
};

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

bool arena_init(Arena *arena, size_t bytes)
{
    *arena = (Arena){ 0 };
    if (bytes == 0)
        bytes = ALIGNMENT;
    if (bytes > SIZE_MAX / 2)
        return false;
    /* A block that begins on a huge page: mapped larger, then trimmed. */
    size_t         size = round_up(bytes, HUGE_PAGE);
    unsigned char *map =
        mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return false;
    size_t skip = (size_t)(-(uintptr_t)map % HUGE_PAGE);
    if (skip)
        munmap(map, skip);
    munmap(map + skip + size, HUGE_PAGE - skip);
#ifdef MADV_HUGEPAGE
    madvise(map + skip, size, MADV_HUGEPAGE);
#endif
    arena->block = map + skip;
    arena->size = size;
    ASAN_POISON_MEMORY_REGION(arena->block, size);
    return true;
}

void arena_finish(Arena *arena)
{
    if (arena->block) {
        ASAN_UNPOISON_MEMORY_REGION(arena->block, arena->size);
        munmap(arena->block, arena->size);
    }
    *arena = (Arena){ 0 };
}

void *arena_take(Arena *arena, ArenaEnd end, size_t bytes)
{
    size_t  whole = round_up(bytes, ALIGNMENT) + REDZONE;
    size_t *used = end == ARENA_LOW ? &arena->low : &arena->high;
    assert(whole >= bytes);
    *used += whole;
    if (arena->low + arena->high > arena->peak)
        arena->peak = arena->low + arena->high;
    if (!arena->block)
        return NULL;
    assert(arena->low + arena->high <= arena->size);
    unsigned char *piece = end == ARENA_LOW ? arena->block + arena->low - whole
                                            : arena->block + arena->size - arena->high;
    ASAN_UNPOISON_MEMORY_REGION(piece, bytes);
    return piece;
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
        if (arena->block)
            ASAN_POISON_MEMORY_REGION(arena->block + mark.low, arena->low - mark.low);
        arena->low = mark.low;
    } else {
        assert(mark.high <= arena->high);
        if (arena->block)
            ASAN_POISON_MEMORY_REGION(arena->block + arena->size - arena->high,
                                      arena->high - mark.high);
        arena->high = mark.high;
    }
}
