/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a fuzz target without a fuzzer: on every file of a folder, on each of them cut short at every
 * length (up to 2000), and on `mutations` changed copies of each, always the same ones.
 *
 *   fuzz_safetensors CORPUS [mutations] */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* On an exact-size copy, so that ASan sees one byte too far. */
static void run(const unsigned char *bytes, size_t size)
{
    unsigned char *copy = malloc(size ? size : 1);
    if (!copy)
        return;
    if (size)
        memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_mutations(unsigned char *bytes, size_t size, long mutations)
{
    unsigned char *changed = malloc(size + 1);
    for (long i = 0; changed && size > 0 && i < mutations; i++) {
        memcpy(changed, bytes, size);
        for (int k = (int)(next_random() % 4); k >= 0; k--)
            changed[next_random() % size] = (unsigned char)next_random();
        run(changed, size);
    }
    free(changed);
}

static int run_file(const char *folder, const char *name, long mutations)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    fseek(file, 0, SEEK_END);
    size_t         size = (size_t)ftell(file);
    unsigned char *bytes = malloc(size ? size : 1);
    rewind(file);
    int bad = !bytes || fread(bytes, 1, size, file) != size;
    fclose(file);
    if (!bad) {
        run(bytes, size);
        for (size_t cut = 0; cut < size && cut < 2000; cut++)
            run(bytes, cut);
        run_mutations(bytes, size, mutations);
    }
    free(bytes);
    return bad;
}

int main(int argc, char **argv)
{
    long mutations = argc > 2 ? strtol(argv[2], NULL, 10) : 200;
    int  passed = 0, failed = 0;
    DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
    for (struct dirent *item; folder && (item = readdir(folder));)
        if (item->d_name[0] != '.') {
            int bad = run_file(argv[1], item->d_name, mutations);
            failed += bad;
            passed += !bad;
        }
    if (folder)
        closedir(folder);
    if (passed + failed == 0) {
        fprintf(stderr, "no corpus in %s\n", argc > 1 ? argv[1] : "(no folder given)");
        failed = 1;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
