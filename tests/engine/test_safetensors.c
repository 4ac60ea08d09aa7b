/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files/safetensors.h"

#include "files_help.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ONE "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

/* Opens exactly these bytes; the sentence goes to message. */
static Safetensors *open_bytes(const Bytes *file, EngineError *error)
{
    *error = (EngineError){ ENGINE_OK, "" };
    return safetensors_from_memory("x.safetensors", file->bytes, file->size, error);
}

/* Refused, with a sentence that names the file and holds `word`. */
static void refuse_sized(const char *header, long header_size, size_t data_bytes, const char *word)
{
    EngineError  error;
    Bytes        file = bytes_of_file(header, header_size, data_bytes);
    Safetensors *opened = open_bytes(&file, &error);
    if (!CHECK(!opened) || !CHECK(error.status == ENGINE_BAD_FILE) ||
        !CHECK(strncmp(error.message, "x.safetensors: ", 15) == 0) ||
        !CHECK(strstr(error.message, word) != NULL))
        printf("     header %.200s\n     said   %s\n     wanted %s\n", header, error.message, word);
    safetensors_close(opened);
    bytes_free(&file);
}

static void refuse(const char *header, size_t data_bytes, const char *word)
{
    refuse_sized(header, -1, data_bytes, word);
}

static void accept(const char *header, size_t data_bytes, size_t tensors)
{
    EngineError  error;
    Bytes        file = bytes_of_file(header, -1, data_bytes);
    Safetensors *opened = open_bytes(&file, &error);
    if (!CHECK(opened != NULL))
        printf("     header %.200s\n     said   %s\n", header, error.message);
    else
        CHECK_INT((long long)safetensors_count(opened), (long long)tensors);
    safetensors_close(opened);
    bytes_free(&file);
}

/* One tensor "a" with these fields. */
static void refuse_entry(const char *fields, size_t data_bytes, const char *word)
{
    char header[2000];
    snprintf(header, sizeof header, "{\"a\":{%s}}", fields);
    refuse(header, data_bytes, word);
}

static void refuse_bytes(const void *bytes, size_t size, const char *word)
{
    EngineError  error;
    Bytes        file = bytes_copy(bytes, size);
    Safetensors *opened = open_bytes(&file, &error);
    if (!CHECK(!opened) || !CHECK(strstr(error.message, word) != NULL))
        printf("     said   %s\n     wanted %s\n", error.message, word);
    safetensors_close(opened);
    bytes_free(&file);
}

/* ---- framing: L01 to L08 ------------------------------------------------------------------- */

static void refuses_truncation_at_every_byte(void)
{
    Bytes  file = bytes_of_file("{" ONE "}", -1, 8);
    size_t refused = 0;
    for (size_t size = 0; size < file.size; size++) {
        EngineError  error;
        Bytes        cut = bytes_copy(file.bytes, size);
        Safetensors *opened = open_bytes(&cut, &error);
        refused += !opened && error.status == ENGINE_BAD_FILE;
        safetensors_close(opened);
        bytes_free(&cut);
    }
    CHECK_INT((long long)refused, (long long)file.size);
    refuse_bytes(file.bytes, file.size - 1, "incomplete");
    refuse_bytes(file.bytes, 20, "incomplete");
    refuse_bytes(file.bytes, 3, "3 bytes");
    bytes_free(&file);
}

static void refuses_absurd_header_lengths(void)
{
    static const uint64_t lengths[] = { UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63, 100000001,
                                        UINT64_C(0x5a00000000000000) };
    unsigned char bytes[10] = { 0 };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memcpy(bytes, &lengths[i], 8);
        refuse_bytes(bytes, sizeof bytes, "100000000");
    }
    uint64_t most = 100000000;
    memcpy(bytes, &most, 8);
    refuse_bytes(bytes, sizeof bytes, "ends at byte 10");
    refuse_bytes("\0\0\0\0\0\0\0\0\0\0\0\0", 12, "zeros");
    refuse_bytes("\0\0\0\0\0\0\0\0{}", 10, "empty header");
    refuse_bytes("\1\0\0\0\0\0\0\0{", 9, "JSON");
}

static void names_what_a_foreign_file_is(void)
{
    static const struct {
        const char *bytes, *word;
        size_t      size;
    } files[] = {
#define FOREIGN(bytes, word) { bytes, word, sizeof bytes - 1 }
        FOREIGN("PK\3\4\24\0\0\0\0\0\0\0archive/data.pkl", "pickle"),
        FOREIGN("\x80\2}q\0(X\5\0\0\0epoch", "pickle"),
        FOREIGN("\x80\4\x95\30\0\0\0\0\0\0\0}", "pickle"),
        FOREIGN("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", "pickle"),
        FOREIGN("GGUF\3\0\0\0\x23\1\0\0\0\0\0\0", "GGUF"),
        FOREIGN("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "Git LFS"),
        FOREIGN("<!DOCTYPE html>\n<html><head>", "web page"),
        FOREIGN("\n  <HTML><body>Please log in", "web page"),
        FOREIGN("{\"error\":\"Access to model is restricted\"}", "JSON"),
        FOREIGN("\x1f\x8b\x08\0\0\0\0\0\0\3abcdef", "gzip"),
        FOREIGN("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        FOREIGN("\x7f" "ELF\2\1\1\0\0\0\0\0", "program"),
#undef FOREIGN
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        refuse_bytes(files[i].bytes, files[i].size, files[i].word);
}

/* ---- JSON: L09 to L16 ---------------------------------------------------------------------- */

static void refuses_what_is_no_json(void)
{
    static const char *const headers[] = {
        "[]", "null", "1", "\"a\"", "{", "}", "{]", "{\"a\"}", "{,}", "{" ONE ",}", "{" ONE " " ONE "}",
        "{a:1}", "{'a':1}", "{" ONE "}{}", "{" ONE "}x", "{" ONE "},", "/**/{}", "{}//", "{\"a\":{\"x\":tru}}",
        "{\"a\":{\"x\":nul}}", "{\"a\":{\"x\":True}}", "{\"a\":{\"x\":[1,]}}", "{\"a\":{\"x\":[1 2]}}",
        "{\"a\":{\"x\":[}}", "{\"a\":{\"x\":{1:2}}}", "{\"a\":{\"x\":\"\t\"}}", "{\"a\":{\"x\":\"\\q\"}}",
        "{\"a\":{\"x\":\"\\u12g4\"}}", "{\"a\":{\"x\":\"\\ud800\"}}", "{\"a\":{\"x\":\"\\ud800\\u0041\"}}",
        "{\"a\":{\"x\":\"\\udc00\\ud800\"}}", "{\"a\":{\"x\":\"\\ud800\\ud800\"}}", "\f{}", "{}\v",
        "{\"a\":{\"x\":NaN}}", "{\"a\":{\"x\":Infinity}}", "{\"a\":{\"x\":-Infinity}}", "{\"a\":{\"x\":01}}",
        "{\"a\":{\"x\":-01}}", "{\"a\":{\"x\":00}}", "{\"a\":{\"x\":+1}}", "{\"a\":{\"x\":0x1}}", "{\"a\":{\"x\":.5}}",
        "{\"a\":{\"x\":5.}}", "{\"a\":{\"x\":5e}}", "{\"a\":{\"x\":5e+}}", "{\"a\":{\"x\":-}}", "{\"a\":{\"x\":1e999}}",
        "{\"a\":{\"x\":1e309}}", "{\"a\":{\"x\":1.7976931348623159e308}}", "{\"a\":{\"x\":-1e309}}",
        "{\"a\":{\"x\":0.1e310}}", "{\"a\":{\"x\":1e99999999999999999999}}",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        refuse(headers[i], 8, "JSON");
}

static void refuses_bytes_that_c_strings_hide(void)
{
    refuse_sized("{}\0\0", 4, 0, "JSON");
    refuse_sized("{}\0{\"a\":1}", 11, 0, "JSON");
    refuse_sized("{\"a\0b\":1}", 9, 0, "JSON");
    refuse("\xef\xbb\xbf{}", 0, "JSON");
    refuse("\xc2\xa0{}", 0, "JSON");
    refuse_sized("{\0}\0", 4, 0, "JSON");
}

static void refuses_text_that_is_no_utf8(void)
{
    static const char *const bad[] = {
        "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff", "\x80", "\xbf", "\xe4", "\xc3(", "\xe2\x82", "\xf0\x9f\x98",
    };
    char header[200];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(header, sizeof header, "{\"%s\":{}}", bad[i]);
        refuse(header, 0, "UTF-8");
        snprintf(header, sizeof header, "{\"__metadata__\":{\"a\":\"abcdefgh%s\"}}", bad[i]);
        refuse(header, 0, "UTF-8");
        snprintf(header, sizeof header, "{}%s", bad[i]);
        refuse(header, 0, "UTF-8");
    }
}

/* levels containers in an unknown field, closed or not. */
static char *nested(int levels, char bracket, bool closed)
{
    char *header = malloc((size_t)levels * 6 + 200);
    int   at = sprintf(header, "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"x\":");
    for (int i = 0; i < levels; i++)
        at += sprintf(header + at, bracket == '[' ? "[" : "{\"k\":");
    if (bracket == '{')
        at += sprintf(header + at, "0");
    for (int i = 0; i < levels && closed; i++)
        header[at++] = bracket == '[' ? ']' : '}';
    if (closed)
        header[at++] = '}', header[at++] = '}';
    header[at] = '\0';
    return header;
}

static void refuses_depth_beyond_127_in_constant_stack(void)
{
    static const int refused[] = { 126, 127, 128, 1200, 1000000 };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        for (int kind = 0; kind < 4; kind++) {
            char *header = nested(refused[i], kind & 1 ? '[' : '{', kind & 2);
            refuse(header, 4, "nested deeper");
            free(header);
        }
    for (int kind = 0; kind < 2; kind++) {
        char *header = nested(125, kind ? '[' : '{', true);
        accept(header, 4, 1);
        free(header);
    }
}

static void reads_long_numbers_in_linear_time(void)
{
    enum { DIGITS = 20000000 };
    char  *header = malloc(DIGITS + 200);
    int    at = sprintf(header, "{\"a\":{\"dtype\":\"F32\",\"shape\":[");
    memset(header + at, '9', DIGITS);
    memcpy(header + at + DIGITS, "]}}", 4);
    clock_t begin = clock();
    refuse(header, 0, "beyond every range");
    memset(header + at, '0', DIGITS);
    header[at + 1] = '.';
    refuse(header, 0, "no whole number");
    CHECK((double)(clock() - begin) / CLOCKS_PER_SEC < 10);
    free(header);
    accept("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"x\":[1.7976931348623157e308,1e308,"
           "-1e-999,0e999,0.00001e312,123456789012345678901234567890,-0,-0.0,1E5,1e+5]}}",
           4, 1);
}

/* ---- names: L17, L18 ----------------------------------------------------------------------- */

static void refuses_names_that_repeat(void)
{
#define TWO(name) "\"" name "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}"
    refuse("{" ONE "," TWO("a") "}", 16, "'a' is there twice");
    refuse("{" ONE "," TWO("\\u0061") "}", 16, "'a' is there twice");
    refuse("{" ONE "," ONE "}", 8, "twice");
    refuse("{" ONE ",\"a\":1}", 8, "twice");
    refuse("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice");
    refuse("{\"__metadata__\":{\"k\":\"1\",\"k\":\"1\"}}", 0, "metadata 'k' is there twice");
    refuse_entry("\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]", 8, "'dtype' twice");
    refuse_entry("\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,8]", 8, "'shape' twice");
    refuse_entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"data_offsets\":[0,8]", 8, "twice");
    accept("{" ONE "," TWO("A") "}", 16, 2);
}

static void refuses_nul_in_names_and_metadata(void)
{
    refuse("{\"a\\u0000b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "U+0000");
    refuse("{\"__metadata__\":{\"a\\u0000\":\"b\"}}", 0, "U+0000");
    refuse("{\"__metadata__\":{\"a\":\"b\\u0000\"}}", 0, "U+0000");
    refuse("{\"__metadata__\\u0000\":{}}", 0, "U+0000");
    refuse_entry("\"dtype\":\"F32\\u0000\",\"shape\":[2],\"data_offsets\":[0,8]", 8, "format");
    refuse_entry("\"dtype\\u0000\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]", 8, "no 'dtype'");
}

/* ---- entries: L19 to L26 ------------------------------------------------------------------- */

static void refuses_metadata_that_is_not_text(void)
{
    refuse("{\"__metadata__\":[]}", 0, "__metadata__");
    refuse("{\"__metadata__\":\"a\"}", 0, "__metadata__");
    refuse("{\"__metadata__\":{\"a\":1}}", 0, "metadata 'a'");
    refuse("{\"__metadata__\":{\"a\":null}}", 0, "metadata 'a'");
    refuse("{\"__metadata__\":{\"a\":{}}}", 0, "metadata 'a'");
    refuse("{\"__metadata__\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "metadata 'shape'");
}

static void refuses_entries_with_wrong_fields(void)
{
    refuse("{\"a\":1}", 0, "object");
    refuse("{\"a\":null}", 0, "object");
    refuse("{\"a\":[\"F32\",[2],[0,8]]}", 8, "object");
    refuse_entry("", 0, "no 'dtype'");
    refuse_entry("\"shape\":[2],\"data_offsets\":[0,8]", 8, "no 'dtype'");
    refuse_entry("\"dtype\":\"F32\",\"data_offsets\":[0,8]", 8, "no 'shape'");
    refuse_entry("\"dtype\":\"F32\",\"shape\":[2]", 8, "no 'data_offsets'");
    refuse_entry("\"Dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]", 8, "no 'dtype'");
    refuse_entry("\"dtype\":null,\"shape\":[2],\"data_offsets\":[0,8]", 8, "dtype");
    refuse_entry("\"dtype\":5,\"shape\":[2],\"data_offsets\":[0,8]", 8, "dtype");
    refuse_entry("\"dtype\":\"F32\",\"shape\":null,\"data_offsets\":[0,8]", 8, "shape");
    refuse_entry("\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]", 8, "shape");
    refuse_entry("\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[0,8]", 8, "shape");
    refuse_entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":null", 8, "data_offsets");
    refuse_entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":{\"0\":0}", 8, "data_offsets");
}

static void refuses_sizes_that_are_no_whole_numbers(void)
{
    static const char *const values[] = { "2.0",  "1.9",  "-1",   "-0",  "2e0", "\"2\"", "true", "null",
                                          "[2]", "{}", "18446744073709551616", "18446744073709551620",
                                          "99999999999999999999999999" };
    char fields[300];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        snprintf(fields, sizeof fields, "\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[0,8]", values[i]);
        refuse_entry(fields, 8, "'a': 'shape' holds");
        snprintf(fields, sizeof fields, "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,%s]", values[i]);
        refuse_entry(fields, 8, "'a': 'data_offsets' holds");
    }
    refuse_entry("\"dtype\":\"F32\",\"shape\":[-1,-1],\"data_offsets\":[0,4]", 4, "shape");
    refuse_entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[]", 8, "two numbers");
    refuse_entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8]", 8, "two numbers");
    refuse_entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]", 8, "two numbers");
}

static void refuses_unknown_number_formats(void)
{
    static const char *const names[] = { "f32", "F32 ", " F32", "", "F33", "BFLOAT16", "F8", "INT8", "Q4_0" };
    char                     fields[200];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(fields, sizeof fields, "\"dtype\":\"%s\",\"shape\":[2],\"data_offsets\":[0,8]", names[i]);
        refuse_entry(fields, 8, "unknown number format");
    }
    refuse_entry("\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]", 2, "within a byte");
    refuse_entry("\"dtype\":\"F6_E2M3\",\"shape\":[3],\"data_offsets\":[0,3]", 3, "within a byte");
}

static void refuses_sizes_that_wrap_around(void)
{
    static const char *const shapes[] = {
        "4294967296,4294967296", "281474976710655,281474976710655", "65536,65536,65536,65536",
        "281474976710655,65537", "0,281474976710656", "281474976710656,0", "9223372036854775808",
        "18446744073709551615", "2305843009213693952", "65536,65536,65536,65536,0",
    };
    char fields[300];
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int end = 0; end <= 8; end += 4) {
            snprintf(fields, sizeof fields, "\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[0,%d]", shapes[i], end);
            refuse_entry(fields, (size_t)end, i < 4 || i > 8 ? "too large" : "2^48");
        }
    refuse_entry("\"dtype\":\"F32\",\"shape\":[4294967297],\"data_offsets\":[0,4]", 4, "needs 17179869188");
    refuse_entry("\"dtype\":\"F32\",\"shape\":[2147483648],\"data_offsets\":[0,0]", 0, "needs 8589934592");
    refuse_entry("\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,1]", 1, "needs 2");
}

static void refuses_tensors_that_do_not_touch(void)
{
#define AT(name, begin, end) \
    "\"" name "\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[" #begin "," #end "]}"
    refuse("{" AT("a", 4, 8) "}", 8, "hole");
    refuse("{" AT("a", 0, 4) "," AT("b", 5, 9) "}", 9, "'a'");
    refuse("{" AT("a", 0, 4) "," AT("b", 3, 7) "}", 7, "overlap");
    refuse("{" AT("a", 0, 4) "," AT("b", 0, 4) "}", 4, "overlap");
    refuse("{" AT("a", 4, 0) "}", 4, "ends (0) before it begins (4)");
    refuse("{\"a\":}", 0, "object");
    refuse("{" AT("a", 0, 4) "," AT("b", 4, 0) "}", 4, "ends");
    refuse("{" AT("a", 18446744073709551612, 0) "}", 4, "ends");
    refuse("{" AT("a", 100, 104) "}", 4, "hole");
    refuse("{" AT("a", 0, 4) "}", 3, "incomplete");
    refuse("{" AT("a", 0, 4) "}", 5, "1 bytes follow the last tensor");
    refuse("{}", 1, "1 bytes follow");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[9,9]}}", 0, "hole");
    refuse("{" AT("a", 0, 4) ",\"z\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[2,2]}}", 4, "overlap");
}

/* ---- L29: many ----------------------------------------------------------------------------- */

static void many_tensors_take_seconds_and_a_few_times_the_header(void)
{
    enum { TENSORS = 1700000, FULL = 100000 }; /* the others are empty, and belong before all */
    char  *header = malloc(100000000);
    size_t at = 1;
    header[0] = '{';
    for (int i = 0; i < TENSORS; i++) {
        int begin = i < FULL ? i : 0, end = i < FULL ? i + 1 : 0;
        at += (size_t)sprintf(header + at, "%s\"%x\":{\"dtype\":\"U8\",\"shape\":[%s],\"data_offsets\":[%d,%d]}",
                              i ? "," : "", i, i < FULL ? "" : "0", begin, end);
    }
    header[at++] = '}';
    Bytes file = bytes_of_file(header, (long)at, FULL);
    free(header);
    const char *path = temporary_path("many.safetensors");
    write_bytes(path, file.bytes, file.size);
    bytes_free(&file);
    struct rusage before, after;
    EngineError   error = { 0 };
    getrusage(RUSAGE_SELF, &before);
    clock_t      start = clock();
    Safetensors *opened = safetensors_open_header(path, &error);
    double       seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    getrusage(RUSAGE_SELF, &after);
    printf("     header of %zu MB, %d tensors: %.2f s, %ld MB more\n", at >> 20, TENSORS, seconds,
           (after.ru_maxrss - before.ru_maxrss) / 1024);
    if (CHECK(opened != NULL))
        CHECK_INT((long long)safetensors_count(opened), TENSORS);
    CHECK(seconds < 15);
    safetensors_close(opened);
    unlink(path);
}

static void many_overlaps_and_much_metadata_end_soon(void)
{
    enum { COUNT = 300000 };
    char  *header = malloc(COUNT * 70 + 100);
    size_t at = 1;
    header[0] = '{';
    for (int i = 0; i < COUNT; i++)
        at += (size_t)sprintf(header + at, "%s\"%d\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}",
                              i ? "," : "", i);
    memcpy(header + at, "}", 2);
    clock_t begin = clock();
    refuse(header, 4, "overlap");
    at = (size_t)sprintf(header, "{\"__metadata__\":{");
    for (int i = 0; i < COUNT; i++)
        at += (size_t)sprintf(header + at, "%s\"%d\":\"%d\"", i ? "," : "", i, i);
    memcpy(header + at, "}}", 3);
    accept(header, 0, 0);
    CHECK((double)(clock() - begin) / CLOCKS_PER_SEC < 10);
    free(header);
}

/* ---- L31 to L41: must accept ---------------------------------------------------------------- */

static void accepts_empty_and_padded_files(void)
{
    accept("{}", 0, 0);
    accept("{}      ", 0, 0);
    accept("{\"__metadata__\":{\"a\":\"b\"}}", 0, 0);
    accept("{\"__metadata__\":{}}", 0, 0);
    accept("{\"__metadata__\":null," ONE "}", 8, 1);
    accept(" \t\r\n{" ONE "} \r\n", 8, 1);
    accept("{\r\n  \"a\" : {\r\n \"data_offsets\" : [ 0 , 8 ] , \"shape\" : [ 2 ] , \"dtype\" : \"F32\" }\r\n}", 8, 1);
}

static void accepts_data_at_odd_places(void)
{
    EngineError  error;
    Bytes        file = bytes_of_file("{\"m\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{"
                                             "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]}}",
                                             -1, 9);
    Safetensors *opened = open_bytes(&file, &error);
    if (CHECK(opened != NULL)) {
        const SafetensorsEntry *entry = safetensors_find(opened, "a");
        CHECK(entry && entry->data == file.bytes + file.size - 8);
        CHECK(entry && memcmp(entry->data, "\2\3\4\5\6\7\10\11", 8) == 0);
    }
    safetensors_close(opened);
    bytes_free(&file);
}

static void reads_escapes_and_keeps_names_as_they_are(void)
{
    static const struct {
        const char *json, *name;
    } names[] = {
        { "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t" },
        { "\\u00e9\\u4f60\\ud83d\\ude00", "\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80" },
        { "\xe4\xbd\xa0<b>%s%n/../\\u001b[31m", "\xe4\xbd\xa0<b>%s%n/../\033[31m" },
        { "e\xcc\x81", "e\xcc\x81" },
        { "", "" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char        header[300];
        EngineError error;
        snprintf(header, sizeof header, "{\"%s\":{\"\\u0064type\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                 names[i].json);
        Bytes        file = bytes_of_file(header, -1, 8);
        Safetensors *opened = open_bytes(&file, &error);
        if (CHECK(opened != NULL))
            CHECK_STRING(safetensors_at(opened, 0)->name, names[i].name);
        CHECK(opened && safetensors_find(opened, names[i].name));
        safetensors_close(opened);
        bytes_free(&file);
    }
    accept("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"extra\":[1,{\"b\":null}],\"more\":true,\"data_offsets\":[0,8]}}", 8, 1);
}

static void accepts_every_format_and_any_rank(void)
{
    for (int type = 0; type < TYPE_COUNT; type++) {
        char header[200];
        int  bytes = tensor_type_bits((TensorType)type);
        snprintf(header, sizeof header, "{\"a\":{\"dtype\":\"%s\",\"shape\":[8],\"data_offsets\":[0,%d]}}",
                 tensor_type_name((TensorType)type), bytes);
        accept(header, (size_t)bytes, 1);
    }
    char  header[1000];
    int   at = sprintf(header, "{\"a\":{\"dtype\":\"U8\",\"shape\":[1");
    for (int i = 1; i < 64; i++)
        at += sprintf(header + at, ",1");
    sprintf(header + at, "],\"data_offsets\":[0,1]}}");
    accept(header, 1, 1);
    accept("{\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},\"z\":{\"dtype\":\"F32\",\"shape\":[0],"
           "\"data_offsets\":[0,0]},\"y\":{\"dtype\":\"F32\",\"shape\":[7,0,3],\"data_offsets\":[4,4]}}",
           4, 3);
}

/* A tensor of many dimensions: `many` ones, then those of `last`. */
static Bytes deep_file(int many, const char *last, size_t bytes)
{
    char *header = malloc(2 * (size_t)many + 400);
    int   at = sprintf(header, "{\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[%zu,%zu]},"
                             "\"a\":{\"dtype\":\"U8\",\"shape\":[", bytes, bytes + 3);
    for (int i = 0; i < many; i++, at += 2)
        memcpy(header + at, "1,", 2);
    sprintf(header + at, "%s],\"data_offsets\":[0,%zu]}}", last, bytes);
    Bytes file = bytes_of_file(header, -1, bytes + 3);
    free(header);
    return file;
}

static void check_deep(int many, const char *last, size_t bytes, const char *fault)
{
    EngineError  error;
    Bytes        file = deep_file(many, last, bytes);
    Safetensors *opened = open_bytes(&file, &error);
    if (fault ? !CHECK(!opened && strstr(error.message, fault)) : !CHECK(opened != NULL))
        printf("     %d, %s: %s\n", many, last, error.message);
    if (opened) {
        const SafetensorsEntry *deep = safetensors_find(opened, "a"), *other = safetensors_find(opened, "b");
        CHECK(deep && deep->rank > many && deep->shape[0] == 1);
        CHECK(other && other->rank == 1 && other->shape[0] == 3);
    }
    safetensors_close(opened);
    bytes_free(&file);
}

/* More dimensions than are kept: their product is the same as of few ones. */
static void dimensions_that_are_not_kept_count(void)
{
    static const int deep[] = { 29, 30, 31, 32, 33, 34, 1000, 1000000 };
    for (size_t i = 0; i < sizeof deep / sizeof *deep; i++) {
        check_deep(deep[i], "2,5", 10, NULL);
        check_deep(deep[i], "2,0", 0, NULL);
        check_deep(deep[i], "2,5", 11, "has 11 bytes, and its shape in U8 needs 10");
        check_deep(deep[i], "281474976710655,281474976710655", 10, "is too large");
        check_deep(deep[i], "281474976710655,281474976710655,0", 0, "is too large");
    }
}

static void sorts_by_place_and_finds_by_name(void)
{
    EngineError  error;
    Bytes        file = bytes_of_file("{" AT("c", 8, 12) "," AT("a", 0, 4) "," AT("b", 4, 8) "}", -1, 12);
    Safetensors *opened = open_bytes(&file, &error);
    if (CHECK(opened != NULL)) {
        CHECK_STRING(safetensors_at(opened, 0)->name, "a");
        CHECK_STRING(safetensors_at(opened, 2)->name, "c");
        CHECK(safetensors_find(opened, "c") == safetensors_at(opened, 2));
        CHECK(!safetensors_find(opened, "d"));
        CHECK_INT((long long)safetensors_at(opened, 1)->shape[0], 4);
    }
    safetensors_close(opened);
    bytes_free(&file);
}

/* ---- fuzz and writing ---------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void survives_ten_thousand_mutations(void)
{
    static const char alphabet[] = "{}[]\",:\\u0123456789eE+-.ntf \xc3\xf0\x80";
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},\"w\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
        "\"b\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[12,20],\"x\":[{\"y\":\"\\ud83d\\ude00\"},-1.5e3]}}";
    Bytes    file = bytes_of_file(header, -1, 20);
    uint64_t state = 42;
    int      opened_count = 0;
    for (int i = 0; i < 10000; i++) {
        EngineError error;
        size_t      size = i % 7 == 0 ? (size_t)(next_random(&state) % (file.size + 1)) : file.size;
        Bytes       copy = bytes_copy(file.bytes, size);
        int         changes = 1 + (int)(next_random(&state) % 4);
        for (int k = 0; k < changes && size > 0; k++) {
            size_t at = (size_t)(next_random(&state) % size);
            copy.bytes[at] = next_random(&state) % 3 == 0
                                 ? (unsigned char)next_random(&state)
                                 : (unsigned char)alphabet[next_random(&state) % (sizeof alphabet - 1)];
        }
        Safetensors *opened = open_bytes(&copy, &error);
        if ((opened != NULL) == (error.status != ENGINE_OK))
            CHECK(!"a refusal has a sentence and an opened file has none");
        for (size_t k = 0; opened && k < safetensors_count(opened); k++) {
            const SafetensorsEntry *entry = safetensors_at(opened, k);
            const unsigned char    *data = entry->data;
            volatile unsigned       sum = 0;
            for (uint64_t b = 0; b < entry->end - entry->begin; b++)
                sum += data[b];
        }
        opened_count += opened != NULL;
        safetensors_close(opened);
        bytes_free(&copy);
    }
    CHECK(opened_count > 100 && opened_count < 9000);
    bytes_free(&file);
}

static void writes_what_it_reads(void)
{
    static const float   numbers[6] = { 1, -2, 3.5f, 0, 1e-30f, 1e30f };
    static const int64_t ids[2] = { 49406, -1 };
    SafetensorsItem      items[2] = { { "a \"b\"\\\n", 2, { 2, 3 }, TYPE_F32, numbers },
                                      { "ids", 1, { 2 }, TYPE_I64, ids } };
    EngineError          error = { 0 };
    const char          *path = temporary_path("written.safetensors");
    if (!CHECK(safetensors_write(path, items, 2, &error)))
        printf("     %s\n", error.message);
    Safetensors *opened = safetensors_open(path, &error);
    if (CHECK(opened != NULL)) {
        const SafetensorsEntry *entry = safetensors_find(opened, "a \"b\"\\\n");
        CHECK(entry && entry->rank == 2 && entry->shape[1] == 3 && entry->type == TYPE_F32);
        CHECK(entry && memcmp(entry->data, numbers, sizeof numbers) == 0);
        entry = safetensors_find(opened, "ids");
        CHECK(entry && memcmp(entry->data, ids, sizeof ids) == 0);
    }
    CHECK(opened && !safetensors_changed(opened) && !safetensors_replaced(opened));
    safetensors_close(opened);
    CHECK(!safetensors_write("/nonexistent/folder/x", items, 2, &error));
    CHECK(strstr(error.message, "/nonexistent/folder/x: cannot be written") != NULL);
}

static void sees_zeros_at_the_end(void)
{
    FileBuilder builder = { 0 };
    builder_add(&builder, "a", "U8", 1, 3000000, 0, 0, 0);
    const char *path = temporary_path("zeros.safetensors");
    builder_write(&builder, path);
    EngineError  error = { 0 };
    Safetensors *opened = safetensors_open_header(path, &error);
    CHECK(opened && safetensors_zero_tail(opened) == 0);
    safetensors_close(opened);
    FILE *file = fopen(path, "r+b");
    fseek(file, -1, SEEK_END);
    fputc(0, file);
    fclose(file);
    opened = safetensors_open_header(path, &error);
    CHECK(opened && safetensors_zero_tail(opened) == 3000000);
    safetensors_close(opened);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(refuses_truncation_at_every_byte);
    RUN(refuses_absurd_header_lengths);
    RUN(names_what_a_foreign_file_is);
    RUN(refuses_what_is_no_json);
    RUN(refuses_bytes_that_c_strings_hide);
    RUN(refuses_text_that_is_no_utf8);
    RUN(refuses_depth_beyond_127_in_constant_stack);
    RUN(reads_long_numbers_in_linear_time);
    RUN(refuses_names_that_repeat);
    RUN(refuses_nul_in_names_and_metadata);
    RUN(refuses_metadata_that_is_not_text);
    RUN(refuses_entries_with_wrong_fields);
    RUN(refuses_sizes_that_are_no_whole_numbers);
    RUN(refuses_unknown_number_formats);
    RUN(refuses_sizes_that_wrap_around);
    RUN(refuses_tensors_that_do_not_touch);
    RUN(many_tensors_take_seconds_and_a_few_times_the_header);
    RUN(many_overlaps_and_much_metadata_end_soon);
    RUN(accepts_empty_and_padded_files);
    RUN(accepts_data_at_odd_places);
    RUN(reads_escapes_and_keeps_names_as_they_are);
    RUN(accepts_every_format_and_any_rank);
    RUN(dimensions_that_are_not_kept_count);
    RUN(sorts_by_place_and_finds_by_name);
    RUN(survives_ten_thousand_mutations);
    RUN(writes_what_it_reads);
    RUN(sees_zeros_at_the_end);
    files_help_end();
    return test_end();
}
