/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "threads.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __SSE__
#include <xmmintrin.h>
#endif

enum {
    MAX_THREADS = 64,      /* OpenBLAS ends the process when hundreds of threads call it at once */
    STACK_BYTES = 2 << 20, /* the plain matrix product keeps 300 KB there, BLAS may keep 100 */
    SPINS = 2000,          /* about 50 us: most loops follow the last one sooner than that */
};

struct Threads {
    int       count; /* with the caller */
    int       spins;
    pthread_t handles[MAX_THREADS];

    /* The loop that runs: written before the gate opens, read after it was passed. */
    void (*task)(void *data, int i, int worker);
    void *data;
    int   n;

    _Alignas(64) atomic_int next;  /* first piece that nobody has */
    _Alignas(64) atomic_uint gate; /* OPEN, plus the number of workers inside */
    _Alignas(64) atomic_uint loop; /* changes when a gate was opened */
    atomic_int      sleepers;      /* workers that wait at `started` */
    atomic_bool     caller_sleeps, quit;
    pthread_mutex_t mutex;
    pthread_cond_t  started, finished;
};

enum { OPEN = 1 << 30 };

typedef struct {
    Threads *threads;
    int      worker;
} Start;

/* Denormals are as slow as a hundred normal numbers: to be taken as zero, while we work. */
static uint64_t flush_denormals(void)
{
#if defined(__SSE__)
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    return before;
#elif defined(__aarch64__)
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | UINT64_C(1) << 24));
    return before;
#else
    return 0;
#endif
}

static void restore_denormals(uint64_t before)
{
#if defined(__SSE__)
    /* Exceptions raised meanwhile are dropped: they are not the caller's. */
    _mm_setcsr((unsigned)before);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
#else
    (void)before;
#endif
}

static void pause_spin(void)
{
#if defined(__SSE__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Takes pieces until there are none. Which worker gets which differs from run to run, so nothing
 * that is computed may depend on `worker`; that names scratch only. Relaxed, because the gate has
 * ordered what the loop reads. */
static void work(Threads *threads, int worker)
{
    int i;
    while ((i = atomic_fetch_add_explicit(&threads->next, 1, memory_order_relaxed)) < threads->n)
        threads->task(threads->data, i, worker);
}

/* Until a loop other than `seen` was started. */
static void wait_for_loop(Threads *threads, unsigned seen)
{
    for (int i = 0; i < threads->spins; i++) {
        if (atomic_load(&threads->loop) != seen || atomic_load(&threads->quit))
            return;
        pause_spin();
    }
    /* A worker adds itself to `sleepers` and then looks at `loop`; the caller changes `loop` and
     * then looks at `sleepers`. In the one order of all atomics one of both sees the other, and the
     * mutex keeps the call from falling between the look and the wait. With relaxed atomics a
     * worker could sleep through a loop. */
    pthread_mutex_lock(&threads->mutex);
    atomic_fetch_add(&threads->sleepers, 1);
    while (atomic_load(&threads->loop) == seen && !atomic_load(&threads->quit))
        pthread_cond_wait(&threads->started, &threads->mutex);
    atomic_fetch_sub(&threads->sleepers, 1);
    pthread_mutex_unlock(&threads->mutex);
}

/* A worker that comes too late finds the gate closed, so nobody ever waits for one that sleeps. */
static bool enter(Threads *threads)
{
    unsigned gate = atomic_load(&threads->gate);
    while (gate & OPEN)
        if (atomic_compare_exchange_weak(&threads->gate, &gate, gate + 1))
            return true;
    return false;
}

/* The last one out wakes the caller. The same two looks as in wait_for_loop(): the gate is left and
 * then `caller_sleeps` read here, the other way round in wait_for_workers(). */
static void leave(Threads *threads)
{
    if (atomic_fetch_sub(&threads->gate, 1) == 1 && atomic_load(&threads->caller_sleeps)) {
        pthread_mutex_lock(&threads->mutex);
        pthread_cond_signal(&threads->finished);
        pthread_mutex_unlock(&threads->mutex);
    }
}

static void *run_worker(void *argument)
{
    Start    start = *(Start *)argument;
    Threads *threads = start.threads;
    unsigned seen = 0;
    free(argument);
    flush_denormals();
    for (;;) {
        wait_for_loop(threads, seen);
        if (atomic_load(&threads->quit))
            return NULL;
        seen = atomic_load(&threads->loop);
        if (enter(threads)) {
            /* Read again inside: meanwhile one loop may have ended and the next begun, and that is
             * the one which was entered. */
            seen = atomic_load(&threads->loop);
            work(threads, start.worker);
            leave(threads);
        }
    }
}

static void wait_for_workers(Threads *threads)
{
    for (int i = 0; i < threads->spins; i++) {
        if (atomic_load(&threads->gate) == 0)
            return;
        pause_spin();
    }
    pthread_mutex_lock(&threads->mutex);
    atomic_store(&threads->caller_sleeps, true);
    while (atomic_load(&threads->gate) != 0)
        pthread_cond_wait(&threads->finished, &threads->mutex);
    atomic_store(&threads->caller_sleeps, false);
    pthread_mutex_unlock(&threads->mutex);
}

/* The caller works as worker 0, closes the gate when no piece is left, and waits for those who are
 * still inside. A worker that never woke costs nothing. Floating point flags are set and restored
 * because this is a thread of the caller's, GIMP's for instance. */
void parallel_for(Threads *threads, int n, void (*task)(void *data, int i, int worker), void *data)
{
    if (n < 1)
        return;
    uint64_t before = flush_denormals();
    bool     shared = n > 1 && threads->count > 1;
    assert(atomic_load(&threads->gate) == 0);
    /* Nobody is inside, so plain stores do: opening the gate publishes them. */
    threads->task = task;
    threads->data = data;
    threads->n = n;
    atomic_store(&threads->next, 0);
    if (shared) {
        atomic_store(&threads->gate, OPEN);
        atomic_fetch_add(&threads->loop, 1);
        if (atomic_load(&threads->sleepers) > 0) {
            pthread_mutex_lock(&threads->mutex);
            pthread_cond_broadcast(&threads->started);
            pthread_mutex_unlock(&threads->mutex);
        }
    }
    work(threads, 0);
    if (shared && atomic_fetch_sub(&threads->gate, OPEN) != OPEN)
        wait_for_workers(threads);
    restore_denormals(before);
}

/* Reads a small file whole; false when it is not there. */
static bool read_text(char *text, size_t size, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    return true;
}

/* Processors that one control group grants, rounded up; INT_MAX when it sets no limit. */
static int quota_of_group(const char *folder, bool version_2)
{
    char path[PATH_MAX + 64], text[128];
    long quota = -1, period = -1;
    if (version_2) {
        snprintf(path, sizeof path, "%s/cpu.max", folder);
        if (read_text(text, sizeof text, path)) {
            char *end;
            quota = strtol(text, &end, 10); /* the word "max" gives 0 */
            period = strtol(end, NULL, 10);
        }
    } else {
        snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
        if (read_text(text, sizeof text, path))
            quota = strtol(text, NULL, 10);
        snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
        if (read_text(text, sizeof text, path))
            period = strtol(text, NULL, 10);
    }
    if (quota <= 0 || period <= 0 || quota / period >= MAX_THREADS)
        return INT_MAX;
    return (int)((quota + period - 1) / period);
}

/* The least of what a group and those above it grant. */
static int quota_of_path(const char *mount, const char *group, bool version_2)
{
    char folder[PATH_MAX];
    int  least = INT_MAX;
    int  length = snprintf(folder, sizeof folder, "%s%s", mount, group);
    if (length < 0 || (size_t)length >= sizeof folder)
        return least;
    /* A container often sees its group's name but not the folder; what cannot be read sets no
     * limit, and the walk goes on to the folder above. */
    size_t shortest = strlen(mount);
    for (;;) {
        int quota = quota_of_group(folder, version_2);
        least = quota < least ? quota : least;
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < shortest)
            return least;
        *slash = '\0';
    }
}

/* Whether `name` stands in a list with commas. */
static bool list_has(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

int threads_quota(const char *groups, const char *mount)
{
    FILE *file = fopen(groups, "re");
    if (!file)
        return INT_MAX;
    char line[PATH_MAX + 256], root[PATH_MAX];
    int  least = INT_MAX;
    /* Lines are "0::/group" (version 2) or "4:cpu,cpuacct:/group" (version 1). */
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        controllers++;
        *group++ = '\0';
        bool version_2 = *controllers == '\0';
        if (!version_2 && !list_has(controllers, "cpu"))
            continue;
        int length = snprintf(root, sizeof root, "%s%s", mount, version_2 ? "" : "/cpu");
        if (length < 0 || (size_t)length >= sizeof root)
            continue;
        int quota = quota_of_path(root, group, version_2);
        least = quota < least ? quota : least;
    }
    fclose(file);
    return least;
}

/* sched_getaffinity() fails on machines with more than 1024 processors, for which cpu_set_t is too
 * small. Without the quota a container with 2 of 64 processors would start 64 threads that wait for
 * each other. */
static int processors(void)
{
    cpu_set_t set;
    long      count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                                  : sysconf(_SC_NPROCESSORS_ONLN);
    int       quota = threads_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    if (count > quota)
        count = quota;
    return count < 1 ? 1 : count > MAX_THREADS ? MAX_THREADS : (int)count;
}

/* Starts worker number threads->count; false when the system has no thread left. */
static bool start_worker(Threads *threads, const pthread_attr_t *attributes)
{
    Start *start = malloc(sizeof *start);
    if (!start)
        return false;
    /* Owned by the new thread, which frees it. */
    *start = (Start){ threads, threads->count };
    if (pthread_create(&threads->handles[threads->count], attributes, run_worker, start) != 0) {
        free(start);
        return false;
    }
    threads->count++;
    return true;
}

Threads *threads_create(int count)
{
    int      available = processors();
    Threads *threads = aligned_alloc(64, sizeof *threads);
    if (!threads)
        return NULL;
    memset(threads, 0, sizeof *threads);
    if (count < 1)
        count = available;
    if (count > MAX_THREADS)
        count = MAX_THREADS;
    threads->count = 1;
    /* To spin while another of our threads waits for the processor only delays it. */
    threads->spins = count > available ? 0 : SPINS;
    pthread_mutex_init(&threads->mutex, NULL);
    pthread_cond_init(&threads->started, NULL);
    pthread_cond_init(&threads->finished, NULL);
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) == 0) {
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        /* Fewer than were asked for are no fault: the loops only take longer, and give the same
         * bits. */
        while (threads->count < count && start_worker(threads, &attributes))
            continue;
        pthread_attr_destroy(&attributes);
    }
    return threads;
}

/* No loop may be running. `quit` is set before the mutex is taken, so a worker that is about to
 * wait has seen it or is woken. */
void threads_destroy(Threads *threads)
{
    if (!threads)
        return;
    atomic_store(&threads->quit, true);
    pthread_mutex_lock(&threads->mutex);
    pthread_cond_broadcast(&threads->started);
    pthread_mutex_unlock(&threads->mutex);
    for (int i = 1; i < threads->count; i++)
        pthread_join(threads->handles[i], NULL);
    pthread_mutex_destroy(&threads->mutex);
    pthread_cond_destroy(&threads->started);
    pthread_cond_destroy(&threads->finished);
    free(threads);
}

int threads_count(const Threads *threads)
{
    return threads->count;
}
