/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sibling.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* The longer ones first, where one ends in another. */
static const struct {
    int         in_channels;
    const char *word;
} words[] = {
    { 8, "instruct-pix2pix" }, { 8, "pix2pix" },    { 8, "ip2p" },
    { 8, "instructions" },     { 8, "instruct" },   { 9, "inpainting" },
    { 9, "inpaint" },          { 4, "base" },       { 4, "" },
};

enum { WORDS = sizeof words / sizeof *words };

/* How much of name[0 … length) is left without its last word, or all of it. */
static size_t without_word(const char *name, size_t length)
{
    for (size_t i = 0; i < WORDS; i++) {
        size_t word = strlen(words[i].word);
        if (word > 0 && length > word + 1 && strchr("-_.", name[length - word - 1]) &&
            strncasecmp(name + length - word, words[i].word, word) == 0)
            return length - word - 1;
    }
    return length;
}

bool sibling_find(char *out, size_t size, const char *path, int in_channels)
{
    static const char ending[] = ".safetensors";
    const char       *slash = strrchr(path, '/');
    size_t            folder = slash ? (size_t)(slash - path) + 1 : 0;
    size_t            length = strlen(path);
    bool has_ending = length > strlen(ending) && strcmp(path + length - strlen(ending), ending) == 0;
    length -= has_ending ? strlen(ending) : 0;
    size_t stem = folder + without_word(path + folder, length - folder);
    for (size_t i = 0; i < WORDS; i++)
        for (const char *mark = "-_."; *mark && words[i].in_channels == in_channels; mark++) {
            bool bare = words[i].word[0] == '\0';
            int  written = snprintf(out, size, "%.*s%.*s%s%s", (int)stem, path, bare ? 0 : 1, mark,
                                    words[i].word, has_ending ? ending : "");
            if (written >= 0 && (size_t)written < size && strcmp(out, path) != 0 &&
                access(out, R_OK) == 0)
                return true;
        }
    return false;
}
