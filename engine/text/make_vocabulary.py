#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns clip_merges.txt into a C header at build time: the pairs of ids that each merge joins.

    make_vocabulary.py clip_merges.txt vocabulary.h

Ids are those of CLIP: 256 bytes in their printable order, the same at a word's end ("</w>"), then a
token a merge, then start and end.  A file that is not the public one, to the byte, is refused."""
import hashlib
import sys

SHA256 = '9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a'
MERGES = 49408 - 2 * 256 - 2


def byte_characters():
    """How the vocabulary writes each byte, in order of id: printable Latin-1 as itself, the rest from
    U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    return [(byte, chr(byte)) for byte in printable] + \
           [(byte, chr(256 + i)) for i, byte in enumerate(rest)]


def main(source, target):
    with open(source, 'rb') as file:
        data = file.read()
    if hashlib.sha256(data).hexdigest() != SHA256:
        sys.exit(f'{source}: this is not the public CLIP vocabulary (SHA-256 differs)')
    merges = [line.split() for line in data.decode().splitlines() if not line.startswith('#version')]
    assert len(merges) == MERGES
    bytes_ = byte_characters()
    ids = {c: i for i, (_, c) in enumerate(bytes_)}
    ids.update({c + '</w>': 256 + i for i, (_, c) in enumerate(bytes_)})
    pairs = []
    for left, right in merges:
        pairs.append((ids[left], ids[right]))
        assert left + right not in ids
        ids[left + right] = len(ids)
    of_byte = sorted((byte, i) for i, (byte, _) in enumerate(bytes_))
    with open(target, 'w', encoding='ascii') as file:
        file.write('/* Written by make_vocabulary.py from clip_merges.txt. */\n#include <stdint.h>\n')
        file.write('static const uint8_t byte_ids[256] = {\n')
        file.write(''.join(f'{i},\n' for _, i in of_byte) + '};\n')
        file.write(f'static const uint16_t merges[{MERGES}][2] = {{\n')
        file.write(''.join(f'{{{left},{right}}},\n' for left, right in pairs) + '};\n')


if __name__ == '__main__':
    main(*sys.argv[1:])
