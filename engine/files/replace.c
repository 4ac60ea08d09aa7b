/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new file with the rights that open() gives; mkostemp() would make it private. */
static int create_beside(Replace *replace)
{
    size_t length = strlen(replace->path) + 32;
    replace->temporary = malloc(length);
    if (!replace->temporary) {
        errno = ENOMEM;
        return -1;
    }
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(replace->temporary, length, "%s.%ld-%u.part", replace->path, (long)getpid(), i);
        int descriptor = open(replace->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

bool replace_begin(Replace *replace, const char *path, EngineError *error)
{
    *replace = (Replace){ .path = path };
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode))
        return fail(error, ENGINE_BAD_REQUEST, "%s: cannot be written: it is no regular file", path);
    int descriptor = create_beside(replace);
    if (descriptor >= 0 && (replace->stream = fdopen(descriptor, "wb")))
        return true;
    int why = errno;
    if (descriptor >= 0) {
        close(descriptor);
        unlink(replace->temporary);
    }
    free(replace->temporary);
    replace->temporary = NULL;
    return fail(error, ENGINE_BAD_REQUEST, "%s: cannot be written: %s", path, strerror(why));
}

bool replace_end(Replace *replace, bool ok, EngineError *error)
{
    if (!replace->stream)
        return false;
    errno = 0;
    bool written = fflush(replace->stream) == 0 && !ferror(replace->stream) &&
                   fsync(fileno(replace->stream)) == 0;
    int why = errno;
    if (fclose(replace->stream) != 0 && written) {
        why = errno;
        written = false;
    }
    if (ok && written && rename(replace->temporary, replace->path) != 0) {
        why = errno;
        written = false;
    }
    if (!ok || !written)
        unlink(replace->temporary);
    free(replace->temporary);
    *replace = (Replace){ .path = replace->path };
    if (ok && !written)
        return fail(error, ENGINE_BAD_REQUEST, "%s: cannot be written: %s", replace->path,
                    strerror(why ? why : EIO));
    return ok;
}
