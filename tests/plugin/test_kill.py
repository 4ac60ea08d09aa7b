# SPDX-License-Identifier: GPL-3.0-or-later
"""The plug-in is killed at random moments: the image is as before or complete, never between, and
nothing is left behind.  TEST_KILLS says how often (40; the issue asks for 200)."""
import os
import random
import signal
import sys
import threading

sys.path.insert(0, os.environ['TEST_SOURCE'])
sys.dont_write_bytecode = True
from harness import *  # noqa: E402,F403

KILLS = int(os.environ.get('TEST_KILLS', '40'))
PROGRAM = os.path.join(FOLDER, 'plug-ins', 'gimp-diffusion', 'gimp-diffusion')
CASES = (('inpaint', {}), ('outpaint', dict(right=32, top=16)), ('inpaint', dict(count=2, steps=1)),
         ('image-to-image', {}))


def _processes():
    """Of the plug-in."""
    found = set()
    for pid in os.listdir('/proc'):
        if pid.isdigit():
            try:
                if os.readlink(f'/proc/{pid}/exe') == PROGRAM:
                    found.add(int(pid))
            except OSError:
                pass
    return found


def kill_after(seconds, told):
    """Waits for the plug-in's process, then so long, then kills it."""
    begin = time.monotonic()
    while time.monotonic() - begin < 5:
        for pid in _processes():
            time.sleep(seconds)
            try:
                os.kill(pid, signal.SIGKILL)
                told.append(True)
            except ProcessLookupError:
                told.append(False)
            return
        time.sleep(0.002)


def _files_left():
    left = []
    for top in (os.environ['HOME'], os.environ.get('TMPDIR', '/tmp')):
        for folder, _, names in os.walk(top):
            if 'profile' not in folder:
                left += [os.path.join(folder, name) for name in names if 'diffusion' in os.path.join(folder, name)]
            if top == '/tmp':
                break
    return sorted(left)


def complete(image, name, arguments):
    """Whether the result is all there."""
    added = image.get_layers()[0]
    if added.get_name() == 'background' or len(image.get_layers()) != 2:
        return False
    if arguments.get('count', 1) > 1:
        children = added.get_children()
        whole = len(children) == 2 and all(c.get_mask() and c.get_parasite('gimp-diffusion-recipe') for c in children)
    else:
        whole = added.get_mask() is not None and added.get_parasite('gimp-diffusion-recipe') is not None
    size = (96 + arguments.get('right', 0), 80 + arguments.get('top', 0))
    return whole and (image.get_width(), image.get_height()) == size


def killed_at_random_moments_the_image_is_before_or_complete():
    random.seed(8)
    seconds = {}
    for index, (name, arguments) in enumerate(CASES):
        image, background = picture()
        select(image)
        started = time.monotonic()
        ok(name, image, [background], **arguments)
        seconds[index] = time.monotonic() - started
        image.delete()
    known = _files_left()
    outcomes = {'before': 0, 'complete': 0}
    for kill in range(KILLS):
        index = kill % len(CASES)
        name, arguments = CASES[index]
        image, background = picture()
        select(image)
        before = state(image)
        told = []
        # Half of them in the last third, where the image is written.
        low = 0.6 if kill % 2 else 0.0
        delay = random.uniform(low, 1.02) * seconds[index]
        thread = threading.Thread(target=kill_after, args=(delay, told))
        thread.start()
        call(name, image, [background], **{**QUICK, **arguments})
        thread.join()
        if state(image) == before:
            outcomes['before'] += 1
        else:
            check(complete(image, name, arguments), f'kill {kill}, {name} after {delay:.3f} s: between: '
                                                    f'{stack(image)} {image.get_width()} x {image.get_height()}')
            outcomes['complete'] += 1
        images.remove(image)
        image.delete()
    print(f'     {KILLS} kills: {outcomes}')
    check(outcomes['before'] > KILLS / 5, 'too few were killed in time', outcomes)
    for _ in range(100):
        if not _processes():
            break
        time.sleep(0.02)
    equal(_processes(), set(), 'processes left')
    equal(_files_left(), known, 'files left')


def after_a_kill_the_next_run_works():
    image, background = picture()
    select(image)
    told = []
    thread = threading.Thread(target=kill_after, args=(0.1, told))
    thread.start()
    call('inpaint', image, [background], **QUICK)
    thread.join()
    ok('inpaint', image, [background])


run_tests(statements(globals()))
