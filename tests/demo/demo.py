# SPDX-License-Identifier: GPL-3.0-or-later
"""The five filters on example pictures, inside GIMP: each result as PNG and, with its layers, as XCF; before and
after of all of them side by side in demo.png.

meadow.png and beach.png are grounds that models/training/scenes.py draws (bg_meadow of seed 3, bg_sea of 5)."""
import os
import time

import gi
gi.require_version('Gegl', '0.4')
from gi.repository import Gegl, Gimp, Gio

HERE, OUT = os.environ['DEMO_FOLDER'], os.environ['DEMO_OUT']
pdb = Gimp.get_pdb()


def call(name, **arguments):
    """Run a procedure of the plug-in; a status that is not success ends the demo."""
    procedure = pdb.lookup_procedure('plug-in-diffusion-' + name)
    if procedure is None:
        raise SystemExit(f'GIMP did not find plug-in-diffusion-{name}')
    config = procedure.create_config()
    config.set_property('run-mode', Gimp.RunMode.NONINTERACTIVE)
    for key, value in arguments.items():
        if key == 'drawables':
            config.set_core_object_array(key, value)
        else:
            config.set_property(key.replace('_', '-'), value)
    result = procedure.run(config)
    if result.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise SystemExit(f'{name}: {pdb.get_last_error()}')
    return result


def load(name):
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(os.path.join(HERE, name)))
    return image, image.get_layers()[0]


def save(image, name):
    for suffix in ('xcf', 'png'):
        path = os.path.join(OUT, f'{name}.{suffix}')
        if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None):
            raise SystemExit(f'{path} could not be written')
    return path


def show(what, begin, path):
    print(f'{what:58} {time.monotonic() - begin:5.1f} s  {os.path.relpath(path, os.path.dirname(OUT))}', flush=True)


def flat(image):
    """What is seen of an image now, as an image of one layer, with nothing selected."""
    copy = image.duplicate()
    Gimp.Selection.none(copy)
    copy.flatten()
    return copy


def sheet(pairs, path):
    """One column a filter: before, where there was something, at half the size above after."""
    gap, width, height = 12, 256, 256
    columns = [max(after.get_width(), width) for _, after in pairs]
    image = Gimp.Image.new(sum(columns) + gap * (len(pairs) + 1), height + height // 2 + 3 * gap, Gimp.ImageBaseType.RGB)
    ground = Gimp.Layer.new(image, 'ground', image.get_width(), image.get_height(), Gimp.ImageType.RGB_IMAGE, 100,
                            Gimp.LayerMode.NORMAL)
    image.insert_layer(ground, None, 0)
    ground.fill(Gimp.FillType.WHITE)
    left = gap
    for (before, after), column in zip(pairs, columns):
        place = height // 2 + 2 * gap if before else (image.get_height() - height) // 2
        for shown, scale, top in ((before, 0.5, gap), (after, 1, place)):
            if shown:
                layer = Gimp.Layer.new_from_drawable(flat(shown).get_layers()[0], image)
                image.insert_layer(layer, None, 0)
                wide = round(shown.get_width() * scale)
                layer.scale(wide, round(shown.get_height() * scale), False)
                layer.set_offsets(left + (column - wide) // 2, top)
        left += column + gap
    image.flatten()
    if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None):
        raise SystemExit(f'{path} could not be written')


pairs = []
settings = {'steps': 20, 'cfg': 3.0}

begin = time.monotonic()
result = call('text-to-image', prompt='a strawberry on a blue background', seed=12, **settings)
drawn = result.index(2)
pairs.append((None, flat(drawn)))
show('text to image: a strawberry on a blue background', begin, save(drawn, '1-text-to-image'))

begin = time.monotonic()
image, layer = load('meadow.png')
meadow = flat(image)
image.select_ellipse(Gimp.ChannelOps.REPLACE, 46, 62, 164, 164)
Gimp.Selection.feather(image, 16)
call('inpaint', image=image, drawables=[layer], prompt='a sunflower on a green meadow', intent='add', seed=3, **settings)
pairs.append((meadow, flat(image)))
show('inpaint an elliptical, feathered selection: a sunflower', begin, save(image, '2-inpaint'))

begin = time.monotonic()
image, layer = load('beach.png')
beach = flat(image)
call('outpaint', image=image, drawables=[layer], prompt='a sandy beach by the sea', seed=4,
     right=image.get_width() // 4, **settings)
pairs.append((beach, flat(image)))
show('outpaint 25 % to the right: a beach', begin, save(image, '3-outpaint'))

begin = time.monotonic()
call('image-to-image', image=drawn, drawables=drawn.get_layers()[:1], prompt='a smiling face on a blue background', seed=4,
     strength=0.65, **settings)
pairs.append((pairs[0][1], flat(drawn)))
show('image to image: the strawberry becomes a smiling face', begin, save(drawn, '4-image-to-image'))

begin = time.monotonic()
image = flat(pairs[1][1])
result = call('instruct', image=image, drawables=image.get_layers(), prompt='make it night', seed=1, image_cfg=1.2,
              **settings)
pairs.append((pairs[1][1], flat(image)))
show('follow an instruction: make it night', begin, save(image, '5-instruct'))

sheet(pairs, os.path.join(OUT, 'demo.png'))
print('5 pictures made; all of them side by side: ' + os.path.join(OUT, 'demo.png'))
