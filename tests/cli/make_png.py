# SPDX-License-Identifier: GPL-3.0-or-later
"""PNG files for test_cli.sh: make_png.py hole FROM TO | bombs | large."""
import struct
import sys
import zlib


def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def png(path, width, height, depth, colour, rows, extras=b''):
    """rows: bytes of all lines, each with its filter byte, in pieces."""
    packer = zlib.compressobj(9 if extras or depth == 1 else 1)
    packed = b''.join([packer.compress(piece) for piece in rows] + [packer.flush()])
    head = struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0)
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + extras + chunk(b'IDAT', packed) + chunk(b'IEND', b''))


def hole(source, target):
    """An RGBA picture, all of it grey, with a clear square; of the size of source."""
    width, height = struct.unpack('>II', open(source, 'rb').read()[16:24])
    rows = b''
    for y in range(height):
        rows += b'\0' + b''.join(bytes((90, 120, 90, 0 if 80 <= x < 150 and 80 <= y < 150 else 255))
                                 for x in range(width))
    png(target, width, height, 8, 6, [rows])


def bombs():
    line = b'\0' * (1 + 16000 // 8)
    png('bomb-bits.png', 16000, 16000, 1, 0, (line for _ in range(16000)))
    line = b'\0' * (1 + 20000 // 8)
    png('bomb-largest.png', 20000, 20000, 1, 0, (line for _ in range(20000)))
    one = b'\0\0\0\0'
    bomb = b'key\0\0' + zlib.compress(b'\0' * 8000000, 9)
    png('bomb-texts.png', 1, 1, 8, 2, [one], chunk(b'zTXt', bomb) * (2000000 // len(bomb)))
    png('bomb-parameters.png', 1, 1, 8, 2, [one],
        chunk(b'zTXt', b'parameters\0\0' + zlib.compress(b'\0' * 30000000, 9)) * 60)
    damaged = b'parameters\0\0' + zlib.compress(b'\0' * 8000000, 9)[:-6]
    png('bomb-damaged.png', 1, 1, 8, 2, [one], chunk(b'zTXt', damaged) * 2000)
    png('bomb-profiles.png', 1, 1, 8, 2, [one], chunk(b'iCCP', damaged) * 2000)
    png('bomb-many.png', 1, 1, 8, 2, [one], chunk(b'tEXt', b'a\0b') * 150000)


def large():
    size = 4096
    ramp = bytes(range(256)) * (3 * size // 256 + 1)
    png('large.png', size, size, 8, 2, (b'\0' + ramp[y // 32:y // 32 + 3 * size] for y in range(size)))
    black, white = b'\0' * (1 + size), b'\0' * 1801 + b'\xff' * 500 + b'\0' * (size - 2300)
    png('large-mask.png', size, size, 8, 0, (white if 1800 <= y < 2300 else black for y in range(size)))


{'hole': hole, 'bombs': bombs, 'large': large}[sys.argv[1]](*sys.argv[2:])
