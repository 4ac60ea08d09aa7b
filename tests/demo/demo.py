# SPDX-License-Identifier: GPL-3.0-or-later
"""The four modes on example pictures, inside GIMP: each result as PNG and, with its layers, as XCF.

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


settings = {'steps': 20, 'cfg': 3.0}

begin = time.monotonic()
result = call('text-to-image', prompt='a strawberry on a blue background', seed=11, **settings)
drawn = result.index(2)
show('text to image: a strawberry on a blue background', begin, save(drawn, '1-text-to-image'))

begin = time.monotonic()
image, layer = load('meadow.png')
image.select_ellipse(Gimp.ChannelOps.REPLACE, 70, 90, 116, 116)
Gimp.Selection.feather(image, 16)
call('inpaint', image=image, drawables=[layer], prompt='a sunflower on a green meadow', intent='add', seed=2, **settings)
show('inpaint an elliptical, feathered selection: a sunflower', begin, save(image, '2-inpaint'))

begin = time.monotonic()
image, layer = load('beach.png')
call('outpaint', image=image, drawables=[layer], prompt='a sandy beach by the sea', seed=3,
     right=image.get_width() // 4, **settings)
show('outpaint 25 % to the right: a beach', begin, save(image, '3-outpaint'))

begin = time.monotonic()
call('image-to-image', image=drawn, drawables=drawn.get_layers()[:1], prompt='a pumpkin on a blue background', seed=4,
     strength=0.6, **settings)
show('image to image: the strawberry becomes a pumpkin', begin, save(drawn, '4-image-to-image'))

print('4 pictures made')
