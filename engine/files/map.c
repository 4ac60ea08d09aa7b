/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/vfs.h>
#endif

_Static_assert(sizeof(off_t) == 8, "models are larger than 2 GiB");

struct FileMap {
    char          *path;
    int            descriptor;
    struct stat    opened; /* who it was: device, inode, size, times */
    unsigned char *data;   /* NULL until map_data() */
    int            slot;   /* in `guarded`, -1 for a copy */
};

/* ---- the guard ---------------------------------------------------------------------------- */

/* What a signal handler must know can only lie in globals: the maps, and the handler before ours. */
enum { GUARD_SLOTS = 1024 };
static struct {
    atomic_uintptr_t begin, end; /* 0: free */
    atomic_bool      taken, damaged;
} guarded[GUARD_SLOTS];
static atomic_flag      guard_lock = ATOMIC_FLAG_INIT;
static int              guard_depth; /* this and the rest: under guard_lock */
static bool             guard_installed;
static struct sigaction guard_previous;

static void guard_acquire(void)
{
    while (atomic_flag_test_and_set_explicit(&guard_lock, memory_order_acquire))
        ;
}

static void guard_release(void)
{
    atomic_flag_clear_explicit(&guard_lock, memory_order_release);
}

/* Puts a page of zeros where the file has none any more. */
static bool guard_mend(uintptr_t address)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < GUARD_SLOTS; i++) {
        if (address < atomic_load(&guarded[i].begin) || address >= atomic_load(&guarded[i].end))
            continue;
        atomic_store(&guarded[i].damaged, true);
        return mmap((void *)(address & ~(page - 1)), page, PROT_READ,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
    }
    return false;
}

static void guard_handler(int number, siginfo_t *info, void *context)
{
    int  saved = errno;
    bool mended = info->si_code > 0 && guard_mend((uintptr_t)info->si_addr);
    errno = saved;
    if (mended)
        return;
    if (guard_previous.sa_flags & SA_SIGINFO) {
        guard_previous.sa_sigaction(number, info, context);
    } else if (guard_previous.sa_handler != SIG_DFL && guard_previous.sa_handler != SIG_IGN) {
        guard_previous.sa_handler(number);
    } else {
        /* As without us: the instruction runs again and ends the process. */
        struct sigaction standard = { .sa_handler = SIG_DFL };
        sigemptyset(&standard.sa_mask);
        sigaction(number, &standard, NULL);
        if (info->si_code <= 0)
            raise(number);
    }
}

void map_guard_begin(void)
{
    guard_acquire();
    if (guard_depth++ == 0 && !guard_installed) {
        struct sigaction ours = { .sa_sigaction = guard_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
        sigemptyset(&ours.sa_mask);
        guard_installed = sigaction(SIGBUS, &ours, &guard_previous) == 0;
    }
    guard_release();
}

void map_guard_end(void)
{
    guard_acquire();
    assert(guard_depth > 0);
    if (--guard_depth == 0 && guard_installed) {
        struct sigaction now;
        /* Somebody who came after us chains to us: then we stay where we are. */
        if (sigaction(SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
            now.sa_sigaction == guard_handler)
            guard_installed = sigaction(SIGBUS, &guard_previous, NULL) != 0;
    }
    guard_release();
}

static int guard_add(const void *data, size_t bytes)
{
    for (int i = 0; i < GUARD_SLOTS; i++) {
        bool free_slot = false;
        if (!atomic_compare_exchange_strong(&guarded[i].taken, &free_slot, true))
            continue;
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t begin = (uintptr_t)data;
        atomic_store(&guarded[i].damaged, false);
        atomic_store(&guarded[i].begin, begin);
        atomic_store(&guarded[i].end, begin + (bytes + page - 1) / page * page);
        return i;
    }
    return -1;
}

static void guard_remove(int slot)
{
    atomic_store(&guarded[slot].end, 0);
    atomic_store(&guarded[slot].begin, 0);
    atomic_store(&guarded[slot].taken, false);
}

/* ---- the file ------------------------------------------------------------------------------ */

FileMap *map_open(const char *path, EngineError *error)
{
    FileMap *map = calloc(1, sizeof *map);
    if (!map || !(map->path = strdup(path))) {
        free(map);
        fail(error, ENGINE_OUT_OF_MEMORY, "%s: no memory to open it", path);
        return NULL;
    }
    map->slot = -1;
    do
        map->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    while (map->descriptor < 0 && errno == EINTR);
    if (map->descriptor < 0 || fstat(map->descriptor, &map->opened) != 0) {
        fail(error, ENGINE_BAD_FILE, "%s: cannot be opened: %s", path, strerror(errno));
    } else if (!S_ISREG(map->opened.st_mode)) {
        fail(error, ENGINE_BAD_FILE, "%s: is a %s, not a file", path,
             S_ISDIR(map->opened.st_mode)    ? "folder"
             : S_ISFIFO(map->opened.st_mode) ? "pipe"
                                             : "device or socket");
    } else {
        return map;
    }
    map_close(map);
    return NULL;
}

void map_close(FileMap *map)
{
    if (!map)
        return;
    if (map->slot >= 0) {
        guard_remove(map->slot);
        munmap(map->data, (size_t)map->opened.st_size);
    } else {
        free(map->data);
    }
    if (map->descriptor >= 0)
        close(map->descriptor);
    free(map->path);
    free(map);
}

const char *map_path(const FileMap *map)
{
    return map->path;
}

uint64_t map_bytes(const FileMap *map)
{
    return (uint64_t)map->opened.st_size;
}

bool map_is_copy(const FileMap *map)
{
    return map->data && map->slot < 0;
}

bool map_read(const FileMap *map, void *out, uint64_t from, size_t bytes, EngineError *error)
{
    enum { BLOCK = 64 << 20 };
    for (size_t done = 0; done < bytes;) {
        size_t  want = bytes - done < BLOCK ? bytes - done : BLOCK;
        ssize_t got = pread(map->descriptor, (char *)out + done, want, (off_t)(from + done));
        if (got > 0)
            done += (size_t)got;
        else if (got == 0)
            return fail(error, ENGINE_BAD_FILE,
                        "%s: ends at byte %llu now, and had %llu when it was opened: something is "
                        "writing to it",
                        map->path, (unsigned long long)(from + done),
                        (unsigned long long)map_bytes(map));
        else if (errno != EINTR)
            return fail(error, ENGINE_BAD_FILE, "%s: cannot be read at byte %llu: %s", map->path,
                        (unsigned long long)(from + done), strerror(errno));
    }
    return true;
}

/* File systems that are slow page by page. */
static bool is_remote(int descriptor)
{
#ifdef __linux__
    static const unsigned long remote[] = {
        0x6969 /* NFS */,      0x517b /* SMB */,        0xff534d42 /* CIFS */, 0xfe534d42 /* SMB2 */,
        0x65735546 /* FUSE */, 0x0bd00bd0 /* Lustre */, 0x01021997 /* 9p */,   0x00c36400 /* Ceph */,
        0x5346414f /* AFS */,
    };
    struct statfs about;
    if (fstatfs(descriptor, &about) != 0)
        return false;
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if (((unsigned long)about.f_type & 0xffffffff) == remote[i])
            return true;
#else
    (void)descriptor;
#endif
    return false;
}

/* A copy is memory that cannot be given back: only where half of the machine's is enough. */
static bool fits_in_memory(uint64_t bytes)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 && bytes <= (uint64_t)pages * (uint64_t)page / 2;
}

const unsigned char *map_data(FileMap *map, MapMode mode, EngineError *error)
{
    if (map->data)
        return map->data;
    size_t bytes = (size_t)map->opened.st_size;
    if (bytes == 0) {
        fail(error, ENGINE_BAD_FILE, "%s: is empty", map->path);
        return NULL;
    }
    if (mode == MAP_AUTO && !(is_remote(map->descriptor) && fits_in_memory(bytes))) {
        void *data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, map->descriptor, 0);
        if (data != MAP_FAILED) {
            map->slot = guard_add(data, bytes);
            if (map->slot >= 0)
                return map->data = data;
            munmap(data, bytes); /* cannot be guarded: a copy needs no guard */
        }
    }
    unsigned char *copy = malloc(bytes);
    if (!copy) {
        fail(error, ENGINE_OUT_OF_MEMORY, "%s: cannot be mapped, and there is no memory for its %llu MB",
             map->path, (unsigned long long)(bytes >> 20));
        return NULL;
    }
    if (!map_read(map, copy, 0, bytes, error)) {
        free(copy);
        return NULL;
    }
    return map->data = copy;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool map_replaced(const FileMap *map)
{
    struct stat now;
    return stat(map->path, &now) != 0 || now.st_dev != map->opened.st_dev ||
           now.st_ino != map->opened.st_ino;
}

bool map_changed(const FileMap *map)
{
    struct stat now;
    if (map->slot >= 0 && atomic_load(&guarded[map->slot].damaged))
        return true;
    if (fstat(map->descriptor, &now) != 0)
        return true; /* ESTALE: the server has forgotten it */
    if (now.st_size != map->opened.st_size || !same_time(now.st_mtim, map->opened.st_mtim))
        return true;
    /* Only ctime betrays a writer who puts mtime back; but renaming and deleting change it too. */
    return !same_time(now.st_ctim, map->opened.st_ctim) && now.st_nlink == map->opened.st_nlink &&
           !map_replaced(map);
}
