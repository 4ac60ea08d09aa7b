/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compute/threads.h"

#include "test.h"

#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

enum { PIECES = 1000 };

typedef struct {
    int        threads;
    int        done[PIECES]; /* not atomic: TSan sees whether a piece is done once only */
    atomic_int in_use[64];   /* a worker's number belongs to one thread at a time */
    atomic_int faults;
} Count;

static void count_piece(void *data, int i, int worker)
{
    Count *count = data;
    if (worker < 0 || worker >= count->threads || atomic_fetch_add(&count->in_use[worker], 1) != 0)
        atomic_fetch_add(&count->faults, 1);
    count->done[i]++;
    atomic_fetch_sub(&count->in_use[worker], 1);
}

static void every_piece_is_done_once(void)
{
    static const int counts[] = { 1, 2, 3, 8, 33 };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        Threads *threads = threads_create(counts[i]);
        Count    count = { .threads = counts[i] };
        CHECK_INT(threads_count(threads), counts[i]);
        for (int n = 0; n <= PIECES; n += n < 20 ? 1 : 245)
            parallel_for(threads, n, count_piece, &count);
        int wrong = 0;
        for (int j = 0; j < PIECES; j++)
            wrong += count.done[j] != (j < 20 ? 24 - j : (PIECES - 1 - j) / 245 + 1);
        CHECK_INT(wrong, 0);
        CHECK_INT(atomic_load(&count.faults), 0);
        threads_destroy(threads);
    }
}

static void loops_follow_each_other_without_loss(void)
{
    Threads *threads = threads_create(3);
    Count    count = { .threads = 3 };
    for (int i = 0; i < 20000; i++) {
        parallel_for(threads, 5, count_piece, &count);
        if (i % 4000 == 0)
            usleep(2000); /* the workers fall asleep in between */
    }
    for (int i = 0; i < 5; i++)
        CHECK_INT(count.done[i], 20000);
    threads_destroy(threads);
}

static void pools_are_independent(void)
{
    Threads *a = threads_create(2), *b = threads_create(3);
    Count    count = { .threads = 3 };
    parallel_for(a, PIECES, count_piece, &count);
    parallel_for(b, PIECES, count_piece, &count);
    threads_destroy(a);
    parallel_for(b, PIECES, count_piece, &count);
    CHECK_INT(count.done[PIECES - 1], 3);
    threads_destroy(b);
    threads_destroy(NULL);
}

#ifdef __SSE__
typedef struct {
    Threads   *threads;
    int        flushes[64];
    atomic_int arrived;
} Modes;

/* Waits for all others, so that every thread takes part. */
static void look_at_mode(void *data, int i, int worker)
{
    Modes *modes = data;
    (void)i;
    atomic_fetch_add(&modes->arrived, 1);
    while (atomic_load(&modes->arrived) < threads_count(modes->threads))
        sched_yield();
    volatile float denormal = 1e-40F;
    modes->flushes[worker] += (_mm_getcsr() & 0x8040) == 0x8040 && denormal * 2 == 0;
}

static void denormals_are_flushed_in_loops_and_nowhere_else(void)
{
    unsigned before = _mm_getcsr();
    Modes    modes = { .threads = threads_create(4) };
    parallel_for(modes.threads, 4, look_at_mode, &modes);
    for (int i = 0; i < 4; i++)
        CHECK_INT(modes.flushes[i], 1);
    CHECK_INT(_mm_getcsr(), before);
    threads_destroy(modes.threads);
    modes = (Modes){ .threads = threads_create(1) };
    parallel_for(modes.threads, 1, look_at_mode, &modes);
    CHECK_INT(modes.flushes[0], 1);
    CHECK_INT(_mm_getcsr(), before);
    threads_destroy(modes.threads);
}
#endif

static void use_stack(void *data, int i, int worker)
{
    volatile char large[512 << 10];
    (void)worker;
    for (size_t j = 0; j < sizeof large; j += 4096)
        large[j] = (char)i;
    atomic_fetch_add((atomic_int *)data, large[0] == (char)i);
}

static void workers_have_stack_for_a_matrix_product(void)
{
    Threads   *threads = threads_create(3);
    atomic_int done = 0;
    parallel_for(threads, 50, use_stack, &done);
    CHECK_INT(atomic_load(&done), 50);
    threads_destroy(threads);
}

static void zero_means_what_this_process_may_use(void)
{
    cpu_set_t all, one;
    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    Threads *threads = threads_create(0);
    CHECK(threads_count(threads) >= 1 && threads_count(threads) <= CPU_COUNT(&all));
    threads_destroy(threads);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
    threads = threads_create(0);
    CHECK_INT(threads_count(threads), 1);
    threads_destroy(threads);
    CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
}

/* A folder as /sys/fs/cgroup looks, made and removed here. */
static char root[64], path[256];

static const char *at(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(at(name), "w");
    if (CHECK(file != NULL)) {
        fputs(text, file);
        fclose(file);
    }
}

static int quota(const char *groups)
{
    char list[128];
    put("list", groups);
    snprintf(list, sizeof list, "%s/list", root);
    return threads_quota(list, root);
}

static void quotas_of_control_groups_are_kept(void)
{
    snprintf(root, sizeof root, "/tmp/test_threads.XXXXXX");
    CHECK(mkdtemp(root) != NULL);
    mkdir(at("a"), 0700);
    mkdir(at("a/b"), 0700);
    mkdir(at("cpu"), 0700);
    CHECK_INT(quota("0::/a/b\n"), INT_MAX);
    put("a/b/cpu.max", "max 100000\n");
    CHECK_INT(quota("0::/a/b\n"), INT_MAX);
    put("a/b/cpu.max", "350000 100000\n");
    CHECK_INT(quota("0::/a/b\n"), 4);
    put("a/cpu.max", "200000 100000\n"); /* the group above grants less */
    CHECK_INT(quota("0::/a/b\n"), 2);
    CHECK_INT(quota("0::/\n"), INT_MAX);
    put("cpu.max", "10000 100000\n");
    CHECK_INT(quota("0::/\n"), 1);
    put("cpu/cpu.cfs_quota_us", "-1\n");
    put("cpu/cpu.cfs_period_us", "100000\n");
    CHECK_INT(quota("5:memory:/\n4:cpu,cpuacct:/\n"), INT_MAX);
    put("cpu/cpu.cfs_quota_us", "300000\n");
    CHECK_INT(quota("5:memory:/\n4:cpuacct,cpu:/\n"), 3);
    CHECK_INT(quota("5:cpuset:/\n"), INT_MAX);
    CHECK_INT(quota("nonsense"), INT_MAX);
    CHECK_INT(threads_quota("/nowhere", root), INT_MAX);
    static const char *const names[] = { "cpu/cpu.cfs_quota_us",
                                         "cpu/cpu.cfs_period_us",
                                         "cpu.max",
                                         "a/cpu.max",
                                         "a/b/cpu.max",
                                         "list",
                                         "a/b",
                                         "a",
                                         "cpu" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK(remove(at(names[i])) == 0);
    CHECK(rmdir(root) == 0);
}

/* Sanitizers need address space without end, so they cannot play this. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
static void fewer_threads_do_when_more_cannot_be_had(void)
{
    pid_t child = fork();
    if (child == 0) {
        Count         count = { .threads = 64 };
        struct rlimit limit = { 0, 0 };
        setrlimit(RLIMIT_AS, &limit); /* no stack but those that ended threads left */
        Threads *threads = threads_create(64);
        if (threads)
            parallel_for(threads, PIECES, count_piece, &count);
        _exit(threads && threads_count(threads) < 64 && count.done[PIECES - 1] == 1 ? 0 : 1);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#define HAS_LIMIT_TEST 1
#endif

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(every_piece_is_done_once);
    RUN(loops_follow_each_other_without_loss);
    RUN(pools_are_independent);
#ifdef __SSE__
    RUN(denormals_are_flushed_in_loops_and_nowhere_else);
#endif
    RUN(workers_have_stack_for_a_matrix_product);
    RUN(zero_means_what_this_process_may_use);
    RUN(quotas_of_control_groups_are_kept);
#ifdef HAS_LIMIT_TEST
    RUN(fewer_threads_do_when_more_cannot_be_had);
#endif
    return test_end();
}
