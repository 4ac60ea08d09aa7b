/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "content.h"

#include <string.h>

#define PICKLE                                                                                       \
    "a Python pickle, which can run code and is never opened here; convert it to safetensors on a "   \
    "machine where that does no harm"

static const struct {
    size_t      offset, size;
    const char *magic;
    const char *name;
} signatures[] = {
    { 0, 4, "PK\3\4", "a ZIP archive; a torch checkpoint of this kind holds " PICKLE },
    { 0, 2, "\x80\2", PICKLE },
    { 0, 2, "\x80\3", PICKLE },
    { 0, 2, "\x80\4", PICKLE },
    { 0, 2, "\x80\5", PICKLE },
    { 0, 7, "(dp0\nS'", PICKLE },
    { 0, 7, "ctorch.", PICKLE },
    { 0, 2, "}q", PICKLE },
    { 0, 4, "GGUF", "a GGUF file, another format for weights; get the safetensors version" },
    { 0, 4, "lmgg", "a GGML file, another format for weights; get the safetensors version" },
    { 0, 24, "version https://git-lfs.", "a Git LFS pointer: a few lines that stand for the real "
                                         "file; fetch it with `git lfs pull` or from its web page" },
    { 0, 2, "\x1f\x8b", "a gzip archive; unpack it first" },
    { 0, 3, "BZh", "a bzip2 archive; unpack it first" },
    { 0, 4, "\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it first" },
    { 0, 6, "\xfd" "7zXZ\0", "an xz archive; unpack it first" },
    { 0, 6, "7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first" },
    { 0, 4, "Rar!", "a RAR archive; unpack it first" },
    { 257, 5, "ustar", "a tar archive; unpack it first" },
    { 0, 4, "\x89PNG", "a PNG picture" },
    { 0, 3, "\xff\xd8\xff", "a JPEG picture" },
    { 0, 4, "RIFF", "a WebP, WAV or AVI file" },
    { 0, 4, "%PDF", "a PDF document" },
    { 0, 4, "\x7f" "ELF", "a program" },
    { 0, 2, "MZ", "a program" },
    { 0, 8, "\x89HDF\r\n\x1a\n", "an HDF5 file (Keras?), another format for weights" },
    { 0, 6, "\x93NUMPY", "a NumPy array" },
    { 0, 2, "{\"", "a JSON text, perhaps an error message of the server; download the model again" },
    { 0, 2, "{\n", "a JSON text, perhaps an error message of the server; download the model again" },
};

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static int begins(const unsigned char *head, size_t size, const char *word)
{
    size_t length = strlen(word);
    if (size < length)
        return 0;
    for (size_t i = 0; i < length; i++)
        if (lower(head[i]) != word[i])
            return 0;
    return 1;
}

/* An ONNX model is a protocol buffer: its version, then the name of the program that wrote it. */
static bool is_onnx(const unsigned char *head, size_t size)
{
    return size > 8 && head[0] == 8 && head[1] < 32 && head[2] == 0x12 && head[3] >= 4 &&
           (memcmp(head + 4, "pyto", 4) == 0 || memcmp(head + 4, "onnx", 4) == 0 ||
            memcmp(head + 4, "tf2o", 4) == 0);
}

const char *content_name(const unsigned char *head, size_t size)
{
    if (is_onnx(head, size))
        return "an ONNX model, another format for weights; get the safetensors version";
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (size >= signatures[i].offset + signatures[i].size &&
            memcmp(head + signatures[i].offset, signatures[i].magic, signatures[i].size) == 0)
            return signatures[i].name;
    size_t blank = 0;
    while (blank < size && head[blank] && strchr(" \t\r\n", head[blank]))
        blank++;
    if (begins(head + blank, size - blank, "<!doctype") || begins(head + blank, size - blank, "<html") ||
        begins(head + blank, size - blank, "<?xml"))
        return "a web page, perhaps one that asks to log in; download the model again";
    return NULL;
}

bool content_first_line(char out[CONTENT_LINE], const unsigned char *head, size_t size)
{
    size_t begin = 0, end;
    for (size_t i = 0; i < size; i++)
        if (head[i] < ' ' ? !head[i] || !strchr("\t\r\n", head[i]) : head[i] == 0x7f)
            return false;
    while (begin < size && strchr(" \t\r\n", head[begin]))
        begin++;
    for (end = begin; end < size && head[end] != '\n' && head[end] != '\r';)
        end++;
    if (end - begin < 4) /* two or three letters are any bytes */
        return false;
    size_t length = end - begin < CONTENT_LINE ? end - begin : CONTENT_LINE - 1;
    while (length > 0 && begin + length < end && (head[begin + length] & 0xc0) == 0x80)
        length--;
    memcpy(out, head + begin, length);
    out[length] = '\0';
    return true;
}
