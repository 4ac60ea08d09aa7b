/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"
#include "test.h"

#include <string.h>

static void every_code_point_reads_back_and_its_beginnings_do_not(void)
{
    size_t bad = 0;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        char     text[4];
        uint32_t back;
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        size_t bytes = utf8_write(text, code);
        bad += utf8_read(text, bytes, &back) != bytes || back != code;
        bad += utf8_length(text, bytes, &back) != bytes || back != code;
        for (size_t cut = 1; cut < bytes; cut++)
            bad += utf8_length(text, cut, &back) != 0 || utf8_read(text, cut, &back) != cut ||
                   back != 0xfffd;
    }
    CHECK_INT((long long)bad, 0);
}

static void what_is_not_utf8_is_replaced(void)
{
    static const struct {
        const char *text;
        size_t      bytes; /* of its first piece */
    } cases[] = {
        { "\x80", 1 }, { "\xc0\x80", 1 }, { "\xc1\xbf", 1 }, { "\xe0\x80\x80", 1 },
        { "\xed\xa0\x80", 1 }, { "\xf0\x80\x80\x80", 1 }, { "\xf4\x90\x80\x80", 1 },
        { "\xf5", 1 }, { "\xff", 1 }, { "\xe2\x82" "a", 2 }, { "\xf0\x9f\x98" "a", 3 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t code;
        size_t   all = strlen(cases[i].text);
        CHECK_INT((long long)utf8_read(cases[i].text, all, &code), (long long)cases[i].bytes);
        CHECK_INT(code, 0xfffd);
        CHECK_INT((long long)utf8_length(cases[i].text, all, &code), 0);
    }
    uint32_t code;
    CHECK_INT((long long)utf8_length("\xef\xbf\xbd", 3, &code), 3); /* U+FFFD itself */
}

static void what_must_not_reach_a_terminal_is_shown_as_bytes(void)
{
    char out[64], tiny[8];
    utf8_show(out, sizeof out, "a\x1b[2J\n\xe2\x80\xaeä\xff");
    CHECK_STRING(out, "a\\x1b[2J\\x0a\\xe2\\x80\\xaeä\\xff");
    utf8_show(tiny, sizeof tiny, "äöüäöü");
    CHECK_STRING(tiny, "äö");
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(every_code_point_reads_back_and_its_beginnings_do_not);
    RUN(what_is_not_utf8_is_replaced);
    RUN(what_must_not_reach_a_terminal_is_shown_as_bytes);
    return test_end();
}
