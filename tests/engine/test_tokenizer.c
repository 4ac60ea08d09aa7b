/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"
#include "text/tokenizer.h"
#include "text_help.h"

#include <stdlib.h>
#include <string.h>

static TokenList encode(const char *text, size_t bytes)
{
    EngineError error = { 0 };
    Tokenizer  *tokenizer = tokenizer_create(&error);
    TokenList   list = { 0 };
    char       *copy = exact_copy(text, bytes);
    CHECK(tokenizer && tokenizer_encode(tokenizer, copy, bytes, &list, &error));
    free(copy);
    tokenizer_destroy(tokenizer);
    return list;
}

/* Ids of a text, up to a 0. */
static void check_ids(const char *text, const int *want)
{
    TokenList list = encode(text, strlen(text));
    size_t    count = 0;
    while (want[count])
        count++;
    if (CHECK_INT((long long)list.count, (long long)count))
        for (size_t i = 0; i < count; i++)
            CHECK_INT(list.ids[i], want[i]);
    token_list_clear(&list);
}

static void check_same(const char *one, const char *other)
{
    TokenList a = encode(one, strlen(one)), b = encode(other, strlen(other));
    CHECK(a.count == b.count && memcmp(a.ids, b.ids, a.count * sizeof *a.ids) == 0);
    token_list_clear(&a);
    token_list_clear(&b);
}

/* Words that a model adds, one after the other with a NUL between, get the ids behind the public ones. */
static void add_words(Tokenizer *tokenizer, const Safetensors *file)
{
    EngineError error = { 0 };
    size_t      bytes;
    char       *words = golden_copy(file, "words", &bytes);
    int         id = TOKEN_COUNT;
    for (size_t at = 0; at < bytes; at += strlen(words + at) + 1)
        CHECK(tokenizer_add(tokenizer, words + at, id++, &error));
    free(words);
}

static void check_golden(const char *name, size_t least)
{
    EngineError  error = { 0 };
    Tokenizer   *tokenizer = tokenizer_create(&error);
    Safetensors *file = golden_open(name);
    size_t       bytes, id_bytes, count, id_count;
    if (safetensors_find(file, "words"))
        add_words(tokenizer, file);
    char        *text = golden_copy(file, "text", &bytes);
    uint8_t     *ids = golden_copy(file, "ids", &id_bytes);
    int32_t     *text_ends = golden_copy(file, "text_ends", &count);
    int32_t     *id_ends = golden_copy(file, "id_ends", &id_count);
    CHECK(count >= least && id_count == count);
    size_t wrong = 0, at = 0, id = 0;
    for (size_t i = 0; i < count; i++) {
        TokenList list = { 0 };
        size_t    length = (size_t)text_ends[i] - at;
        char     *copy = exact_copy(text + at, length);
        bool      ok = tokenizer_encode(tokenizer, copy, length, &list, &error) &&
                  list.count == (size_t)id_ends[i] - id;
        for (size_t k = 0; ok && k < list.count; k++)
            ok = list.ids[k] == (ids[2 * (id + k)] | ids[2 * (id + k) + 1] << 8);
        wrong += !ok;
        free(copy);
        token_list_clear(&list);
        at = (size_t)text_ends[i];
        id = (size_t)id_ends[i];
    }
    CHECK_INT((long long)wrong, 0);
    free(text);
    free(ids);
    free(text_ends);
    free(id_ends);
    safetensors_close(file);
    tokenizer_destroy(tokenizer);
}

static void words_that_a_model_adds_are_found_as_the_reference_finds_them(void)
{
    check_golden("files_tokens.safetensors", 400);
}

static void ids_are_those_of_the_reference_in_every_locale(void)
{
    for (int locale = 0; next_locale(&locale);)
        check_golden("text_tokens.safetensors", 10000);
}

static void words_have_the_known_ids(void)
{
    check_ids("a photo of a cat", (const int[]){ 320, 1125, 539, 320, 2368, 0 });
    check_ids("A CAT'S hat, it'll", (const int[]){ 320, 2368, 568, 3801, 267, 585, 1342, 0 });
    check_ids("", (const int[]){ 0 });
    check_ids(" \t\n\xc2\xa0\xe3\x80\x80", (const int[]){ 0 });
}

static void typed_marks_are_text(void)
{
    check_ids("<|endoftext|>", (const int[]){ 27, 347, 40786, 4160, 91, 285, 0 });
    TokenList list = encode("a <|startoftext|> b <|ENDOFTEXT|>", 33);
    for (size_t i = 0; i < list.count; i++)
        CHECK(list.ids[i] < TOKEN_START);
    token_list_clear(&list);
}

static void invalid_utf8_reads_as_replacement_characters(void)
{
    check_same("a\xff z", "a\xef\xbf\xbd z");
    check_same("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
    check_same("\xf0\x9f\x98", "\xef\xbf\xbd");                         /* cut short */
    check_same("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");                 /* overlong */
    check_same("\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    TokenList list = encode("a\0b", 3); /* U+0000 is a character like any other */
    CHECK_INT((long long)list.count, 3);
    token_list_clear(&list);
}

static void composed_and_decomposed_letters_are_the_same(void)
{
    check_same("\xc3\xa9t\xc3\xa9", "e\xcc\x81te\xcc\x81");
    check_same("\xea\xb0\x81", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8");
    check_same("\xe1\xba\xad", "a\xcc\x82\xcc\xa3");
}

static void a_megabyte_takes_less_than_five_seconds(void)
{
    static const char *const units[] = {
        "a",   "ab",           "photo ",           "\xcc\x81", "\xcc\xa3\xcc\x81",
        "1",   "\xe5\xad\x97", "\xf0\x9f\x98\x80", "'s",       "!",
        "\xff"
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        char     *text = repeated(units[i], 1000000);
        double    start = seconds_now();
        TokenList list = encode(text, strlen(text));
        CHECK(list.count > 0 && seconds_now() - start < 5);
        token_list_clear(&list);
        free(text);
    }
}

static void a_text_beyond_the_limit_is_refused(void)
{
    EngineError error = { 0 };
    TokenList   list = { 0 };
    Tokenizer  *tokenizer = tokenizer_create(&error);
    CHECK(!tokenizer_encode(tokenizer, "", (size_t)1 << 31, &list, &error)); /* is not read */
    CHECK_INT(error.status, ENGINE_BAD_REQUEST);
    tokenizer_destroy(tokenizer);
    tokenizer_destroy(NULL);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(words_have_the_known_ids);
    RUN(ids_are_those_of_the_reference_in_every_locale);
    RUN(words_that_a_model_adds_are_found_as_the_reference_finds_them);
    RUN(typed_marks_are_text);
    RUN(invalid_utf8_reads_as_replacement_characters);
    RUN(composed_and_decomposed_letters_are_the_same);
    RUN(a_megabyte_takes_less_than_five_seconds);
    RUN(a_text_beyond_the_limit_is_refused);
    return test_end();
}
