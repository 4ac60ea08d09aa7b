/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "utf8.h"

#include <string.h>

size_t utf8_read(const char *text, size_t bytes, uint32_t *code)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned char        lead = s[0];
    unsigned low = 0x80, high = 0xbf; /* bounds of the second byte: no overlong forms, no
                                         surrogates, nothing above U+10FFFF */
    size_t length;
    *code = lead;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf) {
        length = 2;
        *code = lead & 0x1f;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        length = 3;
        *code = lead & 0x0f;
        low = lead == 0xe0 ? 0xa0 : 0x80;
        high = lead == 0xed ? 0x9f : 0xbf;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        length = 4;
        *code = lead & 0x07;
        low = lead == 0xf0 ? 0x90 : 0x80;
        high = lead == 0xf4 ? 0x8f : 0xbf;
    } else {
        *code = 0xfffd;
        return 1;
    }
    for (size_t i = 1; i < length; i++) {
        if (i == bytes || s[i] < low || s[i] > high) {
            *code = 0xfffd;
            return i;
        }
        *code = *code << 6 | (s[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

size_t utf8_length(const char *text, size_t bytes, uint32_t *code)
{
    size_t length = utf8_read(text, bytes, code);
    bool   stands_for_none = *code == 0xfffd && (length != 3 || memcmp(text, "\xef\xbf\xbd", 3) != 0);
    return stands_for_none ? 0 : length;
}

size_t utf8_write(char out[4], uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t   length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    unsigned lead = length == 2 ? 0xc0 : length == 3 ? 0xe0 : 0xf0;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(lead | code);
    return length;
}

bool utf8_printable(uint32_t code)
{
    bool control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
    bool hides = (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                 (code >= 0x2060 && code <= 0x2069) || code == 0xfeff ||
                 (code >= 0xfff9 && code <= 0xfffb);
    return !control && !hides;
}

void utf8_show(char *out, size_t size, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    size_t            bytes = strlen(text), at = 0;
    for (size_t i = 0; i < bytes && at + 5 <= size;) {
        uint32_t code;
        size_t   length = utf8_length(text + i, bytes - i, &code);
        if (length && utf8_printable(code)) {
            memcpy(out + at, text + i, length);
            at += length;
            i += length;
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
