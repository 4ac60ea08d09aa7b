# SPDX-License-Identifier: GPL-3.0-or-later
"""A GIMP on a screen, driven from outside, under Xvfb with a session bus (in_gimp.sh starts both): code for
GIMP goes to it over D-Bus, menus and dialogs are pressed over AT-SPI."""
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
# For gimp(): no image is left.
CLOSE = '''
for number in range(1, 200):
    if Gimp.Display.id_is_valid(number):
        Gimp.Display.get_by_id(number).delete()
for image in Gimp.get_images():
    image.delete()
answer = True
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


def run(tests, clean):
    """Runs the tests that $TEST_FILTER names, and prints the count; clean() after one that failed."""
    passed = failed = 0
    wait(lambda: named('frame', lambda name: 'GIMP' in name or 'GNU' in name), 60, "GIMP's window")
    gimp('answer = True')
    for test in tests:
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
            clean()
    print(f'{passed} passed, {failed} failed', flush=True)
