# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints for the tests, made from the demo: more input channels (zero weights, so that they draw
as the demo does), without a part, damaged."""
import contextlib
import json
import os
import shutil
import struct

DEMO_NAME = 'gimp-diffusion-demo.safetensors'
FIRST = 'model.diffusion_model.input_blocks.0.0.weight'


def demo():
    return os.path.join(os.environ['TEST_FOLDER'], 'plug-ins', 'gimp-diffusion', 'models', DEMO_NAME)


@contextlib.contextmanager
def no_demo_for_instructions():
    """As if the second of the demo's files did not exist."""
    path = demo().replace('.safetensors', '-instruct.safetensors')
    hidden = os.path.join(os.path.dirname(path), '.hidden')
    os.rename(path, hidden)
    try:
        yield
    finally:
        os.rename(hidden, path)


def user_folder():
    folder = os.path.join(os.environ['XDG_DATA_HOME'], 'gimp-diffusion', 'models')
    os.makedirs(folder, exist_ok=True)
    return folder


def read(path):
    with open(path, 'rb') as file:
        size, = struct.unpack('<Q', file.read(8))
        return json.loads(file.read(size)), file.read()


def write(path, header, data):
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)))
        file.write(text)
        file.write(data)


def with_channels(path, channels):
    """The demo with a first convolution for so many channels: 8 instruct, 9 inpaint."""
    header, data = read(demo())
    begin, end = header[FIRST]['data_offsets']
    out, four, k1, k2 = header[FIRST]['shape']
    item = (end - begin) // (out * four * k1 * k2)
    row = four * k1 * k2 * item
    zeros = bytes((channels - four) * k1 * k2 * item)
    grown = b''.join(data[begin + i * row:begin + (i + 1) * row] + zeros for i in range(out))
    more = len(grown) - (end - begin)
    for name, entry in header.items():
        if name != '__metadata__' and entry['data_offsets'][0] >= end:
            entry['data_offsets'] = [offset + more for offset in entry['data_offsets']]
    header[FIRST]['shape'][1] = channels
    header[FIRST]['data_offsets'] = [begin, begin + len(grown)]
    write(path, header, data[:begin] + grown + data[end:])


def without(path, prefix):
    """The demo with all tensors gone whose name begins so."""
    header, data = read(demo())
    kept, parts, at = {}, [], 0
    for name, entry in sorted(((n, e) for n, e in header.items() if n != '__metadata__'),
                              key=lambda item: item[1]['data_offsets']):
        if name.startswith(prefix):
            continue
        begin, end = entry['data_offsets']
        parts.append(data[begin:end])
        kept[name] = {**entry, 'data_offsets': [at, at + end - begin]}
        at += end - begin
    if '__metadata__' in header:
        kept['__metadata__'] = header['__metadata__']
    write(path, kept, b''.join(parts))


def copy(path):
    shutil.copyfile(demo(), path)


def only(*paths):
    """Removes the test's models again; the demo stays."""
    for path in paths:
        if os.path.islink(path) or os.path.isfile(path):
            os.remove(path)
        elif os.path.isdir(path):
            shutil.rmtree(path)
