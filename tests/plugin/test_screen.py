# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs GIMP with a screen: undo and redo, GIMP's Cancel, and images that change meanwhile.

Runs outside GIMP, under Xvfb with a session bus (in_gimp.sh starts both); code for GIMP goes to it over
D-Bus, the menus are pressed over AT-SPI."""
import json
import os
import subprocess
import sys
import time
import traceback

import gi
gi.require_version('Atspi', '2.0')
from gi.repository import Atspi, GLib

FOLDER = os.environ['TEST_FOLDER']
SOURCE = os.environ['TEST_SOURCE']
HEAD = f'''
import json, os, sys
sys.path.insert(0, {SOURCE!r})
sys.dont_write_bytecode = True
from harness import *
def image_of(number):
    return next(image for image in Gimp.get_images() if image.get_id() == number)
answer = None
'''
PROGRAM = os.path.join(FOLDER, 'plug-ins', 'gimp-diffusion', 'gimp-diffusion')
calls = 0
Atspi.init()


class Failure(Exception):
    pass


def check(truth, *what):
    if not truth:
        raise Failure(' '.join(str(w) for w in what))


def wait(function, seconds=20, what='something'):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = function()
        if result:
            return result
        time.sleep(0.05)
    raise Failure('waited in vain for ' + what)


class Batch:
    """Code that runs in GIMP; its variable `answer` comes back."""

    def __init__(self, code):
        global calls
        calls += 1
        self.path = os.path.join(FOLDER, f'call {calls}.py')
        with open(self.path, 'w') as file:
            file.write(HEAD + 'try:\n' + ''.join(f'    {line}\n' for line in code.strip().splitlines()))
            file.write('except BaseException as error:\n    answer = "ERROR " + repr(error)\n'
                       f'with open({self.path + ".new"!r}, "w") as file:\n    json.dump(answer, file)\n'
                       f'os.rename({self.path + ".new"!r}, {self.path + ".out"!r})\n')
        run = f'exec(compile(open({self.path!r}).read(), "call", "exec"), {{"__name__": "__main__"}})'
        subprocess.run(['gdbus', 'call', '--session', '--dest', 'org.gimp.GIMP.UI', '--object-path',
                        '/org/gimp/GIMP/UI', '--method', 'org.gimp.GIMP.UI.BatchRun', 'python-fu-eval', run],
                       check=True, stdout=subprocess.DEVNULL)

    def done(self):
        return os.path.exists(self.path + '.out')

    def answer(self, seconds=60):
        wait(self.done, seconds, 'an answer from GIMP')
        with open(self.path + '.out') as file:
            answer = json.load(file)
        if isinstance(answer, str) and answer.startswith('ERROR'):
            raise Failure(answer)
        return answer


def gimp(code):
    return Batch(code).answer()


def applications():
    desktop = Atspi.get_desktop(0)
    return [a for a in (desktop.get_child_at_index(i) for i in range(desktop.get_child_count())) if a]


def walk(node, depth=40):
    yield node
    if depth:
        try:
            count = min(node.get_child_count(), 300)
        except GLib.Error:
            return
        for i in range(count):
            try:
                child = node.get_child_at_index(i)
            except GLib.Error:
                continue
            if child is not None:
                yield from walk(child, depth - 1)


def named(role, test, showing=False):
    for application in applications():
        for node in walk(application):
            try:
                if node.get_role_name() == role and test(node.get_name() or '') and \
                        (not showing or node.get_state_set().contains(Atspi.StateType.SHOWING)):
                    return node
            except GLib.Error:
                pass
    return None


def press(node):
    node.get_action_iface().do_action(0)


def edit_menu(word):
    """The items of Edit that begin so, of the window that has an image."""
    return named('menu item', lambda name: name.startswith(word))


def plugin_processes():
    found = []
    for pid in os.listdir('/proc'):
        try:
            if pid.isdigit() and os.readlink(f'/proc/{pid}/exe') == PROGRAM:
                found.append(int(pid))
        except OSError:
            pass
    return found


NEW = '''
image, background = picture()
select(image)
images.clear()
display = Gimp.Display.new(image)
image.clean_all()
answer = [image.get_id(), state(image), display.get_id()]
'''
RUN = '''
image = image_of({number})
result = call({name!r}, image, [image.get_layers()[-1]], **{{**QUICK, **{arguments!r}}})
images.clear()
answer = [result.status.value_nick, result.message,
          result.result_image.get_id() if 'result-image' in result.values else None]
'''
STATE = '''
image = image_of({number})
answer = [state(image), image.is_dirty(), len(image.get_layers())]
'''
CLOSE = '''
for number in range(1, 200):
    if Gimp.Display.id_is_valid(number):
        Gimp.Display.get_by_id(number).delete()
for image in Gimp.get_images():
    image.delete()
answer = True
'''


def state_of(number):
    return gimp(STATE.format(number=number))


def undo_restores_and_redo_brings_back_in_one_step():
    labels = {'text-to-image': 'Text to Image', 'image-to-image': 'Image to Image', 'inpaint': 'Inpaint Selection',
              'outpaint': 'Outpaint'}
    for name, arguments in (('text-to-image', dict(width=64, height=64)), ('image-to-image', {}), ('inpaint', {}),
                            ('inpaint', dict(count=3, steps=1)), ('inpaint', dict(parameters=True)),
                            ('outpaint', dict(right=24, top=16)), ('outpaint', dict(left=16, count=2, steps=1))):
        number, before, display = gimp(NEW)
        status, message, _ = gimp(RUN.format(number=number, name=name, arguments=arguments))
        check(status == 'success', name, status, message)
        after, dirty, layers = state_of(number)
        check(dirty and after != before, name, 'changed nothing')
        undo = wait(lambda: edit_menu('Undo ' + labels[name]), what='Undo ' + labels[name])
        press(undo)
        wait(lambda: not state_of(number)[1], 10, f'{name} {arguments}: a clean image after one undo')
        check(state_of(number)[0] == before, name, arguments, 'undo does not restore the image')
        redo = wait(lambda: edit_menu('Redo ' + labels[name]), what='Redo ' + labels[name])
        press(redo)
        wait(lambda: state_of(number)[1], 10, f'{name}: redo')
        check(state_of(number)[0] == after, name, arguments, 'redo does not bring the result back')
        gimp(CLOSE)


def cancel_in_the_progress_bar_leaves_the_image():
    number, before, display = gimp(NEW)
    batch = Batch(RUN.format(number=number, name='inpaint', arguments=dict(steps=400)))
    wait(plugin_processes, what='the plug-in')
    time.sleep(1)
    cancel = wait(lambda: named('button', lambda text: text == 'Cancel', showing=True), what="GIMP's Cancel")
    subprocess.run(['import', '-window', 'root', os.path.join(FOLDER, 'progress.png')], check=False)
    press(cancel)
    wait(lambda: not plugin_processes(), 3, 'the end of the plug-in')
    status = batch.answer()[0]
    check(status != 'success', status)
    check(state_of(number)[:2] == [before, False], 'the image changed')
    gimp(CLOSE)


def menu_during_a_run(item, begin=NEW):
    """Starts a run, presses a menu item meanwhile, and gives the image's number and the run's answer.
    GIMP takes one batch after the other, but its menus work all the time."""
    number = gimp(begin)[0]
    batch = Batch(RUN.format(number=number, name='inpaint', arguments=dict(steps=300)))
    wait(plugin_processes, what='the plug-in')
    time.sleep(1)
    press(wait(lambda: named('menu item', lambda name: name == item), what=item))
    time.sleep(0.5)
    check(not batch.done(), 'the run was too quick for this test')
    return number, batch.answer()


def an_active_layer_that_goes_meanwhile_does_not_matter():
    number, (status, message, result) = menu_during_a_run('Flatten Image', NEW.replace('display =', '''
layer = Gimp.Layer.new(image, "other", 96, 80, T.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
image.insert_layer(layer, None, 0)
image.set_selected_layers([background])
display ='''.strip()))
    check(status == 'success' and result == number, status, message, result)
    check(state_of(number)[2] == 2, state_of(number))
    gimp(CLOSE)


def an_image_that_is_cropped_meanwhile_stays_and_gives_a_new_one():
    number, (status, message, result) = menu_during_a_run('Crop to Selection')
    check(status == 'success' and result != number, status, message, result)
    check(state_of(number)[2] == 1, 'a layer in the wrong place')
    gimp(CLOSE)


def main():
    passed = failed = 0
    wait(lambda: named('frame', lambda name: 'GIMP' in name or 'GNU' in name), 60, "GIMP's window")
    gimp('answer = True')
    for test in (undo_restores_and_redo_brings_back_in_one_step, cancel_in_the_progress_bar_leaves_the_image,
                 an_active_layer_that_goes_meanwhile_does_not_matter,
                 an_image_that_is_cropped_meanwhile_stays_and_gives_a_new_one):
        if not test.__name__.startswith(os.environ.get('TEST_FILTER', '')):
            continue
        started = time.time()
        try:
            test()
            passed += 1
            print(f'ok   {test.__name__}  {time.time() - started:.1f} s', flush=True)
        except Exception as error:
            failed += 1
            line = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)][1:2]
            print(f'FAIL {test.__name__}  line {line}: {error}', flush=True)
            gimp(CLOSE)
    print(f'{passed} passed, {failed} failed', flush=True)


main()
