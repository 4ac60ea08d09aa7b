# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog of each mode as a person uses it: open it from the menu, type a prompt, generate, stop, generate
again, pick the second of three, insert, undo.  Pictures of every state go to $TEST_SCREENSHOTS."""
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from driver import FOLDER, Atspi, check, edit_menu, gimp, named, plugin_processes, press, run, wait, walk

NEW = '''
image, background = picture()
select(image)
images.clear()
display = Gimp.Display.new(image)
image.clean_all()
answer = image.get_id()
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


def shot(name):
    path = os.path.join(FOLDER, name + '.png')
    subprocess.run(['import', '-window', 'root', path], check=False)
    with open(path, 'rb') as file:
        return file.read()


def sensitive(node):
    states = node.get_state_set()
    states = node.get_state_set() if states is None else states
    return states.contains(Atspi.StateType.SENSITIVE)


class Dialog:
    def __init__(self, item, title):
        press(wait(lambda: named('menu item', lambda name: name == item), what=item))
        self.window = wait(lambda: named('dialog', lambda name: name == title), what=title)

    def find(self, role, name):
        return next((node for node in walk(self.window)
                     if node.get_role_name() == role and node.get_name() == name), None)

    def button(self, name):
        return wait(lambda: self.find('button', name), what=name)

    def all(self, role):
        return [node for node in walk(self.window) if node.get_role_name() == role]

    def labelled(self, role, label):
        """The widget that a label names."""
        for node in self.all(role):
            for relation in node.get_relation_set():
                if relation.get_relation_type() == Atspi.RelationType.LABELLED_BY and \
                        relation.get_target(0).get_name() == label:
                    return node
        return None

    def number(self, label, value):
        spin = wait(lambda: self.labelled('spin button', label), what=label)
        spin.get_value_iface().set_current_value(value)

    def type(self, text):
        """By the keyboard, into what has the focus."""
        area = wait(lambda: self.labelled('text', 'Prompt'), what='Prompt')
        area.get_component_iface().grab_focus()
        time.sleep(0.3)
        subprocess.run(['xdotool', 'key', 'ctrl+a'], check=True)
        subprocess.run(['xdotool', 'type', '--delay', '10', text], check=True)
        wait(lambda: Atspi.Text.get_text(area, 0, -1) == text, 5, 'the typed prompt')

    def ready(self, seconds=60):
        wait(lambda: sensitive(self.button('Generate')), seconds, 'Generate')

    def thumbnails(self):
        results = next((node for node in walk(self.window) if node.get_name() == 'Results'), None)
        return [results.get_child_at_index(i) for i in range(results.get_child_count())] if results else []


def use(name, item, title, prepare=lambda dialog: None):
    number = gimp(NEW)
    before = gimp(STATE.format(number=number))
    dialog = Dialog(item, title)
    dialog.type('a strawberry')
    prepare(dialog)
    dialog.number('Steps', 400)
    dialog.number('Guidance', 3)
    time.sleep(0.4)
    dialog.ready()
    shot(f'{name}-ready')

    press(dialog.button('Generate'))
    wait(lambda: sensitive(dialog.button('Stop')), 5, 'Stop')
    time.sleep(0.8)
    first = shot(f'{name}-running')
    time.sleep(1.2)
    check(shot(f'{name}-running-later') != first, name, 'the preview does not change')
    started = time.monotonic()
    press(dialog.button('Stop'))
    wait(lambda: sensitive(dialog.button('Generate')), 5, 'the end after Stop')
    stopped = time.monotonic() - started
    check(stopped < 1, name, 'Stop took', stopped)
    check(not dialog.thumbnails(), name, 'a stopped run left a result')

    dialog.number('Steps', 2)
    dialog.number('Pictures', 3)
    time.sleep(0.4)
    dialog.ready()
    press(dialog.button('Generate'))
    wait(lambda: len(dialog.thumbnails()) == 3, 60, 'three results')
    dialog.ready()
    check(gimp(STATE.format(number=number)) == before, name, 'the image changed before Insert')
    dialog.thumbnails()[1].get_parent().get_selection_iface().select_child(1)
    shot(f'{name}-results')
    press(dialog.button('Insert as layer'))
    wait(lambda: gimp(STATE.format(number=number))[2] == before[2] + 1, 20, 'the new layer')
    shot(f'{name}-inserted')
    press(wait(lambda: edit_menu('Undo ' + title), what='Undo ' + title))
    wait(lambda: gimp(STATE.format(number=number))[0] == before[0], 10, 'the image as before after one undo')
    press(dialog.button('Close'))
    wait(lambda: not plugin_processes(), 10, 'the end of the dialog')
    gimp(CLOSE)


def inpaint_from_menu_to_layer():
    use('inpaint', 'Inpaint Selection…', 'Inpaint Selection')


def outpaint_from_menu_to_layer():
    use('outpaint', 'Outpaint…', 'Outpaint', lambda dialog: dialog.number('Right', 32))


def image_to_image_from_menu_to_layer():
    use('image-to-image', 'Image to Image…', 'Image to Image')


def text_to_image_from_menu_to_layer():
    def size(dialog):
        dialog.number('Width', 64)
        dialog.number('Height', 64)

    use('text-to-image', 'Text to Image…', 'Text to Image', size)


def instruct_says_which_model_is_missing():
    gimp(NEW)
    dialog = Dialog('Follow Instruction…', 'Follow Instruction')
    wait(lambda: any('InstructPix2Pix' in (node.get_name() or '') for node in dialog.all('label')), 10, 'the sentence')
    check(not sensitive(dialog.button('Generate')), 'Generate can be pressed')
    shot('instruct-error')
    press(dialog.button('Close'))
    wait(lambda: not plugin_processes(), 10, 'the end of the dialog')
    gimp(CLOSE)


def click(node):
    """With the mouse."""
    place = node.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
    subprocess.run(['xdotool', 'mousemove', str(place.x + place.width // 2), str(place.y + place.height // 2),
                    'click', '1'], check=True)


def choose(dialog, name, picture=None):
    """An item of the menu of presets."""
    click(wait(lambda: dialog.find('toggle button', 'Presets'), what='Presets'))
    entry = wait(lambda: named('menu item', lambda text: text == name, showing=True), what=name)
    time.sleep(0.4)
    if picture:
        shot(picture)
    click(entry)


def value(dialog, label):
    return wait(lambda: dialog.labelled('spin button', label), what=label).get_value_iface().get_current_value()


def presets_are_saved_and_chosen_and_settings_go_back_to_the_defaults():
    gimp(NEW)
    dialog = Dialog('Outpaint…', 'Outpaint')
    dialog.type('a preset')
    amounts = ('Left', 'Right', 'Top', 'Bottom')
    press(dialog.button('+25 %'))
    wait(lambda: [value(dialog, side) for side in amounts] == [24, 24, 20, 20], 5, 'a quarter of 96 x 80')
    press(dialog.button('128 px'))
    wait(lambda: [value(dialog, side) for side in amounts] == [128] * 4, 5, '128 pixels')
    dialog.number('Steps', 7)
    choose(dialog, 'Save these settings…')
    ask = wait(lambda: named('dialog', lambda name: name == 'Save Preset'), what='Save Preset')
    shot('preset-save')
    entry = next(node for node in walk(ask) if node.get_role_name() in ('text', 'entry'))
    entry.get_editable_text_iface().set_text_contents('Wide/ë')
    press(next(node for node in walk(ask) if node.get_role_name() == 'button' and node.get_name() == 'Save'))
    wait(lambda: not named('dialog', lambda name: name == 'Save Preset'), 5, 'the end of Save Preset')

    choose(dialog, 'Reset to defaults')
    wait(lambda: value(dialog, 'Steps') == 20 and value(dialog, 'Top') == 0, 5, 'the defaults')
    area = dialog.labelled('text', 'Prompt')
    check(Atspi.Text.get_text(area, 0, -1) == 'a preset', 'the prompt went with the settings')
    choose(dialog, 'Wide/ë', 'preset-menu')
    wait(lambda: value(dialog, 'Steps') == 7 and value(dialog, 'Top') == 128, 5, 'the preset')
    check(Atspi.Text.get_text(area, 0, -1) == 'a preset', 'the prompt went with the preset')
    press(dialog.button('Close'))
    wait(lambda: not plugin_processes(), 10, 'the end of the dialog')
    gimp(CLOSE)


def our_side_gives_no_gtk_warnings():
    with open(os.path.join(FOLDER, 'gimp.log'), errors='replace') as file:
        ours = [line for line in file if line.startswith('(gimp-diffusion:') and 'gdk_window_get_window_type' not in line and
                'gtk_accessible_get_widget' not in line]
    check(not ours, ''.join(ours[:5]))


def clean():
    for pid in plugin_processes():
        os.kill(pid, 9)
    time.sleep(0.5)
    gimp(CLOSE)


run((inpaint_from_menu_to_layer, outpaint_from_menu_to_layer, image_to_image_from_menu_to_layer,
     text_to_image_from_menu_to_layer, instruct_says_which_model_is_missing,
     presets_are_saved_and_chosen_and_settings_go_back_to_the_defaults, our_side_gives_no_gtk_warnings), clean)
