/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder of target: "." for a bare name.  NULL: out of memory. */
static char *folder_of(const char *target)
{
    const char *slash = strrchr(target, '/');
    if (!slash)
        return strdup(".");
    return strndup(target, slash == target ? 1 : (size_t)(slash - target));
}

/* The number of the process that an entry NAME.PID-N.part of the folder belongs to; 0: it is none. */
static long owner_of(const char *entry, const char *name)
{
    size_t bytes = strlen(name);
    char  *end;
    if (strncmp(entry, name, bytes) != 0 || entry[bytes] != '.')
        return 0;
    long pid = strtol(entry + bytes + 1, &end, 10);
    if (pid <= 0 || *end != '-')
        return 0;
    end += 1 + strspn(end + 1, "0123456789");
    return strcmp(end, ".part") == 0 ? pid : 0;
}

/* Takes away what processes left that were killed while they wrote this file. */
static void clear_left_overs(const char *target, const char *folder)
{
    const char *slash = strrchr(target, '/'), *name = slash ? slash + 1 : target;
    DIR        *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        long pid = owner_of(entry->d_name, name);
        if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            unlinkat(dirfd(entries), entry->d_name, 0);
    }
    if (entries)
        closedir(entries);
}

/* A new file with the rights that open() gives; mkostemp() would make it private. */
static int create_beside(Replace *replace)
{
    size_t length = strlen(replace->target) + 32;
    char  *folder = folder_of(replace->target);
    replace->temporary = malloc(length);
    int descriptor = -1;
    if (!replace->temporary || !folder) {
        free(folder);
        errno = ENOMEM;
        return -1;
    }
    clear_left_overs(replace->target, folder);
#ifdef O_TMPFILE
    descriptor = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
    replace->nameless = descriptor >= 0;
#endif
    free(folder);
    for (unsigned i = 0; descriptor < 0 && i < 1000; i++) {
        snprintf(replace->temporary, length, "%s.%ld-%u.part", replace->target, (long)getpid(), i);
        descriptor = open(replace->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor < 0 && errno != EEXIST)
            break;
    }
    return descriptor;
}

static void forget(Replace *replace)
{
    free(replace->target);
    free(replace->temporary);
    *replace = (Replace){ .path = replace->path };
}

bool replace_begin(Replace *replace, const char *path, EngineError *error)
{
    *replace = (Replace){ .path = path };
    struct stat about;
    bool        there = stat(path, &about) == 0;
    if (there && !S_ISREG(about.st_mode))
        return fail(error, ENGINE_BAD_REQUEST, "%s: cannot be written: it is no regular file", path);
    if (!there && lstat(path, &about) == 0)
        return fail(error, ENGINE_BAD_REQUEST, "%s: cannot be written: it is a link to nothing", path);
    replace->target = there ? realpath(path, NULL) : strdup(path);
    int descriptor = replace->target ? create_beside(replace) : -1;
    if (descriptor >= 0 && there) /* where that is not allowed, open()'s rights have to do */
        (void)!fchmod(descriptor, about.st_mode & 07777);
    if (descriptor >= 0 && (replace->stream = fdopen(descriptor, "wb")))
        return true;
    int why = errno;
    if (descriptor >= 0) {
        close(descriptor);
        if (!replace->nameless)
            unlink(replace->temporary);
    }
    forget(replace);
    return fail(error, ENGINE_BAD_REQUEST, "%s: cannot be written: %s", path, strerror(why));
}

/* Gives a file without a name its temporary one: linkat() takes none that is there. */
static bool name_file(Replace *replace)
{
    char   self[48];
    size_t length = strlen(replace->target) + 32;
    snprintf(self, sizeof self, "/proc/self/fd/%d", fileno(replace->stream));
    for (unsigned i = 0; i < 1000 && replace->nameless; i++) {
        snprintf(replace->temporary, length, "%s.%ld-%u.part", replace->target, (long)getpid(), i);
        replace->nameless = linkat(AT_FDCWD, self, AT_FDCWD, replace->temporary,
                                   AT_SYMLINK_FOLLOW) != 0;
        if (replace->nameless && errno != EEXIST)
            return false;
    }
    return !replace->nameless;
}

bool replace_end(Replace *replace, bool ok, EngineError *error)
{
    if (!replace->stream)
        return false;
    errno = 0;
    bool written = fflush(replace->stream) == 0 && !ferror(replace->stream) &&
                   fsync(fileno(replace->stream)) == 0;
    if (ok && written && replace->nameless)
        written = name_file(replace);
    int why = errno;
    if (fclose(replace->stream) != 0 && written) {
        why = errno;
        written = false;
    }
    if (ok && written && rename(replace->temporary, replace->target) != 0) {
        why = errno;
        written = false;
    }
    if ((!ok || !written) && !replace->nameless)
        unlink(replace->temporary);
    forget(replace);
    if (ok && !written)
        return fail(error, ENGINE_BAD_REQUEST, "%s: cannot be written: %s", replace->path,
                    strerror(why ? why : EIO));
    return ok;
}
