# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures for tests/engine/test_picture_file.c, written by Pillow: `python golden_pictures.py`.

upright.* show a red, a green, a blue and a white quarter, 24 x 16, however they are turned in the
file; adobe_rgb.png is 3 x 1 with a profile made here; the values that it must read as are computed
from the profile's numbers in test_picture_file.c.
"""
import os
import struct

from PIL import Image

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'pictures')


def upright():
    picture = Image.new('RGB', (24, 16))
    for x, y, colour in (0, 0, (255, 0, 0)), (12, 0, (0, 255, 0)), (0, 8, (0, 0, 255)), (12, 8, (255, 255, 255)):
        picture.paste(colour, (x, y, x + 12, y + 8))
    return picture


def turned(orientation):
    """As it must lie in the file to be seen upright: EXIF's transformations backwards."""
    way = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
           5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
           8: Image.Transpose.ROTATE_270}.get(orientation)
    return upright().transpose(way) if way is not None else upright()


def exif(orientation):
    block = Image.Exif()
    block[0x0112] = orientation
    return block


def adobe_rgb():
    """An ICC profile, version 2, of three columns and one exponent: Adobe RGB (1998)."""
    def fixed(*numbers):
        return b''.join(struct.pack('>i', round(number * 65536)) for number in numbers)

    def xyz(*numbers):
        return b'XYZ \0\0\0\0' + fixed(*numbers)

    text = b'a wide space\0'
    curve = b'curv\0\0\0\0' + struct.pack('>IHH', 1, round(563 / 256 * 256), 0)
    tags = [(b'desc', b'desc\0\0\0\0' + struct.pack('>I', len(text)) + text + b'\0' * 78),
            (b'wtpt', xyz(0.9642, 1, 0.8249)),
            (b'rXYZ', xyz(0.60974, 0.31111, 0.01947)), (b'gXYZ', xyz(0.20528, 0.62567, 0.06087)),
            (b'bXYZ', xyz(0.14919, 0.06322, 0.74457)),
            (b'rTRC', curve), (b'gTRC', curve), (b'bTRC', curve)]
    at = 128 + 4 + 12 * len(tags)
    table, data = struct.pack('>I', len(tags)), b''
    for name, body in tags:
        body += b'\0' * (-len(body) % 4)
        table += name + struct.pack('>II', at + len(data), len(body))
        data += body
    head = (struct.pack('>I4sI', at + len(data), b'none', 0x02100000) + b'mntrRGB XYZ ' +
            struct.pack('>6H', 2026, 1, 1, 0, 0, 0) + b'acsp' + b'\0' * 24 + struct.pack('>I', 0) +
            fixed(0.9642, 1, 0.8249) + b'\0' * 48)
    assert len(head) == 128
    return head + table + data


for orientation in range(1, 9):
    turned(orientation).save(f'{folder}/upright_{orientation}.jpg', exif=exif(orientation), quality=95, subsampling=0)
turned(6).save(f'{folder}/upright_6.webp', exif=exif(6), lossless=True)
turned(6).save(f'{folder}/upright_6.png', exif=exif(6))
upright().save(f'{folder}/upright_progressive.jpg', progressive=True, quality=95, subsampling=0)
upright().convert('CMYK').save(f'{folder}/upright_cmyk.jpg', quality=95)
upright().convert('L').save(f'{folder}/grey.jpg', quality=95)
picture = Image.new('RGB', (3, 1))
for x, colour in enumerate([(0, 255, 0), (128, 64, 200), (255, 255, 255)]):
    picture.putpixel((x, 0), colour)
picture.save(f'{folder}/adobe_rgb.png', icc_profile=adobe_rgb())
half = upright().convert('RGBA')
half.putalpha(128)
half.save(f'{folder}/half_clear.webp', lossless=True)
upright().save(f'{folder}/animated.webp', save_all=True, append_images=[turned(3)], lossless=True)
