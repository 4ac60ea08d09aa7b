/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the valid UTF-8 sequence at s (in n bytes), 0 when there is none or it must not be shown:
 * control characters, and the marks that turn or hide text on a screen. */
static int printable(const unsigned char *s, size_t n)
{
    unsigned c = s[0];
    int      length;
    unsigned code;
    if (c < 0x80)
        return c >= 0x20 && c != 0x7f;
    if (c >= 0xc2 && c <= 0xdf)
        length = 2, code = c & 0x1f;
    else if (c >= 0xe0 && c <= 0xef)
        length = 3, code = c & 0x0f;
    else if (c >= 0xf0 && c <= 0xf4)
        length = 4, code = c & 0x07;
    else
        return 0;
    if (n < (size_t)length)
        return 0;
    for (int i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000) || code > 0x10ffff ||
        (code >= 0xd800 && code <= 0xdfff))
        return 0;
    bool control = code <= 0x9f || (code >= 0x200b && code <= 0x200f) ||
                   (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x2069) ||
                   code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb);
    return control ? 0 : length;
}

void error_printable(char *out, size_t size, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    size_t            length = strlen(text), at = 0;
    for (size_t i = 0; i < length && at + 5 <= size;) {
        int n = printable((const unsigned char *)text + i, length - i);
        if (n > 0) {
            memcpy(out + at, text + i, (size_t)n);
            at += (size_t)n;
            i += (size_t)n;
        } else {
            unsigned char byte = (unsigned char)text[i++];
            out[at++] = '\\';
            out[at++] = 'x';
            out[at++] = hex[byte >> 4];
            out[at++] = hex[byte & 15];
        }
    }
    out[at] = '\0';
}

bool fail(EngineError *error, EngineStatus status, const char *format, ...)
{
    if (error->status != ENGINE_OK)
        return false;
    char    raw[4 * sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    error_printable(error->message, sizeof error->message, raw);
    error->status = status;
    return false;
}
