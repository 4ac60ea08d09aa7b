# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures for test_cli.sh, and what is to be seen of them: png_pixels.py WHAT FILE..."""
import struct
import sys
import zlib


def write(path, width, height, pixel):
    """pixel(x, y) gives a tuple of 1, 3 or 4 numbers."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    kind = {1: 0, 3: 2, 4: 6}[len(pixel(0, 0))]
    raw = b"".join(b"\0" + bytes(v for x in range(width) for v in pixel(x, y)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) +
                   chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def read(path):
    """Rows of tuples."""
    data, at, idat = open(path, "rb").read(), 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            w, h, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8
        if kind == b"IDAT":
            idat += body
        at += size + 12
    n = {0: 1, 2: 3, 6: 4}[colour]
    raw, rows, before = zlib.decompress(idat), [], [0] * (w * n)
    for y in range(h):
        line = raw[y * (w * n + 1):(y + 1) * (w * n + 1)]
        kind, row = line[0], list(line[1:])
        for i in range(w * n):
            a, b, c = row[i - n] if i >= n else 0, before[i], before[i - n] if i >= n else 0
            p = a + b - c
            near = min(abs(p - a), abs(p - b), abs(p - c))
            paeth = a if near == abs(p - a) else b if near == abs(p - b) else c
            row[i] = (row[i] + [0, a, b, (a + b) // 2, paeth][kind]) & 255
        rows.append([tuple(row[i:i + n]) for i in range(0, w * n, n)])
        before = row
    return rows


def bordered(x, y):
    """Clear 50 pixels at the left and 40 at the top."""
    return (90 + x % 40, 120 + y % 30, 60 + (x + y) % 50, 255) if x >= 50 and y >= 40 else (0, 0, 0, 0)


def glass(x, y):
    return 120, 140, 90, 60 if x < 128 else 255


def border(path):
    write(path, 220, 200, bordered)


def check_border(path, left="0"):
    rows, left = read(path), int(left)
    assert (len(rows[0]), len(rows)) == (220 + left, 200), (len(rows[0]), len(rows))
    clear = sum(1 for row in rows for p in row if len(p) == 4 and p[3] != 255)
    # Beyond the ramp, which a tenth of the known side and the model's own grain make 50 pixels deep.
    changed = sum(1 for y in range(40 + 50, 200) for x in range(50 + 50, 220)
                  if rows[y][x + left][:3] != bordered(x, y)[:3])
    assert (clear, changed) == (0, 0), (clear, changed)


def flat(path):
    write(path, 128, 128, lambda x, y: (186, 122, 74))


def check_flat(path):
    pixels = [p for row in read(path) for p in row]
    drift = [sum(p[c] for p in pixels) / len(pixels) - (186, 122, 74)[c] for c in range(3)]
    assert max(map(abs, drift)) <= 1, drift


def glass_and_mask(path, mask):
    write(path, 256, 256, glass)
    write(mask, 256, 256, lambda x, y: (255 if 60 <= x < 180 and 60 <= y < 190 else 0,))


def check_glass(path):
    rows = read(path)
    off = sum(1 for y in range(256) for x in range(256) if rows[y][x][3] != glass(x, y)[3])
    same = sum(1 for y in range(80, 170) for x in range(80, 160) if rows[y][x][:3] == (120, 140, 90))
    assert off == 0 and same < 1000, (off, same)


if __name__ == "__main__":
    {"border": border, "check_border": check_border, "flat": flat, "check_flat": check_flat,
     "glass": glass_and_mask, "check_glass": check_glass}[sys.argv[1]](*sys.argv[2:])
