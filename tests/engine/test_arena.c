/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compute/arena.h"

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

/* The same calls on any arena, with sizes that are no multiples of anything. */
static void use(Arena *arena)
{
    ArenaMark start = arena_mark(arena);
    char     *a = arena_take(arena, ARENA_LOW, 1001);
    ArenaMark middle = arena_mark(arena);
    char     *b = arena_take(arena, ARENA_HIGH, 77777), *c = arena_take(arena, ARENA_LOW, 1);
    if (a) {
        CHECK((uintptr_t)a % 64 == 0 && (uintptr_t)b % 64 == 0 && (uintptr_t)c % 64 == 0);
        memset(a, 1, 1001);
        memset(b, 2, 77777);
        *c = 3;
        CHECK(a[1000] == 1 && b[0] == 2 && b[77776] == 2 && a[0] == 1);
    }
    arena_rewind_end(arena, ARENA_LOW, middle);
    char *again = arena_take(arena, ARENA_LOW, 500000);
    CHECK(again == c);
    arena_rewind_end(arena, ARENA_HIGH, middle);
    char *high = arena_take(arena, ARENA_HIGH, 77777);
    CHECK(high == b);
    arena_rewind(arena, start);
    CHECK(arena->low == start.low && arena->high == start.high);
}

static void a_dry_run_counts_exactly(void)
{
    Arena dry = { 0 }, real;
    use(&dry);
    CHECK(dry.peak >= 500000 + 1001 + 77777 && dry.peak < 500000 + 1001 + 77777 + 1024);
    CHECK(arena_init(&real, dry.peak));
    use(&real);
    use(&real);
    CHECK_INT((long long)real.peak, (long long)dry.peak);
    arena_finish(&real);
    arena_finish(&dry);
    arena_finish(&real);
}

static void pages_begin_as_zero(void)
{
    Arena arena;
    CHECK(arena_init(&arena, 5 << 20));
    unsigned char *x = arena_take(&arena, ARENA_HIGH, 5 << 20), sum = 0;
    for (size_t i = 0; i < 5 << 20; i++)
        sum |= x[i];
    CHECK(sum == 0);
    arena_finish(&arena);
}

static void too_much_is_refused(void)
{
    Arena arena;
    CHECK(!arena_init(&arena, SIZE_MAX));
    CHECK(!arena_init(&arena, SIZE_MAX / 4));
    arena_finish(&arena);
    CHECK(arena_init(&arena, 0));
    arena_finish(&arena);
}

static void what_is_not_taken_is_poisoned_under_asan(void)
{
#ifdef HAS_ASAN
    Arena arena;
    CHECK(arena_init(&arena, 1 << 20));
    ArenaMark mark = arena_mark(&arena);
    char     *a = arena_take(&arena, ARENA_LOW, 100), *b = arena_take(&arena, ARENA_LOW, 64);
    char     *c = arena_take(&arena, ARENA_HIGH, 64);
    CHECK(!__asan_address_is_poisoned(a + 99) && __asan_address_is_poisoned(a + 104));
    CHECK(!__asan_address_is_poisoned(b) && __asan_address_is_poisoned(b - 1));
    CHECK(!__asan_address_is_poisoned(c + 63) && __asan_address_is_poisoned(c + 64));
    arena_rewind(&arena, mark);
    CHECK(__asan_address_is_poisoned(a) && __asan_address_is_poisoned(c));
    arena_finish(&arena);
#else
    Arena dry = { 0 }; /* without ASan pieces touch: nothing is wasted */
    arena_take(&dry, ARENA_LOW, 128);
    CHECK_INT((long long)dry.peak, 128);
#endif
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(a_dry_run_counts_exactly);
    RUN(pages_begin_as_zero);
    RUN(too_much_is_refused);
    RUN(what_is_not_taken_is_poisoned_under_asan);
    return test_end();
}
