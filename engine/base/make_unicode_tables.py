#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes unicode_tables.h: what the reference tokenizer (HF tokenizers, on which transformers'
CLIPTokenizer rests) makes of each code point.

    python3 engine/base/make_unicode_tables.py > engine/base/unicode_tables.h

Its parts follow different Unicode versions (NFC an old one, lower case a new one), so letters,
numbers, lower case and what composes are asked of the library itself; Python's unicodedata names the
candidates for decomposition and combining class.  Written with tokenizers 0.23.3 and Python 3.11
(Unicode 14.0)."""
import sys
import unicodedata

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

CODES = [code for code in range(0x110000) if not 0xd800 <= code < 0xe000]
NFC = normalizers.NFC().normalize_str
LOWER = normalizers.Lowercase().normalize_str


def matching(pattern):
    """The code points that a class of Oniguruma has."""
    split = pre_tokenizers.Split(Regex(pattern), behavior='removed', invert=True)
    found = set()
    for base in range(0, 0x110000, 4096):
        text = ''.join(map(chr, (c for c in range(base, base + 4096) if not 0xd800 <= c < 0xe000)))
        found.update(ord(c) for piece, _ in split.pre_tokenize_str(text) for c in piece)
    return sorted(found)


def ranges(codes):
    out = []
    for code in codes:
        if out and out[-1][1] == code - 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return out


def lower_ranges():
    """[first, last, stride, difference]; U+0130 alone becomes two and is left to the code."""
    out = []
    for code in CODES:
        low = LOWER(chr(code))
        if low == chr(code):
            continue
        if len(low) != 1:
            assert code == 0x130 and low == 'i\u0307'
            continue
        difference = ord(low) - code
        last = out[-1] if out else None
        if last and last[3] == difference and code - last[1] <= 2 and \
                (last[0] == last[1] or code - last[1] == last[2]):
            last[2] = code - last[1]
            last[1] = code
        else:
            out.append([code, code, 1, difference])
    return out


def combining_ranges():
    out = []
    for code in CODES:
        c = chr(code)
        order = unicodedata.combining(c)
        if not order or NFC(c) != c:  # what decomposes is never put in order
            continue
        # A class that the library does not know yet leaves the marks around it where they are.
        low, high = '\u0334', '\u0345'  # classes 1 and 240
        moved = NFC('\u2603' + c + low) if order > 1 else NFC('\u2603' + high + c)
        if c == high:
            moved = NFC('\u2603' + c + '\u0301')
        if moved.index(c) != (2 if order > 1 else 1):
            continue
        if out and out[-1][1] == code - 1 and out[-1][2] == order:
            out[-1][1] = code
        else:
            out.append([code, code, order])
    return out


def decompositions():
    """[code, first, second or 0] in order of code; Hangul is computed."""
    out = []
    for code in CODES:
        parts = unicodedata.decomposition(chr(code))
        if not parts or parts[0] == '<' or 0xac00 <= code < 0xd7a4:
            continue
        parts = [int(part, 16) for part in parts.split()] + [0]
        whole = unicodedata.normalize('NFD', chr(code))
        if NFC(whole) != unicodedata.normalize('NFC', whole):
            continue  # newer than the library
        assert not parts[1] or not unicodedata.decomposition(chr(parts[1]))
        out.append([code, parts[0], parts[1]])
    return out


def compositions(pairs):
    """Indices of the pairs that compose again, in order of (first, second)."""
    kept = [i for i, (code, first, second) in enumerate(pairs)
            if second and NFC(chr(first) + chr(second)) == chr(code)]
    return sorted(kept, key=lambda i: pairs[i][1:])


def digit_zeros():
    zeros = [c for c in CODES if unicodedata.category(chr(c)) == 'Nd' and int(chr(c)) == 0]
    assert all(int(chr(zero + i)) == i for zero in zeros for i in range(10))
    return zeros


def table(head, rows, gap=' '):
    """Rows of C text, packed to 100 columns."""
    print(f'\n{head} = {{')
    line = '   '
    for row in rows:
        if len(line) + len(row) + len(gap) + 1 > 100:
            print(line)
            line = '   '
        line += f'{gap}{row},'
    print(line + '\n};')


def main():
    pairs = decompositions()
    print('/* SPDX-License-Identifier: GPL-3.0-or-later */')
    print('/* Written by make_unicode_tables.py: code points as HF tokenizers '
          f'{tokenizers.__version__} sees them,')
    print(' * with the decompositions, combining classes and digits of Unicode '
          f'{unicodedata.unidata_version}.  Only unicode.c includes it. */')
    print('#pragma once\n\n#include <stdint.h>')
    print('\n/* clang-format off */')
    print('typedef struct { uint32_t first, last; } CodeRange;')
    print('typedef struct { uint32_t first, last; int stride, difference; } LowerRange;')
    print('typedef struct { uint32_t first, last; int order; } CombiningRange;')
    print('typedef struct { uint32_t code, first, second; } Decomposition; /* second 0: none */')
    hexes = lambda row: '{' + ','.join(f'0x{x:x}' for x in row) + '}'
    table('static const CodeRange letters[]', map(hexes, ranges(matching(r'\p{L}'))))
    table('static const CodeRange numbers[]', map(hexes, ranges(matching(r'\p{N}'))))
    table('static const CodeRange spaces[]', map(hexes, ranges(matching(r'\s'))))
    table('static const LowerRange lower_ranges[]',
          (f'{{0x{r[0]:x},0x{r[1]:x},{r[2]},{r[3]}}}' for r in lower_ranges()))
    table('static const CombiningRange combining_ranges[]',
          (f'{{0x{r[0]:x},0x{r[1]:x},{r[2]}}}' for r in combining_ranges()))
    table('static const Decomposition decompositions[]', (f'{{{code},{first},{second}}}' for code, first, second in pairs),
          gap='')
    print('\n/* Indices of the above, in order of (first, second). */')
    table('static const uint16_t compositions[]', map(str, compositions(pairs)), gap='')
    print('\n/* The zero of each script; its digits follow. */')
    table('static const uint32_t digit_zeros[]', (f'0x{x:x}' for x in digit_zeros()))
    print('/* clang-format on */')


if __name__ == '__main__':
    sys.exit(main())
