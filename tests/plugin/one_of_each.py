# SPDX-License-Identifier: GPL-3.0-or-later
"""One result of each kind, as sums of pixels and records, for comparison between locales."""
import os
import sys

sys.path.insert(0, os.environ['TEST_SOURCE'])
sys.dont_write_bytecode = True
from harness import *  # noqa: E402,F403

for name, arguments in (('text-to-image', dict(width=64, height=64, cfg=2.5)),
                        ('inpaint', dict(strength=0.75, edge_mode='as-drawn')),
                        ('outpaint', dict(right=16))):
    image, background = picture()
    select(image, feather=5)
    layer = ok(name, image, [background], prompt='(a cat:1.25) Iiıİ', **arguments).layer
    mask = layer.get_mask()
    digest = hashlib.sha256(pixels(layer) + (pixels(mask) if mask else b'')
                            + record(layer).encode()).hexdigest()
    print('sum', name, digest, flush=True)
    image.delete()
    images.clear()
print('label', pdb.lookup_procedure('plug-in-diffusion-inpaint').get_menu_label(), flush=True)
