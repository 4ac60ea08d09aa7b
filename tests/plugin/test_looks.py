# SPDX-License-Identifier: GPL-3.0-or-later
"""How the dialog of each mode looks in each state, in the look that $TEST_LOOK names: a picture of each, and what can
be said of them without eyes: the window has room on a screen of 1366 x 768, nothing lies beside it, columns stand in
line, and nothing but the preview moves when the state changes."""
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from driver import CLOSE, FOLDER, Atspi, Batch, GLib, applications, check, gimp, plugin_processes, press, run, wait, walk

LOOK = os.environ['TEST_LOOK']
SCALE = int(os.environ.get('GDK_SCALE', '1'))
NEW = '''
image, background = picture(320, 240)
if {selected}:
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 90, 60, 120, 110)
images.clear()
display = Gimp.Display.new(image)
image.clean_all()
answer = image.get_id()
'''
OPEN = '''
image = image_of({number})
call({name!r}, image, [image.get_layers()[-1]], mode=Gimp.RunMode.INTERACTIVE, **{arguments!r})
answer = True
'''


def key(*keys):
    subprocess.run(['xdotool', 'key', '--delay', '30', *keys], check=True)


def is_state(node, state):
    return node.get_state_set().contains(state)


def extents(node):
    box = node.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
    return box.x, box.y, box.width, box.height


class Window:
    """Found by its program, for names are translated."""

    def __init__(self, name, selected=True, **arguments):
        self.name = name
        number = gimp(NEW.format(selected=selected))
        self.batch = Batch(OPEN.format(number=number, name=name, arguments=arguments))
        self.top = wait(self.find, 20, 'the dialog of ' + name)
        self.area = wait(lambda: next((node for node in walk(self.top) if node.get_role_name() == 'text' and
                                       is_state(node, Atspi.StateType.MULTI_LINE)), None), 10, 'the prompt')
        time.sleep(1.2)

    @staticmethod
    def find():
        try:
            for application in applications():
                if application.get_name() == 'gimp-diffusion':
                    for i in range(application.get_child_count()):
                        if application.get_child_at_index(i).get_role_name() == 'dialog':
                            return application.get_child_at_index(i)
        except GLib.Error: # one that ends just now
            pass
        return None

    def nodes(self, *roles):
        return [node for node in walk(self.top)
                if node.get_role_name() in roles and is_state(node, Atspi.StateType.SHOWING)]

    def shot(self, state):
        path = os.path.join(FOLDER, f'{LOOK}-{self.name}-{state}.png')
        title = subprocess.run(['xdotool', 'search', '--onlyvisible', '--name', '^' + self.top.get_name() + '$'],
                               check=True, capture_output=True, text=True).stdout.split()[-1]
        subprocess.run(['import', '-window', title, path], check=False)

    def places(self):
        """Of what must not move: all but the preview, the message below it, and what results are shown."""
        return {(node.get_role_name(), i): extents(node)
                for i, node in enumerate(self.nodes('spin button', 'combo box', 'text', 'progress bar', 'slider'))}

    def results(self):
        """Thumbnails have a seed for a name."""
        return sum((node.get_name() or '').isdigit() for node in walk(self.top) if node.get_role_name() != 'label')

    def generate(self):
        self.area.get_component_iface().grab_focus()
        key('ctrl+Return')

    def close(self):
        self.area.get_component_iface().grab_focus()
        key('Escape')

        def ended():
            try:
                for application in applications():
                    if application.get_name() == 'gimp-diffusion':
                        for node in walk(application, 6):
                            if node.get_role_name() == 'alert': # asks: Keep open, Close
                                press([n for n in walk(node) if n.get_role_name() == 'button'][-1])
                                return False
            except GLib.Error:
                pass
            return not plugin_processes()

        wait(ended, 10, 'the end of the dialog')
        self.batch.answer(20)
        gimp(CLOSE)


def sound(window):
    """What is shown lies inside, and the window has room."""
    x, y, width, height = extents(window.top)
    check(width <= 1366 and height <= 768, window.name, 'is', width, 'x', height)
    for node in window.nodes('label', 'button', 'toggle button', 'spin button', 'combo box', 'text', 'check box'):
        left, top, wide, high = extents(node)
        if wide > 1 and high > 1 and top + high <= y + height: # below: scrolled away
            check(left >= x and left + wide <= x + width, window.name, node.get_role_name(), node.get_name(),
                  'lies beside the window')
    lefts = sorted({extents(node)[0] for node in window.nodes('spin button', 'combo box')
                    if x < extents(node)[0] < x + width // 2})
    check(len(lefts) <= 2, window.name, 'has columns at', lefts)


def each_mode_in_each_state():
    for name, arguments in (('inpaint', {}), ('outpaint', dict(right=80, top=40)), ('image-to-image', {}),
                            ('text-to-image', dict(width=256, height=192)), ('instruct', {})):
        window = Window(name, prompt='a (strawberry:1.2) on a {blue|green} background', cfg=3.0, steps=30, **arguments)
        window.shot('ready')
        sound(window)
        places = window.places()
        window.generate()
        time.sleep(1.2)
        window.shot('running')
        check(window.places() == places, name, 'moves when it runs')
        wait(lambda: window.results() == 1, 30, 'a result')
        time.sleep(0.5)
        window.shot('results')
        check(window.places() == places, name, 'moves when it has results')
        window.close()


def the_first_run_and_an_error():
    subprocess.run(['rm', '-rf', os.environ['XDG_CONFIG_HOME']], check=True)
    window = Window('inpaint', prompt='a strawberry')
    window.shot('first-run')
    sound(window)
    places = window.places()
    window.close()
    window = Window('inpaint', selected=False, prompt='a strawberry')
    window.shot('error')
    sound(window)
    check(window.places() == places, 'an error moves the form')
    window.close()


def clean():
    for pid in plugin_processes():
        os.kill(pid, 9)
    time.sleep(0.5)
    gimp(CLOSE)


run((each_mode_in_each_state, the_first_run_and_an_error), clean)
