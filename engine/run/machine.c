/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine.h"

#include "../compute/dry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

double machine_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The first number behind `key` (or the file's first number for ""), false when it is not there;
 * "max" reads as no limit. */
static bool read_number(const char *path, const char *key, uint64_t *number)
{
    char  line[256];
    bool  found = false;
    FILE *file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        size_t length = strlen(key);
        if (strncmp(line, key, length) == 0) {
            char    *end;
            uint64_t value = strtoull(line + length, &end, 10);
            found = end > line + length;
            *number = found ? value : *number;
        }
        if (length == 0)
            break;
    }
    if (file)
        fclose(file);
    return found;
}

/* Where this process stands in the tree of cgroup v2 ("0::/user.slice/…"). */
static bool cgroup_folder(char *folder, size_t size)
{
    char  line[1024];
    bool  found = false;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        found = strncmp(line, "0::/", 4) == 0;
        if (found)
            snprintf(folder, size, "/sys/fs/cgroup%s", strcmp(line, "0::/") == 0 ? "" : line + 3);
    }
    if (file)
        fclose(file);
    return found;
}

/* The tightest limit from this process's group up to the root; cache that can be dropped counts as
 * free. */
static uint64_t cgroup_available(void)
{
    char     folder[1100], path[1200];
    uint64_t least = UINT64_MAX;
    if (!cgroup_folder(folder, sizeof folder))
        return least;
    for (;;) {
        uint64_t limit, used, cache = 0;
        snprintf(path, sizeof path, "%s/memory.max", folder);
        if (read_number(path, "", &limit)) {
            snprintf(path, sizeof path, "%s/memory.current", folder);
            if (read_number(path, "", &used)) {
                snprintf(path, sizeof path, "%s/memory.stat", folder);
                read_number(path, "inactive_file ", &cache);
                used -= cache < used ? cache : used;
                uint64_t free_bytes = limit > used ? limit - used : 0;
                least = free_bytes < least ? free_bytes : least;
            }
        }
        char *slash = strrchr(folder, '/');
        if (!slash || strcmp(folder, "/sys/fs/cgroup") == 0)
            return least;
        *slash = '\0';
    }
}

uint64_t machine_available_bytes(void)
{
    uint64_t      kilobytes, least = cgroup_available();
    struct rlimit limit;
    if (read_number("/proc/meminfo", "MemAvailable:", &kilobytes) && kilobytes * 1024 < least)
        least = kilobytes * 1024;
    uint64_t virtual_kilobytes = 0;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        read_number("/proc/self/status", "VmSize:", &virtual_kilobytes);
        uint64_t used = virtual_kilobytes * 1024;
        uint64_t free_bytes = limit.rlim_cur > used ? limit.rlim_cur - used : 0;
        least = free_bytes < least ? free_bytes : least;
    }
    return least == UINT64_MAX ? 0 : least;
}

/* The product that is measured; x and y from the arena. */
static void multiply(Compute *compute, const Linear *layer, int rows, int width)
{
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    x = tensor_new(compute, ARENA_LOW, 1, 1, rows, width);
    Tensor    y = tensor_new(compute, ARENA_LOW, 1, 1, rows, width);
    fill(compute, x, 0);
    linear(compute, y, x, layer, false);
    arena_rewind(compute->scratch, mark);
}

double machine_speed(const Device *device)
{
    enum { ROWS = 512, WIDTH = 640 };
    Dry     rehearsal;
    Arena   dry, arena = { 0 };
    Compute compute = { .scratch = &dry };
    float  *memory = calloc((size_t)WIDTH * WIDTH, sizeof *memory);
    double  speed = 0;
    if (!memory)
        return 1e10;
    Linear layer = {
        .weight = { .data = memory, .type = TYPE_F32, .shape = { WIDTH, WIDTH, 1, 1 } }
    };
    dry_init(&rehearsal, device);
    arena_init(&dry, &rehearsal.device, 0);
    multiply(&compute, &layer, ROWS, WIDTH);
    if (arena_init(&arena, device, dry.peak)) {
        compute.scratch = &arena;
        multiply(&compute, &layer, ROWS, WIDTH); /* wakes the threads, touches the pages */
        compute.flops = 0;
        double start = machine_seconds(), now;
        do {
            multiply(&compute, &layer, ROWS, WIDTH);
            now = machine_seconds();
        } while (now - start < 0.02);
        speed = compute.flops / (now - start);
    }
    arena_finish(&arena);
    arena_finish(&dry);
    free(memory);
    return speed > 0 ? speed : 1e10;
}
