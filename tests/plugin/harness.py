# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scripts that run inside GIMP share: calls, pictures, hashes, and the count of checks."""
import hashlib
import os
import struct
import time
import traceback

import gi
gi.require_version('Gegl', '0.4')
from gi.repository import Gegl, Gimp, Gio

FOLDER = os.environ['TEST_FOLDER']
SUCCESS = Gimp.PDBStatusType.SUCCESS
CALLING_ERROR = Gimp.PDBStatusType.CALLING_ERROR
EXECUTION_ERROR = Gimp.PDBStatusType.EXECUTION_ERROR
B, T, P = Gimp.ImageBaseType, Gimp.ImageType, Gimp.Precision
pdb = Gimp.get_pdb()
Gegl.init(None)

passed = 0
failed = 0
images = []


class Failure(Exception):
    pass


def check(truth, *what):
    if not truth:
        raise Failure(' '.join(str(w) for w in what) or 'a check failed')


def equal(got, want, what=''):
    check(got == want, f'{what}: got {repr(got)[:300]}, want {repr(want)[:300]}')


def statements(names):
    """The functions of a script that take nothing, in its order; helpers take something, begin with
    an underscore, or are imported."""
    code = [value for value in names.values() if hasattr(value, '__code__')]
    own = [value for value in code if value.__code__.co_filename != __file__]
    return [value for value in own if value.__code__.co_argcount == 0 and value.__name__[0] != '_']


def run_tests(tests):
    """Each function in turn; its name is the statement.  A test's images are deleted after it."""
    global passed, failed
    prefix = os.environ.get('TEST_FILTER', '')
    for test in tests:
        if not test.__name__.startswith(prefix):
            continue
        started = time.time()
        try:
            test()
            passed += 1
            print(f'ok   {test.__name__}  {time.time() - started:.2f} s', flush=True)
        except Exception as error:
            failed += 1
            where = traceback.extract_tb(error.__traceback__)
            line = [frame.lineno for frame in where if 'harness' not in frame.filename][-1]
            text = f'{type(error).__name__}: ' if not isinstance(error, Failure) else ''
            print(f'FAIL {test.__name__}  line {line}: {text}{error}', flush=True)
        while images:
            image = images.pop()
            if image.is_valid():
                image.delete()
    print(f'{passed} passed, {failed} failed', flush=True)


class Result:
    """Return values by name."""

    def __init__(self, procedure, values):
        self.status = values.index(0)
        self.message = pdb.get_last_error()
        names = [value.get_name() for value in procedure.get_return_values()]
        self.values = {}
        if self.status == SUCCESS:
            self.values = {name: values.index(i + 1) for i, name in enumerate(names)}

    def __getattr__(self, name):
        return self.values[name.replace('_', '-')]


# Quick: the demo checkpoint at a quarter of its size, few steps.
WITHOUT_SETTINGS = ('inspect', 'read-parameters', 'regenerate')
QUICK = dict(steps=2, sampler='euler', seed=7.0)


def call(name, image=None, layers=None, mode=Gimp.RunMode.NONINTERACTIVE, **arguments):
    procedure = pdb.lookup_procedure('plug-in-diffusion-' + name)
    check(procedure is not None, 'no such procedure:', name)
    config = procedure.create_config()
    if procedure.find_argument('run-mode'):
        config.set_property('run-mode', mode)
    if image is not None:
        config.set_property('image', image)
    if layers:
        config.set_core_object_array('drawables', layers)
    for key, value in arguments.items():
        config.set_property(key.replace('_', '-'), value)
    result = Result(procedure, procedure.run(config))
    if result.status == SUCCESS and 'result-image' in result.values:
        if result.result_image is not None and result.result_image is not image:
            images.append(result.result_image)
    return result


def ok(name, image=None, layers=None, **arguments):
    if name not in WITHOUT_SETTINGS:
        arguments = {**QUICK, **arguments}
    result = call(name, image, layers, **arguments)
    check(result.status == SUCCESS, f'{name}: {result.status.value_nick}: {result.message}')
    return result


def refused(words, status, name, image=None, layers=None, **arguments):
    """The call fails with that status and a sentence that has these words; the image is as it was."""
    before = state(image) if image is not None else None
    if name not in WITHOUT_SETTINGS:
        arguments = {**QUICK, **arguments}
    result = call(name, image, layers, **arguments)
    check(result.status == status, f'{name}: {result.status.value_nick}: {result.message}')
    check(words.lower() in result.message.lower(), f'the sentence is {result.message!r}')
    if before is not None:
        equal(state(image), before, 'the refused call changed the image')
    return result


def picture(width=96, height=80, base=B.RGB, kind=None, precision=P.U8_NON_LINEAR, profile=None,
            layer_width=None, layer_height=None, clean=True):
    """An image with one layer: a gradient, so that every pixel has a place."""
    if kind is None:
        kind = T.GRAY_IMAGE if base == B.GRAY else T.RGB_IMAGE
    image = Gimp.Image.new_with_precision(width, height, base, precision)
    images.append(image)
    if profile:
        image.set_color_profile(profile)
    layer = Gimp.Layer.new(image, 'background', layer_width or width, layer_height or height, kind, 100,
                           Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    Gimp.context_set_foreground(Gegl.Color.new('#d05020'))
    Gimp.context_set_background(Gegl.Color.new('#2080c0'))
    layer.edit_gradient_fill(Gimp.GradientType.LINEAR, 0, False, 1, 0, False, 0, 0, width, height) \
        if 1 < width < 2000 else layer.edit_fill(Gimp.FillType.FOREGROUND)
    if clean:
        image.clean_all()
    return image, layer


def select(image, x=24, y=20, width=40, height=32, feather=0):
    Gimp.context_set_feather(feather > 0)
    if feather:
        Gimp.context_set_feather_radius(feather, feather)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, x, y, width, height)


def pixels(drawable, x=0, y=0, width=None, height=None, format=None):
    """Bytes of a drawable, in its own format unless another is named."""
    buffer = drawable.get_buffer()
    rectangle = Gegl.Rectangle.new(x, y, width or drawable.get_width(), height or drawable.get_height())
    return bytes(buffer.get(rectangle, 1.0, format, Gegl.AbyssPolicy.NONE))


def projection(image, format=None):
    """What the image looks like, as bytes."""
    layer = Gimp.Layer.new_from_visible(image, image, 'projection')
    data = pixels(layer, format=format)
    layer.delete()
    return data


def selection(image):
    return pixels(image.get_selection(), format='Y float')


def layers_flat(layers, depth=0):
    for layer in layers:
        yield depth, layer
        if layer.is_group():
            yield from layers_flat(layer.get_children(), depth + 1)


def stack(image):
    """Names, top first; what is in a group is indented by a dot."""
    return ['.' * depth + layer.get_name() for depth, layer in layers_flat(image.get_layers())]


def offsets(layer):
    return tuple(layer.get_offsets())[-2:]


def state(image):
    """Everything about an image that must not change: a hash of all layers, masks, places, canvas,
    selection, channels."""
    digest = hashlib.sha256()

    def add(*values):
        digest.update(repr(values).encode())

    add(image.get_width(), image.get_height(), image.get_base_type(), image.get_precision())
    for depth, layer in layers_flat(image.get_layers()):
        add(depth, layer.get_id(), layer.get_name(), offsets(layer), layer.get_width(), layer.get_height(),
            layer.get_visible(), layer.get_opacity(), layer.get_mode(), layer.get_lock_content(),
            sorted(layer.get_parasite_list()))
        if not layer.is_group():
            digest.update(pixels(layer))
        mask = layer.get_mask()
        if mask is not None:
            digest.update(pixels(mask))
    digest.update(selection(image))
    for channel in image.get_channels():
        add(channel.get_name(), channel.get_visible())
        digest.update(pixels(channel))
    add(sorted(image.get_parasite_list()), [path.get_name() for path in image.get_paths()])
    return digest.hexdigest()


def record(layer):
    """The layer's record as text; GIMP's bindings give signed bytes."""
    parasite = layer.get_parasite('gimp-diffusion-recipe')
    check(parasite is not None, 'the layer has no record')
    return bytes(byte & 255 for byte in parasite.get_data()).decode()


def floats(data):
    return struct.unpack(f'<{len(data) // 4}f', data)
