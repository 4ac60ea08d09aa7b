/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files/replace.h"
#include "test.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/test-replace-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[4][256];
    static int  next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

static bool write_file(const char *path, const char *text, bool ok)
{
    Replace     replace;
    EngineError error = { 0 };
    if (!replace_begin(&replace, path, &error))
        return false;
    fputs(text, replace.stream);
    return replace_end(&replace, ok, &error);
}

static bool holds(const char *path, const char *text)
{
    char   got[64] = "";
    FILE  *file = fopen(path, "rb");
    size_t bytes = file ? fread(got, 1, sizeof got - 1, file) : 0;
    if (file)
        fclose(file);
    return file && bytes == strlen(text) && strcmp(got, text) == 0;
}

static int entries(void)
{
    DIR *all = opendir(folder);
    int  count = 0;
    for (struct dirent *entry; all && (entry = readdir(all));)
        count += entry->d_name[0] != '.';
    if (all)
        closedir(all);
    return count;
}

static void there_is_the_old_file_or_the_new_one(void)
{
    CHECK(write_file(path_of("a"), "old", true) && holds(path_of("a"), "old"));
    CHECK(!write_file(path_of("a"), "half", false) && holds(path_of("a"), "old"));
    CHECK(write_file(path_of("a"), "new", true) && holds(path_of("a"), "new"));
    CHECK_INT(entries(), 1);
    unlink(path_of("a"));
}

static void the_rights_of_the_old_file_stay(void)
{
    struct stat about;
    CHECK(write_file(path_of("private"), "1", true));
    CHECK(chmod(path_of("private"), 0600) == 0);
    CHECK(write_file(path_of("private"), "2", true));
    CHECK(stat(path_of("private"), &about) == 0 && (about.st_mode & 07777) == 0600);
    unlink(path_of("private"));
}

static void a_link_is_followed(void)
{
    struct stat about;
    CHECK(mkdir(path_of("far"), 0777) == 0 && write_file(path_of("far/file"), "1", true));
    CHECK(symlink("far/file", path_of("link")) == 0);
    CHECK(write_file(path_of("link"), "2", true) && holds(path_of("far/file"), "2"));
    CHECK(lstat(path_of("link"), &about) == 0 && S_ISLNK(about.st_mode));
    unlink(path_of("far/file"));
    CHECK(!write_file(path_of("link"), "3", true)); /* to nothing now */
    unlink(path_of("link"));
    rmdir(path_of("far"));
}

static void what_a_killed_process_left_is_taken_away(void)
{
    char  name[64];
    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    waitpid(gone, NULL, 0);
    snprintf(name, sizeof name, "b.%ld-3.part", (long)gone);
    CHECK(write_file(path_of(name), "left", true));
    CHECK(write_file(path_of("b.0-1.part"), "not ours", true));
    snprintf(name, sizeof name, "b.%ld-7.part", (long)getpid());
    CHECK(write_file(path_of(name), "still written", true));
    CHECK_INT(entries(), 3);
    CHECK(write_file(path_of("b"), "new", true));
    CHECK_INT(entries(), 3);
    unlink(path_of(name));
    unlink(path_of("b.0-1.part"));
    unlink(path_of("b"));
}

static void a_process_that_is_killed_leaves_nothing(void)
{
    pid_t child = fork();
    if (child == 0) {
        Replace     replace;
        EngineError error = { 0 };
        if (replace_begin(&replace, path_of("c"), &error) && replace.nameless)
            _exit(fputs("half", replace.stream) < 0);
        _exit(77); /* a file system without files without a name */
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WEXITSTATUS(status) == 77) {
        test_skip("no O_TMPFILE here");
        return;
    }
    CHECK_INT(entries(), 0);
}

int main(int argc, char **argv)
{
    if (!mkdtemp(folder))
        return 1;
    test_begin(argc, argv);
    RUN(there_is_the_old_file_or_the_new_one);
    RUN(the_rights_of_the_old_file_stay);
    RUN(a_link_is_followed);
    RUN(what_a_killed_process_left_is_taken_away);
    RUN(a_process_that_is_killed_leaves_nothing);
    int status = test_end();
    rmdir(folder);
    return status;
}
