/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"
#include "base/number.h"
#include "text_help.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool parses(const char *text, double want)
{
    char  *copy = exact_copy(text, strlen(text));
    double value = 12345;
    bool   ok = number_parse(copy, strlen(text), &value) && value == want &&
              signbit(value) == signbit(want);
    free(copy);
    return CHECK(ok) || CHECK_STRING(text, "read as another number");
}

static void check_accepted(void)
{
    static const struct {
        const char *text;
        double      value;
    } good[] = {
        { "0", 0 },
        { "-0", -0.0 },
        { "7", 7 },
        { "+1.5", 1.5 },
        { ".5", .5 },
        { "5.", 5 },
        { "1e3", 1000 },
        { "1E-2", .01 },
        { "0.1", 0.1 },
        { "1.7976931348623157e308", 0x1.fffffffffffffp1023 },
        { "4.9e-324", 0x1p-1074 },
        { "1e-999", 0 },
        { "0e999999999999", 0 },
        { "9007199254740993", 9007199254740992.0 },            /* a tie goes to even … */
        { "9007199254740993.0000000001", 9007199254740994.0 }, /* … and what is above it up */
        { "123456789012345678901234567890", 123456789012345678901234567890.0 },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        parses(good[i].text, good[i].value);
}

static void numbers_are_read_exactly_in_every_locale(void)
{
    for (int locale = 0; next_locale(&locale);)
        check_accepted();
}

static void digits_far_behind_still_decide_a_tie(void)
{
    char text[3001] = "9007199254740993.";
    memset(text + 17, '0', 2983);
    parses(text, 9007199254740992.0);
    text[2999] = '1';
    parses(text, 9007199254740994.0);
    memset(text, '0', 2000); /* leading zeros count for nothing */
    memcpy(text + 2000, "7.25", 5);
    parses(text, 7.25);
}

static void what_is_no_number_is_refused(void)
{
    static const char *const bad[] = { "",      "+",   "-",   ".",   "+.",  "1,5",
                                       "1.2.3", "1e",  "1e+", "e5",  " 1",  "1 ",
                                       "0x10",  "nan", "inf", "1_0", "--1", "1f" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double value = 77;
        CHECK(!number_parse(bad[i], strlen(bad[i]), &value) && value == 77);
    }
    double value = 0;
    CHECK(!number_parse("1e999", 5, &value) && isinf(value) && value > 0);
    CHECK(!number_parse("-1e999", 6, &value) && isinf(value) && value < 0);
}

static void check_format(double value, const char *want)
{
    char text[32];
    number_format(text, value);
    CHECK_STRING(text, want);
}

static void numbers_are_written_shortly_in_every_locale(void)
{
    for (int locale = 0; next_locale(&locale);) {
        check_format(7, "7");
        check_format(0.75, "0.75");
        check_format(1e-5f, "1e-05");
        check_format(0.0001f, "0.0001");
        check_format(0, "0");
        check_format(-0.0, "-0");
        check_format(-1.5f, "-1.5");
        check_format(0.1f, "0.1");
        check_format(1.0f / 3, "0.33333334");
        check_format(16777216, "16777216");
        check_format(1e15, "1000000000000000");
        check_format(1e20f, "1e+20");
        check_format(3.4028234663852886e38, "3.4028235e+38");
        check_format(1e-45f, "1e-45");
        check_format(123.456f, "123.456");
    }
}

static void every_float_reads_back_as_itself(void)
{
    uint32_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        bits = bits * 1664525u + 1013904223u;
        float  number;
        double back = 0;
        char   text[32];
        memcpy(&number, &bits, sizeof number);
        if (!isfinite(number))
            continue;
        number_format(text, (double)number);
        if (!number_parse(text, strlen(text), &back) || (float)back != number || strlen(text) > 17)
            CHECK_STRING(text, "a float that reads back");
    }
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(numbers_are_read_exactly_in_every_locale);
    RUN(digits_far_behind_still_decide_a_tie);
    RUN(what_is_no_number_is_refused);
    RUN(numbers_are_written_shortly_in_every_locale);
    RUN(every_float_reads_back_as_itself);
    return test_end();
}
