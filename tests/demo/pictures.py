# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog with three results, as a person sees it, for README; driven as the tests of the dialog are."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.environ['TEST_SOURCE'])
sys.dont_write_bytecode = True
from driver import CLOSE, FOLDER, Atspi, Batch, gimp, named, plugin_processes, run, wait, walk

HERE = os.path.dirname(os.path.abspath(__file__))
OPEN = f"""
image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path({os.path.join(HERE, 'meadow.png')!r}))
image.select_ellipse(Gimp.ChannelOps.REPLACE, 46, 62, 164, 164)
Gimp.Selection.feather(image, 16)
images.clear()
display = Gimp.Display.new(image)
image.clean_all()
answer = image.get_id()
"""
CALL = """
image = image_of({number})
call('inpaint', image, [image.get_layers()[-1]], mode=Gimp.RunMode.INTERACTIVE, intent='add', seed=2, count=3, steps=20,
     prompt='a (sunflower:1.1) on a green meadow')
answer = True
"""


def key(*keys):
    subprocess.run(['xdotool', 'key', '--delay', '30', *keys], check=True)


def thumbnails(window):
    results = next((node for node in walk(window) if node.get_name() == 'Results'), None)
    return [results.get_child_at_index(i) for i in range(results.get_child_count())] if results else []


def clean():
    for pid in plugin_processes():
        os.kill(pid, 9)
    time.sleep(0.5)
    gimp(CLOSE)


def the_dialog_with_results():
    Batch(CALL.format(number=gimp(OPEN)))
    window = wait(lambda: named('dialog', lambda name: name == 'Inpaint Selection'), 60, 'the dialog')
    area = wait(lambda: next((node for node in walk(window) if node.get_role_name() == 'text' and
                              node.get_state_set().contains(Atspi.StateType.MULTI_LINE)), None), 10, 'the prompt')
    time.sleep(3)
    area.get_component_iface().grab_focus()
    key('ctrl+Return')
    wait(lambda: len(thumbnails(window)) == 3, 200, 'three results')
    time.sleep(1)
    box = thumbnails(window)[1].get_component_iface().get_extents(Atspi.CoordType.SCREEN)
    subprocess.run(['xdotool', 'mousemove', str(box.x + box.width // 2), str(box.y + box.height // 2), 'click', '1',
                    'mousemove', '5', '5'], check=True)
    time.sleep(1.5)
    number = subprocess.run(['xdotool', 'search', '--onlyvisible', '--name', '^Inpaint Selection$'], check=True,
                            capture_output=True, text=True).stdout.split()[-1]
    subprocess.run(['import', '-window', number, os.path.join(FOLDER, 'dialog.png')], check=True)
    clean()


run((the_dialog_with_results,), clean)
