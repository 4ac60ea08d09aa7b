/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parallel_for() over a small pool.  The only file that knows pthreads.
 *
 * How work is cut into pieces never depends on the number of threads, and every piece is done by
 * one thread in one order: so the same bits come out for 1, 2, 3 or 64 threads. */
#pragma once

#include <stdbool.h>

typedef struct Threads Threads;

/* count 0: as many as this process may use (affinity and cgroup quota).  The caller's thread works
 * too, so count 1 starts none.  NULL when not even one can be had (memory). The worker threads run
 * with denormals flushed to zero, as parallel_for() does with the caller's while it works. */
Threads *threads_create(int count);
void     threads_destroy(Threads *threads); /* NULL is fine */
int      threads_count(const Threads *threads);

/* Calls task(data, i, worker) for i = 0 … n-1, each once, and returns when all are done; worker is
 * in 0 … threads_count()-1 and names the thread's own scratch.  Not to be nested. */
void parallel_for(Threads *threads, int n, void (*task)(void *data, int i, int worker), void *data);

/* Processors that the control groups grant which the file `groups` lists ("/proc/self/cgroup"),
 * mounted at `mount`; INT_MAX when there is no limit.  What threads_create(0) asks. */
int threads_quota(const char *groups, const char *mount);
