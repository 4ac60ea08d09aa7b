/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compute/arena.h"
#include "compute/cpu/cpu.h"
#include "compute/dry.h"

#include "test.h"

#include <stdint.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* A processor without threads: its memory is all that is asked for. */
static const Device *processor(void)
{
    static Cpu cpu;
    cpu_init(&cpu, NULL, NULL, &(EngineError){ 0 });
    return &cpu.device;
}

static Arena dry_arena(Dry *dry)
{
    Arena arena;
    dry_init(dry, processor());
    CHECK(arena_init(&arena, &dry->device, 0));
    return arena;
}

/* The same calls on any arena, with sizes that are no multiples of anything. */
static void use(Arena *arena)
{
    ArenaMark   start = arena_mark(arena);
    DevicePiece a = arena_take(arena, ARENA_LOW, 1001);
    ArenaMark   middle = arena_mark(arena);
    DevicePiece b = arena_take(arena, ARENA_HIGH, 77777), c = arena_take(arena, ARENA_LOW, 1);
    CHECK(a.offset % 64 == 0 && b.offset % 64 == 0 && c.offset % 64 == 0);
    CHECK(a.offset < c.offset && c.offset < b.offset && b.offset + 77777 <= arena->size);
    if (arena->memory) {
        char *first = cpu_piece(a), *second = cpu_piece(b), *third = cpu_piece(c);
        CHECK((uintptr_t)first % 64 == 0);
        memset(first, 1, 1001);
        memset(second, 2, 77777);
        *third = 3;
        CHECK(first[1000] == 1 && second[0] == 2 && second[77776] == 2 && first[0] == 1);
    }
    arena_rewind_end(arena, ARENA_LOW, middle);
    CHECK(arena_take(arena, ARENA_LOW, 500000).offset == c.offset);
    arena_rewind_end(arena, ARENA_HIGH, middle);
    CHECK(arena_take(arena, ARENA_HIGH, 77777).offset == b.offset);
    arena_rewind(arena, start);
    CHECK(arena->low == start.low && arena->high == start.high);
}

static void a_dry_run_counts_exactly(void)
{
    Dry   rehearsal;
    Arena dry = dry_arena(&rehearsal), real;
    use(&dry);
    CHECK(dry.peak >= 500000 + 1001 + 77777 && dry.peak < 500000 + 1001 + 77777 + 1024);
    CHECK(arena_init(&real, processor(), dry.peak));
    use(&real);
    use(&real);
    CHECK_INT((long long)real.peak, (long long)dry.peak);
    arena_finish(&real);
    arena_finish(&dry);
    arena_finish(&real);
}

static void a_dry_run_has_no_end(void)
{
    Dry   rehearsal;
    Arena dry = dry_arena(&rehearsal);
    arena_take(&dry, ARENA_LOW, (size_t)1 << 50);
    CHECK(arena_take(&dry, ARENA_HIGH, (size_t)1 << 50).memory == NULL);
    CHECK(dry.peak >= (size_t)2 << 50);
    arena_finish(&dry);
}

static void pages_begin_as_zero(void)
{
    Arena arena;
    CHECK(arena_init(&arena, processor(), 5 << 20));
    unsigned char *x = cpu_piece(arena_take(&arena, ARENA_HIGH, (5 << 20) - 128)), sum = 0;
    for (size_t i = 0; i < (5 << 20) - 128; i++)
        sum |= x[i];
    CHECK(sum == 0);
    arena_finish(&arena);
}

static void too_much_is_refused(void)
{
    Arena arena;
    CHECK(!arena_init(&arena, processor(), SIZE_MAX));
    CHECK(!arena_init(&arena, processor(), SIZE_MAX / 4));
    arena_finish(&arena);
    CHECK(arena_init(&arena, processor(), 0));
    arena_finish(&arena);
}

static void what_is_not_taken_is_poisoned_under_asan(void)
{
#ifdef HAS_ASAN
    Arena arena;
    CHECK(arena_init(&arena, processor(), 1 << 20));
    ArenaMark mark = arena_mark(&arena);
    char     *a = cpu_piece(arena_take(&arena, ARENA_LOW, 100));
    char     *b = cpu_piece(arena_take(&arena, ARENA_LOW, 64));
    char     *c = cpu_piece(arena_take(&arena, ARENA_HIGH, 64));
    CHECK(!__asan_address_is_poisoned(a + 99) && __asan_address_is_poisoned(a + 104));
    CHECK(!__asan_address_is_poisoned(b) && __asan_address_is_poisoned(b - 1));
    CHECK(!__asan_address_is_poisoned(c + 63) && __asan_address_is_poisoned(c + 64));
    arena_rewind(&arena, mark);
    CHECK(__asan_address_is_poisoned(a) && __asan_address_is_poisoned(c));
    arena_finish(&arena);
#else
    Dry   rehearsal;
    Arena dry = dry_arena(&rehearsal); /* without ASan pieces touch: nothing is wasted */
    arena_take(&dry, ARENA_LOW, 128);
    CHECK_INT((long long)dry.peak, 128);
    arena_finish(&dry);
#endif
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(a_dry_run_counts_exactly);
    RUN(a_dry_run_has_no_end);
    RUN(pages_begin_as_zero);
    RUN(too_much_is_refused);
    RUN(what_is_not_taken_is_poisoned_under_asan);
    return test_end();
}
