/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIGITS = 800, /* no double needs more than 767 to be told from its neighbours */
    EXPONENT_LIMIT = 1 << 30,
    FLOAT_DIGITS = 9, /* enough for every float */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* [+-]digits at text[*i], which is moved behind them; held within a bound that no double reaches.
 */
static bool read_exponent(const char *text, size_t bytes, size_t *i, long long *exponent)
{
    bool negative = *i < bytes && text[*i] == '-';
    if (*i < bytes && (text[*i] == '-' || text[*i] == '+'))
        ++*i;
    size_t first = *i;
    for (; *i < bytes && is_digit(text[*i]); ++*i)
        if (*exponent < EXPONENT_LIMIT)
            *exponent = 10 * *exponent + (text[*i] - '0');
    if (negative)
        *exponent = -*exponent;
    return *i > first;
}

/* The text is first brought to the form 1234e-5, with no point for a locale to object to. */
bool number_parse(const char *text, size_t bytes, double *value)
{
    char      plain[DIGITS + 40];
    size_t    i = 0, kept = 0, seen = 0;
    long long exponent = 0, shift = 0; /* shift: of the point against the kept digits */
    bool      point = false, rest = false;
    bool      negative = bytes > 0 && text[0] == '-';
    if (bytes > 0 && (text[0] == '-' || text[0] == '+'))
        i++;
    for (; i < bytes && (is_digit(text[i]) || (text[i] == '.' && !point)); i++) {
        if (text[i] == '.') {
            point = true;
            continue;
        }
        seen++;
        if (kept == 0 && text[i] == '0') {
            shift -= point;
        } else if (kept < DIGITS) {
            plain[kept++] = text[i];
            shift -= point;
        } else {
            rest = rest || text[i] != '0';
            shift += !point;
        }
    }
    if (seen == 0)
        return false;
    if (i < bytes && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        if (!read_exponent(text, bytes, &i, &exponent))
            return false;
    }
    if (i != bytes)
        return false;
    if (kept == 0)
        plain[kept++] = '0';
    if (rest) { /* what was cut off only matters by being more than nothing */
        plain[kept++] = '1';
        shift--;
    }
    snprintf(plain + kept, sizeof plain - kept, "e%lld", exponent + shift);
    double magnitude = strtod(plain, NULL);
    *value = negative ? -magnitude : magnitude;
    return isfinite(*value);
}

bool number_parse_whole(const char *text, size_t bytes, uint64_t *value)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (!is_digit(text[i]) || number > (UINT64_MAX - digit) / 10)
            return false;
        number = 10 * number + digit;
    }
    if (bytes > 0)
        *value = number;
    return bytes > 0;
}

int number_hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void number_format(char *out, double value)
{
    char digits[FLOAT_DIGITS + 1];
    int  count = 0, exponent = 0;
    if (!isfinite(value)) {
        strcpy(out, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    for (int precision = 0; precision < FLOAT_DIGITS; precision++) {
        /* d<point>ddde[+-]dd, with whatever point the locale has. */
        char   text[48], *end;
        double back;
        snprintf(text, sizeof text, "%.*e", precision, fabs(value));
        count = 0;
        for (end = text; *end != 'e'; end++)
            if (is_digit(*end))
                digits[count++] = *end;
        digits[count] = '\0';
        exponent = (int)strtol(end + 1, NULL, 10);
        snprintf(text, sizeof text, "%se%d", digits, exponent - precision);
        if (number_parse(text, strlen(text), &back) && (float)back == (float)fabs(value))
            break;
    }
    while (count > 1 && digits[count - 1] == '0')
        digits[--count] = '\0';
    if (signbit(value))
        *out++ = '-';
    if (exponent < -4 || exponent >= 16)
        sprintf(out, "%c%s%se%c%02d", digits[0], count > 1 ? "." : "", digits + 1,
                exponent < 0 ? '-' : '+', abs(exponent));
    else if (exponent < 0)
        sprintf(out, "0.%.*s%s", -exponent - 1, "0000", digits);
    else if (count <= exponent + 1)
        sprintf(out, "%s%.*s", digits, exponent + 1 - count, "000000000000000");
    else
        sprintf(out, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
}
