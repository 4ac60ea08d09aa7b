/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "blas.h"

#ifdef HAVE_OPENBLAS

#include <dlfcn.h>
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MEGABYTE = 1 << 20, MOST_THREADS = 128 /* that Debian's build can start */ };

/* ISO C has no way from an object pointer to a function's; POSIX's dlsym() returns the former. */
typedef void (*Function)(void);

/* NULL when the library has no such function, which blas_open() takes as a reason not to use it. */
static Function find(void *library, const char *name)
{
    void    *found = dlsym(library, name);
    Function function;
    _Static_assert(sizeof found == sizeof function, "POSIX: a function's address fits a pointer");
    memcpy(&function, &found, sizeof function);
    return function;
}

/* Threads that it starts by itself: as many as it may use, or what its own variable says. */
static int threads_at_start(void)
{
    const char *wanted = getenv("OPENBLAS_NUM_THREADS");
    long        count = wanted ? strtol(wanted, NULL, 10) : 0;
    cpu_set_t   processors;
    if (count < 1)
        count = sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors)
                                                                          : MOST_THREADS;
    return count < MOST_THREADS ? (int)count : MOST_THREADS;
}

/* Of the address space: 128 MB for each of its own threads and for each that calls it at the same time,
 * and itself.  Measured on OpenBLAS 0.3.29. */
static uint64_t bytes_needed(int callers)
{
    return (uint64_t)(96 + 128 * (threads_at_start() + callers)) * MEGABYTE;
}

/* What the limit on this process's address space leaves; UINT64_MAX: there is none. */
static uint64_t bytes_left(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    char  line[64] = "0";
    FILE *file = fopen("/proc/self/statm", "re");
    bool  known = file && fgets(line, sizeof line, file);
    if (file)
        fclose(file);
    uint64_t used = known ? strtoull(line, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
    return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

/* Whether BLAS is the better one.  The reference set stands for itself, down to the product.  A
 * BLAS that does not use this processor's widest vectors, being old or told so by
 * $OPENBLAS_CORETYPE, is half as fast as our own loops: 200 against 400 GFLOP/s on 2 Zen 5s. */
static bool is_better(const char *core, const Kernels *kernels)
{
    static const char *const wide[] = { "SkylakeX", "Cooperlake", "SapphireRapids" };
    if (strcmp(kernels->name, "avx512") != 0)
        return true;
    for (size_t i = 0; core && i < sizeof wide / sizeof *wide; i++)
        if (strcasecmp(core, wide[i]) == 0)
            return true;
    return false;
}

/* Stays loaded: what BLAS has started does not end well in the middle of a process. */
static void *load(void)
{
    static const char *const names[] = { "libopenblas.so.0", "libopenblasp.so.0", "libopenblas.so" };
    void                    *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    return library;
}

bool blas_open(Blas *blas, const Kernels *kernels, int callers, EngineError *error)
{
    *blas = (Blas){ 0 };
    if (strcmp(kernels->name, "reference") == 0)
        return true;
    uint64_t needed = bytes_needed(callers), left = bytes_left();
    if (left < needed)
        return fail(error, ENGINE_OUT_OF_MEMORY,
                    "The address space of this process is limited (ulimit -v): %" PRIu64
                    " MB of it are left, and the matrix product alone needs %" PRIu64
                    " MB; raise the limit.",
                    left / MEGABYTE, needed / MEGABYTE);
    void *library = load();
    if (!library)
        return true;
    const char *(*core)(void) = (const char *(*)(void))find(library, "openblas_get_corename");
    blas->set_threads = (void (*)(int))find(library, "openblas_set_num_threads");
    blas->threads = (int (*)(void))find(library, "openblas_get_num_threads");
    if (core && blas->set_threads && blas->threads && is_better(core(), kernels))
        blas->sgemm = (void (*)(int, int, int, int, int, int, float, const float *, int,
                                const float *, int, float, float *, int))find(library,
                                                                              "cblas_sgemm");
    return true;
}

/* Asked before every loop and not once: another part of the process may have set it since, and BLAS
 * with threads of its own under each of ours would have many times more threads than processors. */
void blas_prepare(const Blas *blas)
{
    if (blas->sgemm && blas->threads() != 1)
        blas->set_threads(1);
}

#else /* built without it: the kernel set's own loops do all of it */

bool blas_open(Blas *blas, const Kernels *kernels, int callers, EngineError *error)
{
    (void)kernels;
    (void)callers;
    (void)error;
    *blas = (Blas){ 0 };
    return true;
}

void blas_prepare(const Blas *blas)
{
    (void)blas;
}

#endif
