# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog of each mode as a person uses it: open it from the menu, type a prompt, generate, stop, generate
again, pick the second of three, insert, undo; by AT-SPI, by the mouse and by the keyboard."""
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import models
from driver import CLOSE, FOLDER, Atspi, check, edit_menu, gimp, named, plugin_processes, press, run, wait, walk

NEW = '''
image, background = picture({size})
if {selected}:
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


SETTINGS = os.path.join(os.environ['GIMP3_DIRECTORY'], 'plug-in-settings')
MARKS = os.path.join(os.environ['XDG_CONFIG_HOME'], 'gimp-diffusion', 'dialog.ini')


def new(selected=True, size='96, 80'):
    return gimp(NEW.format(size=size, selected=selected))


def state_of(number):
    return gimp(STATE.format(number=number))


def shot(name):
    path = os.path.join(FOLDER, name + '.png')
    subprocess.run(['import', '-window', 'root', path], check=False)
    with open(path, 'rb') as file:
        return file.read()


def key(*keys):
    subprocess.run(['xdotool', 'key', '--delay', '30', *keys], check=True)


def click(node):
    """With the mouse."""
    place = node.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
    subprocess.run(['xdotool', 'mousemove', str(place.x + place.width // 2), str(place.y + place.height // 2),
                    'click', '1'], check=True)


def is_state(node, state):
    return node.get_state_set().contains(state)


def sensitive(node):
    return is_state(node, Atspi.StateType.SENSITIVE)


def text_of(node):
    return Atspi.Text.get_text(node, 0, -1)


class Dialog:
    def __init__(self, item, title):
        press(wait(lambda: named('menu item', lambda name: name == item), what=item))
        self.title = title
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

    def spin(self, label):
        return wait(lambda: self.labelled('spin button', label), what=label).get_value_iface()

    def number(self, label, value):
        self.spin(label).set_current_value(value)

    def value(self, label):
        return self.spin(label).get_current_value()

    def area(self, label='Prompt'):
        return wait(lambda: self.labelled('text', label), what=label)

    def says(self, words):
        return any(words in (node.get_name() or '') and is_state(node, Atspi.StateType.SHOWING)
                   for node in self.all('label'))

    def type(self, text, label='Prompt'):
        """By the keyboard, into what has the focus."""
        area = self.area(label)
        area.get_component_iface().grab_focus()
        time.sleep(0.3)
        key('ctrl+a')
        subprocess.run(['xdotool', 'type', '--delay', '10', text], check=True)
        wait(lambda: text_of(area) == text, 5, 'the typed prompt')

    def settled(self):
        """After the delay that follows a changed setting."""
        time.sleep(0.5)

    def ready(self, seconds=60):
        self.settled()
        wait(lambda: sensitive(self.button('Generate')), seconds, 'Generate')

    def generate(self, count=1):
        there = len(self.thumbnails())
        self.ready()
        press(self.button('Generate'))
        wait(lambda: len(self.thumbnails()) == there + count, 60, f'{count} results')
        self.ready()

    def thumbnails(self):
        results = next((node for node in walk(self.window) if node.get_name() == 'Results'), None)
        return [results.get_child_at_index(i) for i in range(results.get_child_count())] if results else []

    def choose(self, index):
        self.thumbnails()[index].get_parent().get_selection_iface().select_child(index)

    def close(self, loses=0):
        """Closes it; with so many results that nobody has inserted it asks first."""
        press(self.button('Close'))
        if loses:
            ask = wait(question, 5, 'the question')
            label = next((node.get_name() for node in walk(ask) if node.get_name() and 'inserted' in node.get_name()), '')
            check(label.startswith(f'{loses} '), self.title, 'asks about', label, 'not', loses)
            press(in_question('Close'))
        wait(lambda: not plugin_processes(), 10, 'the end of the dialog')


def question():
    return named('alert', lambda name: True)


def in_question(name):
    return wait(lambda: next((node for node in walk(question()) if node.get_role_name() == 'button' and
                              node.get_name() == name), None), what=name)


def use(name, item, title, prepare=lambda dialog: None):
    number = new()
    before = state_of(number)
    dialog = Dialog(item, title)
    dialog.type('a strawberry')
    prepare(dialog)
    dialog.number('Steps', 1000)
    dialog.number('Guidance', 3)
    dialog.ready()
    shot(f'{name}-ready')

    press(dialog.button('Generate'))
    wait(lambda: sensitive(dialog.button('Stop')), 5, 'Stop')
    time.sleep(0.8)
    first = shot(f'{name}-running')
    time.sleep(1.2)
    check(shot(f'{name}-running-later') != first, name, 'the preview does not change')
    generate, stop = dialog.button('Generate'), dialog.button('Stop')
    started = time.monotonic()
    press(stop)
    wait(lambda: sensitive(generate), 5, 'the end after Stop')
    stopped = time.monotonic() - started
    print(f'     {name}: stopped after {stopped:.2f} s', flush=True)
    check(stopped < 0.3, name, 'Stop took', stopped)
    check(not dialog.thumbnails(), name, 'a stopped run left a result')

    dialog.number('Steps', 2)
    dialog.number('Pictures', 3)
    dialog.generate(3)
    check(state_of(number) == before, name, 'the image changed before Insert')
    dialog.choose(1)
    time.sleep(0.3)
    shot(f'{name}-results')
    press(dialog.button('Insert as layer'))
    wait(lambda: state_of(number)[2] == before[2] + 1, 20, 'the new layer')
    shot(f'{name}-inserted')
    press(wait(lambda: edit_menu('Undo ' + title), what='Undo ' + title))
    wait(lambda: state_of(number)[0] == before[0], 10, 'the image as before after one undo')
    dialog.close(loses=3)
    gimp(CLOSE)


def the_first_run_takes_four_actions_and_says_where_models_go():
    """Open, type, Generate, Insert."""
    number = new()
    before = state_of(number)
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    wait(lambda: dialog.says('The demo model is ready'), 10, 'the page of the first run')
    folder = models.user_folder()
    wait(lambda: dialog.says(folder[-40:]), 5, 'the folder of models')
    shot('first-run')
    place = dialog.window.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
    check(place.width <= 1366 and place.height <= 768 - 24, 'the window is', place.width, 'x', place.height)
    area = dialog.area()
    check(is_state(area, Atspi.StateType.FOCUSED), 'the prompt has not the focus')
    subprocess.run(['xdotool', 'type', '--delay', '10', 'a strawberry'], check=True)
    wait(lambda: text_of(area) == 'a strawberry', 5, 'the typed prompt')
    wait(lambda: sensitive(dialog.button('Generate')), 10, 'Generate')
    check(dialog.value('Guidance') == 3, 'the demo is run with a guidance of', dialog.value('Guidance'))
    click(dialog.button('Generate'))
    wait(lambda: len(dialog.thumbnails()) == 1, 60, 'a result')
    check(not dialog.says('The demo model is ready'), 'the page of the first run stays')
    wait(lambda: sensitive(dialog.button('Insert as layer')), 5, 'Insert')
    click(dialog.button('Insert as layer'))
    wait(lambda: state_of(number)[2] == before[2] + 1, 20, 'the new layer')
    dialog.close()
    gimp(CLOSE)
    new()
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.ready()
    check(not dialog.says('The demo model is ready'), 'the page of the first run comes again')
    dialog.close()
    gimp(CLOSE)


def the_first_run_of_an_instruction_has_its_model_and_settings():
    """Also with the other file of the demo chosen, as it may be from before."""
    for row in (1, 0): # gimp-diffusion-demo, the one that fits best
        new()
        dialog = Dialog('Follow Instruction…', 'Follow Instruction')
        combo = wait(lambda: dialog.labelled('combo box', 'Model'), what='Model')
        combo.get_selection_iface().select_child(row)
        dialog.type('make it night')
        dialog.ready()
        wait(lambda: dialog.says('gimp-diffusion-demo-instruct'), 10, 'the name of the model')
        got = [dialog.value(name) for name in ('Guidance', 'Image guidance', 'Steps')]
        check(got == [3, 1.2, 20], 'it opens with', got)
        dialog.close()
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


def instruct_says_which_model_is_missing_and_then_follows():
    with models.no_demo_for_instructions():
        new()
        dialog = Dialog('Follow Instruction…', 'Follow Instruction')
        wait(lambda: dialog.says('InstructPix2Pix'), 10, 'the sentence')
        check(not sensitive(dialog.button('Generate')), 'Generate can be pressed')
        check(dialog.find('button', 'Open models folder'), 'there is no button that helps')
        shot('instruct-error')
        dialog.close()
        gimp(CLOSE)
    path = os.path.join(models.user_folder(), 'eight.safetensors')
    models.with_channels(path, 8)
    try:
        use('instruct', 'Follow Instruction…', 'Follow Instruction')
    finally:
        os.unlink(path)


def stop_and_keep_makes_a_picture_of_what_there_is():
    number = new()
    before = state_of(number)
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.type('a strawberry')
    dialog.number('Steps', 1000)
    dialog.number('Pictures', 3)
    dialog.ready()
    press(dialog.button('Generate'))
    keep = wait(lambda: dialog.find('button', 'Stop and keep'), what='Stop and keep')
    wait(lambda: sensitive(keep), 5, 'Stop and keep')
    time.sleep(1.5)
    started = time.monotonic()
    press(keep)
    wait(lambda: sensitive(dialog.button('Generate')), 10, 'the end after Stop and keep')
    check(time.monotonic() - started < 2, 'Stop and keep took', time.monotonic() - started)
    check(len(dialog.thumbnails()) == 1, len(dialog.thumbnails()), 'results instead of one')
    check(re.search(r'/1000\)', dialog.thumbnails()[0].get_name()), dialog.thumbnails()[0].get_name())
    shot('kept')
    press(dialog.button('Insert as layer'))
    wait(lambda: state_of(number)[2] == before[2] + 1, 20, 'the new layer')
    dialog.close()
    gimp(CLOSE)


def slowest_answer(node, seconds):
    """How long the dialog's main loop takes to answer at most, in seconds."""
    component, slowest, count, end = node.get_component_iface(), 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        component.get_extents(Atspi.CoordType.SCREEN)
        slowest = max(slowest, time.monotonic() - started)
        count += 1
        time.sleep(0.01)
    print(f'     the slowest of {count} answers took {1000 * slowest:.0f} ms', flush=True)
    return slowest


def a_slow_drive_keeps_nobody_waiting():
    """A model that takes seconds to look into and to open, as on a network."""
    slow = os.environ['GIMP_DIFFUSION_SLOW_FILES']

    def drive(milliseconds):
        with open(slow, 'w') as file:
            file.write(str(milliseconds))

    number = new()
    drive(5000)
    try:
        dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
        stop, generate = dialog.button('Stop'), dialog.button('Generate')
        wait(lambda: dialog.says('Opening the model'), 5, 'the sentence')
        check(any(slowest_answer(stop, 2) < 0.05 for _ in range(3)), 'the dialog takes 50 ms or more to answer')
        shot('slow-drive')
        check(sensitive(stop) and not sensitive(generate), 'it is open already')
        dialog.type('a strawberry')
        dialog.number('Steps', 1)
        dialog.number('Pictures', 1)
        dialog.settled()
        press(stop)
        wait(lambda: sensitive(generate), 1, 'the end after Stop')
        check(not dialog.says('Opening the model'), 'it goes on')
        drive(700)
        press(generate) # what is pressed before the model is open is done then
        wait(lambda: len(dialog.thumbnails()) == 1, 30, 'a result')
        drive(60000)
        combo = dialog.labelled('combo box', 'Model')
        combo.get_selection_iface().select_child(1)
        time.sleep(1)
        started = time.monotonic()
        dialog.close(loses=1)
        check(time.monotonic() - started < 5, 'Close took', time.monotonic() - started)
    finally:
        os.unlink(slow)
        gimp(CLOSE)
    new()
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.ready(10)
    dialog.labelled('combo box', 'Model').get_selection_iface().select_child(0)
    dialog.settled()
    dialog.close()
    gimp(CLOSE)


def dialog_answers_within_50_ms_and_gimp_paints_while_it_runs():
    number = new(size='512, 400')
    # Where the picture is blue: the brush is red.
    gimp(f'image_of({number}).select_rectangle(Gimp.ChannelOps.REPLACE, 400, 300, 100, 80)\nanswer = True')
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.type('a strawberry')
    dialog.number('Steps', 1000)
    dialog.ready()
    before = state_of(number)[0]
    subprocess.run(['xdotool', 'search', '--name', '^Inpaint Selection$', 'windowmove', '800', '60'], check=True)
    press(dialog.button('Generate'))
    stop = dialog.button('Stop')
    wait(lambda: sensitive(stop), 5, 'Stop')
    time.sleep(0.5)
    # What else this machine does only adds: a loop that is held by the run is slow in each of three turns.
    check(any(slowest_answer(stop, 4) < 0.05 for _ in range(3)), 'the dialog takes 50 ms or more to answer')

    check(sensitive(stop), 'the run was over before GIMP painted')
    for event in ('mousemove 600 400', 'mousemove 630 440', 'mousedown 1', 'mousemove 650 460', 'mousemove 670 470',
                  'mousemove 690 450', 'mouseup 1'):
        subprocess.run(['xdotool', *event.split()], check=True)
        time.sleep(0.15)
    wait(lambda: state_of(number)[0] != before, 5, 'the painted stroke')
    shot('painted-while-running')
    check(sensitive(stop), 'the run was over before GIMP had painted')
    press(stop)
    dialog.ready()
    dialog.close()
    gimp(CLOSE)


def settings_stay_without_insert_and_repeat_uses_them():
    for folder, _, files in os.walk(SETTINGS):
        for file in files:
            os.unlink(os.path.join(folder, file))
    new()
    dialog = Dialog('Image to Image…', 'Image to Image')
    dialog.type('a pumpkin')
    dialog.number('Steps', 3)
    dialog.number('Seed', 77)
    dialog.generate()
    dialog.close(loses=1)
    gimp(CLOSE)
    number = new()
    dialog = Dialog('Image to Image…', 'Image to Image')
    dialog.ready()
    check(text_of(dialog.area()) == 'a pumpkin', 'the prompt is', text_of(dialog.area()))
    check((dialog.value('Steps'), dialog.value('Seed')) == (3, 77), dialog.value('Steps'), dialog.value('Seed'))
    dialog.generate()
    press(dialog.button('Insert as layer'))
    time.sleep(0.5)
    dialog.close()
    # On an image that libgimp has given the values of a success.
    dialog = Dialog('Image to Image…', 'Image to Image')
    dialog.ready()
    dialog.number('Seed', 78)
    dialog.settled()
    dialog.close()
    dialog = Dialog('Image to Image…', 'Image to Image')
    dialog.ready()
    check(dialog.value('Seed') == 78, 'the seed is', dialog.value('Seed'))
    dialog.close()
    answer = gimp(f'''
image = image_of({number})
result = call('image-to-image', image, [image.get_layers()[-1]], mode=Gimp.RunMode.WITH_LAST_VALS)
answer = [result.status.value_nick, result.values.get('used-seed'), image.get_layers()[0].get_name()]
''')
    check(answer[:2] == ['success', 78] and answer[2].startswith('a pumpkin'), answer)
    gimp(CLOSE)


def closing_asks_only_before_something_is_lost():
    new()
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.type('a strawberry')
    dialog.number('Steps', 1)
    dialog.generate()
    dialog.window.get_component_iface().grab_focus()
    key('Escape')
    wait(question, 5, 'the question')
    press(in_question('Keep open'))
    wait(lambda: not question(), 5, 'the end of the question')
    key('alt+F4')
    wait(question, 5, 'the question after the window was closed')
    shot('closing')
    press(in_question('Keep open'))
    wait(lambda: not question(), 5, 'the end of the question')
    check(len(dialog.thumbnails()) == 1 and plugin_processes(), 'the result is gone')
    press(dialog.button('Insert as layer'))
    time.sleep(0.5)
    dialog.close()
    gimp(CLOSE)


def keyboard_weighs_words_generates_inserts_and_discards():
    number = new()
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.number('Steps', 1)
    dialog.type('a strawberry')
    key('ctrl+Up', 'ctrl+Up')
    wait(lambda: text_of(dialog.area()) == 'a (strawberry:1.2)', 5, 'the weight, not ' + text_of(dialog.area()))
    shot('weights')
    key('ctrl+z', 'ctrl+z')
    wait(lambda: text_of(dialog.area()) == 'a strawberry', 5, 'the prompt after undo, not ' + text_of(dialog.area()))
    dialog.ready()
    key('ctrl+Return')
    wait(lambda: len(dialog.thumbnails()) == 1, 60, 'a result')
    check(text_of(dialog.area()) == 'a strawberry', 'Ctrl+Enter wrote into the prompt')
    dialog.ready()
    key('alt+i')
    wait(lambda: state_of(number)[2] == 2, 10, 'the layer after Alt+I')
    dialog.thumbnails()[0].get_component_iface().grab_focus()
    key('Delete')
    wait(lambda: not dialog.thumbnails(), 5, 'no result')
    dialog.close()
    gimp(CLOSE)


def seed_is_kept_by_the_lock_and_results_give_their_settings_back():
    new()
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.type('a strawberry')
    dialog.number('Seed', -1)
    dialog.number('Steps', 1)
    dialog.generate()
    seed = int(dialog.thumbnails()[0].get_name())
    lock = next(node for node in dialog.all('toggle button') if node.get_name().startswith('Keep the last'))
    click(lock)
    wait(lambda: dialog.value('Seed') == seed, 5, f'the seed {seed}')
    dialog.number('Steps', 2)
    click(lock)
    wait(lambda: dialog.value('Seed') == -1, 5, 'a random seed')
    dialog.type('something else')
    press(dialog.button('Use its settings'))
    wait(lambda: dialog.value('Seed') == seed and dialog.value('Steps') == 1, 5, 'the settings of the result')
    check(text_of(dialog.area()) == 'a strawberry', 'the prompt is', text_of(dialog.area()))
    dialog.number('Seed', -1)
    dialog.close(loses=1)
    gimp(CLOSE)


def what_is_in_the_way_is_mended_by_its_button():
    number = new(selected=False)
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    wait(lambda: dialog.says('Nothing is selected'), 10, 'the sentence')
    check(not sensitive(dialog.button('Generate')), 'Generate can be pressed')
    shot('error')
    press(dialog.button('Select everything'))
    dialog.ready(10)
    check(gimp(f'answer = bool(Gimp.Selection.is_empty(image_of({number})))') is False, 'nothing is selected')
    gimp(f'Gimp.Selection.none(image_of({number}))\nanswer = True')
    wait(lambda: dialog.says('Nothing is selected'), 10, 'the sentence after the selection is gone')
    gimp(f'image_of({number}).select_rectangle(Gimp.ChannelOps.REPLACE, 10, 10, 30, 20)\nanswer = True')
    dialog.ready(10)
    dialog.close()

    dialog = Dialog('Outpaint…', 'Outpaint')
    dialog.number('Right', 0)
    wait(lambda: dialog.says('Nothing is added'), 10, 'the sentence')
    press(dialog.button('Extend by 25 %'))
    wait(lambda: dialog.value('Left') == 24 and dialog.value('Top') == 20, 5, 'a quarter of 96 x 80')
    dialog.ready(10)
    dialog.close()

    dialog = Dialog('Text to Image…', 'Text to Image')
    dialog.number('Width', 509)
    dialog.number('Height', 3)
    wait(lambda: (dialog.value('Width'), dialog.value('Height')) == (512, 64), 5, 'sizes that can be made')
    dialog.ready(10)
    dialog.number('Width', 8192)
    dialog.number('Height', 8192)
    wait(lambda: dialog.says('too large'), 10, 'the sentence')
    dialog.close() # a refused size is not remembered
    dialog = Dialog('Text to Image…', 'Text to Image')
    dialog.ready(10)
    check((dialog.value('Width'), dialog.value('Height')) == (2496, 2496), dialog.value('Width'))
    dialog.number('Width', 8192)
    dialog.number('Height', 8192)
    wait(lambda: dialog.says('too large'), 10, 'the sentence')
    press(dialog.button('Make it 2496 × 2496'))
    wait(lambda: dialog.value('Width') == 2496, 5, 'the smaller size')
    dialog.number('Width', 0)
    dialog.number('Height', 0)
    dialog.settled()
    dialog.close()
    gimp(CLOSE)


def what_memory_cannot_hold_is_refused_with_a_size_that_it_can():
    new()
    dialog = Dialog('Text to Image…', 'Text to Image')
    dialog.number('Width', 256)
    dialog.number('Height', 256)
    dialog.ready()
    pid, = plugin_processes()
    with open(f'/proc/{pid}/status') as file:
        used = next(int(line.split()[1]) * 1024 for line in file if line.startswith('VmSize'))
    subprocess.run(['prlimit', f'--pid={pid}', f'--as={used + 300_000_000}:'], check=True)
    dialog.number('Width', 2048)
    dialog.number('Height', 2048)
    wait(lambda: dialog.says('of memory and only'), 10, 'the sentence')
    check(not sensitive(dialog.button('Generate')), 'Generate can be pressed')
    shot('memory')
    smaller = next(node for node in dialog.all('button') if node.get_name().startswith('Make it'))
    press(smaller)
    dialog.ready(10)
    check(256 < dialog.value('Width') < 2048, dialog.value('Width'))
    subprocess.run(['prlimit', f'--pid={pid}', '--as=unlimited:'], check=True)
    dialog.number('Width', 0)
    dialog.number('Height', 0)
    dialog.settled()
    dialog.close()
    gimp(CLOSE)


def amounts_of_an_outpaint_are_pixels_or_percent_or_a_shape():
    new(size='400, 200')
    dialog = Dialog('Outpaint…', 'Outpaint')
    dialog.number('Left', 100)
    for side in ('Right', 'Top', 'Bottom'):
        dialog.number(side, 0)
    unit = wait(lambda: dialog.labelled('combo box', 'Unit'), what='Unit')
    unit.get_selection_iface().select_child(1)
    wait(lambda: dialog.value('Left') == 25, 5, '25 percent')
    dialog.number('Bottom', 50)
    unit.get_selection_iface().select_child(0)
    wait(lambda: (dialog.value('Left'), dialog.value('Bottom')) == (100, 100), 5, '100 pixels')
    shape = wait(lambda: dialog.labelled('combo box', 'Shape'), what='Shape')
    shape.get_selection_iface().select_child(1)
    wait(lambda: [dialog.value(side) for side in ('Left', 'Right', 'Top', 'Bottom')] == [0, 0, 100, 100], 5, 'a square')
    dialog.ready()
    wait(lambda: dialog.says('New canvas: 400 × 400'), 5, 'the new canvas')
    shot('outpaint-square')
    dialog.number('Top', 0)
    dialog.number('Bottom', 0)
    dialog.settled()
    dialog.close()
    gimp(CLOSE)


FLAT = '''
image = Gimp.Image.new_with_precision(200, 150, B.{base}, P.{precision})
if {profile}:
    image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())
layer = Gimp.Layer.new(image, 'flat', 200, 150, T.{base}A_IMAGE, 100, Gimp.LayerMode.NORMAL)
image.insert_layer(layer, None, 0)
Gimp.context_set_foreground(Gegl.Color.new('#80c040'))
layer.fill(Gimp.FillType.FOREGROUND)
display = Gimp.Display.new(image)
answer = True
'''


def colours_in_the_dialog_are_those_of_the_image():
    for base, precision, profile in (('RGB', 'U8_NON_LINEAR', False), ('RGB', 'U8_LINEAR', False),
                                     ('RGB', 'U16_PERCEPTUAL', False), ('RGB', 'FLOAT_LINEAR', False),
                                     ('RGB', 'HALF_NON_LINEAR', False), ('RGB', 'U32_LINEAR', False),
                                     ('RGB', 'DOUBLE_NON_LINEAR', True), ('RGB', 'U8_NON_LINEAR', True),
                                     ('GRAY', 'U8_NON_LINEAR', False), ('GRAY', 'FLOAT_LINEAR', False)):
        gimp(FLAT.format(base=base, precision=precision, profile=profile))
        dialog = Dialog('Image to Image…', 'Image to Image')
        view = wait(lambda: next((node for node in walk(dialog.window) if node.get_name() == 'Preview of the canvas'),
                                 None), what='the preview')
        box = view.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
        place = f'1x1+{box.x + box.width // 2}+{box.y + box.height // 2}'
        want = (128, 192, 64) if base == 'RGB' else (175, 175, 175)

        def shown():
            text = subprocess.run(['import', '-window', 'root', '-crop', place, '-depth', '8', 'rgb:-'], check=True,
                                  capture_output=True).stdout
            return max(abs(got - wanted) for got, wanted in zip(text, want)) <= 3, tuple(text)

        wait(lambda: shown()[0], 8, f'{want} in {base} {precision} {profile}, not {shown()[1]}')
        dialog.close()
        gimp(CLOSE)


def text_to_image_without_an_image_makes_one():
    dialog = Dialog('Text to Image…', 'Text to Image')
    dialog.type('a strawberry')
    dialog.number('Width', 64)
    dialog.number('Height', 64)
    dialog.number('Steps', 1)
    dialog.generate()
    press(dialog.button('Insert as layer'))
    wait(lambda: gimp('answer = [[i.get_width(), len(i.get_layers())] for i in Gimp.get_images()]') == [[64, 1]], 20,
         'a new image')
    dialog.close()
    gimp(CLOSE)


def results_outlive_their_image():
    number = new()
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.type('a strawberry')
    dialog.number('Steps', 1)
    dialog.generate()
    gimp(CLOSE)
    wait(lambda: dialog.says('The image was closed'), 5, 'the sentence')
    check(not sensitive(dialog.button('Generate')), 'Generate can be pressed')
    press(dialog.button('Insert as layer'))
    wait(lambda: gimp('answer = len(Gimp.get_images())') == 1, 20, 'a new image')
    dialog.close()
    gimp(CLOSE)


def results_of_an_outpaint_go_into_one_canvas():
    number = new()
    size = f'image = image_of({number})\nanswer = [image.get_width(), image.get_height(), len(image.get_layers())]'
    dialog = Dialog('Outpaint…', 'Outpaint')
    dialog.type('a beach')
    dialog.number('Right', 32)
    dialog.number('Top', 0)
    dialog.number('Pictures', 2)
    dialog.number('Steps', 1)
    dialog.generate(2)
    dialog.choose(0)
    press(dialog.button('Insert as layer'))
    wait(lambda: gimp(size) == [128, 80, 2], 20, 'the first result')
    dialog.ready()
    dialog.choose(1)
    press(dialog.button('Insert as layer'))
    wait(lambda: gimp(size) == [128, 80, 3], 20, f'the second result in the same canvas, not {gimp(size)}')
    for layers in (2, 1):
        press(wait(lambda: edit_menu('Undo Outpaint'), what='Undo Outpaint'))
        wait(lambda: gimp(size)[2] == layers, 10, 'undo')
    check(gimp(size) == [96, 80, 1], gimp(size))
    dialog.ready()
    press(dialog.button('Insert all'))
    wait(lambda: gimp(size) == [128, 80, 2], 20, f'both as a group after the undo, not {gimp(size)}')
    check(gimp('answer = len(Gimp.get_images())') == 1, 'there are other images')
    dialog.number('Pictures', 1)
    dialog.settled()
    dialog.close()
    gimp(CLOSE)


def an_intent_brings_its_strength_unless_one_was_chosen():
    new()
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    strength = wait(lambda: dialog.labelled('slider', 'Strength'), what='Strength').get_value_iface()
    intent = dialog.labelled('combo box', 'Intent').get_selection_iface()

    def brings(index, want):
        intent.select_child(index)
        wait(lambda: abs(strength.get_current_value() - want) < 1e-6, 5, f'{want}, not {strength.get_current_value()}')

    brings(0, 1)
    brings(3, 0.4)
    brings(2, 1)
    strength.set_current_value(0.6)
    brings(3, 0.6)
    strength.set_current_value(0.4)
    brings(0, 1)
    dialog.settled()
    dialog.close()
    gimp(CLOSE)


def an_outpaint_opens_with_a_quarter_and_a_percentage_stays_when_the_canvas_grows():
    for folder, _, files in os.walk(SETTINGS):
        for file in files:
            if 'outpaint' in file:
                os.unlink(os.path.join(folder, file))
    number = new(size='400, 200')
    dialog = Dialog('Outpaint…', 'Outpaint')
    dialog.ready(10)
    check([dialog.value(side) for side in ('Left', 'Right', 'Top', 'Bottom')] == [0, 100, 0, 0], dialog.value('Right'))
    dialog.labelled('combo box', 'Unit').get_selection_iface().select_child(1)
    wait(lambda: dialog.value('Right') == 25, 5, '25 percent')
    dialog.type('a beach')
    dialog.number('Steps', 1)
    dialog.number('Pictures', 1)
    dialog.generate()
    press(dialog.button('Insert as layer'))
    wait(lambda: gimp(f'answer = image_of({number}).get_width()') == 500, 20, 'the larger canvas')
    wait(lambda: dialog.says('New canvas: 625 × 200'), 10, 'a quarter of the larger canvas')
    check(dialog.value('Right') == 25, 'it is', dialog.value('Right'))
    dialog.close()
    gimp(CLOSE)


def tab_goes_only_through_what_is_seen():
    new()
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.ready()
    dialog.area().get_component_iface().grab_focus()
    for _ in range(40):
        key('ctrl+Tab')
        focused = [node for node in walk(dialog.window) if is_state(node, Atspi.StateType.FOCUSED)]
        check(all(is_state(node, Atspi.StateType.SHOWING) for node in focused),
              [(node.get_role_name(), node.get_name()) for node in focused])
    dialog.close()
    gimp(CLOSE)


def undo_takes_the_tick_away_and_insert_all_leaves_out_what_is_inserted():
    number = new()
    count = f'answer = len(image_of({number}).get_layers())'
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.type('a strawberry')
    dialog.number('Steps', 1)
    dialog.number('Pictures', 2)
    dialog.generate(2)
    check('a strawberry' in (dialog.thumbnails()[0].get_description() or ''), dialog.thumbnails()[0].get_description())
    dialog.choose(0)
    press(dialog.button('Insert as layer'))
    wait(lambda: gimp(count) == 2, 20, 'the layer')
    press(dialog.button('Insert all'))
    wait(lambda: gimp(count) == 3, 20, 'the other one')
    check(gimp(f'answer = [layer.is_group() for layer in image_of({number}).get_layers()]') == [False] * 3,
          'the first one came again')
    wait(lambda: not sensitive(dialog.button('Insert all')), 5, 'nothing to insert')
    press(wait(lambda: edit_menu('Undo Inpaint'), what='Undo'))
    wait(lambda: gimp(count) == 2, 10, 'undo')
    wait(lambda: sensitive(dialog.button('Insert all')), 5, 'one that is not inserted any more')
    dialog.number('Pictures', 1)
    dialog.settled()
    dialog.close(loses=1)
    gimp(CLOSE)


def the_newest_result_lies_on_top():
    """The second was put below the first, where nobody sees it."""
    number = new()
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.type('a strawberry')
    dialog.number('Steps', 1)
    dialog.number('Pictures', 2)
    dialog.generate(2)
    names = f'answer = [layer.get_name() for layer in image_of({number}).get_layers()]'
    seeds = [node.get_name() for node in dialog.thumbnails()]
    for count, index in ((2, 0), (3, 1)):
        dialog.choose(index)
        press(dialog.button('Insert as layer'))
        wait(lambda: len(gimp(names)) == count, 20, 'the new layer')
        check(seeds[index] in gimp(names)[0], 'on top is', gimp(names)[0], 'and not', seeds[index])
    dialog.number('Pictures', 1)
    dialog.settled()
    dialog.close()
    gimp(CLOSE)


def a_chosen_layer_that_is_deleted_is_told_and_not_read():
    """It was a crash."""
    number = new()
    gimp(f'''
image = image_of({number})
layer = Gimp.Layer.new(image, 'chosen', 96, 80, T.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
image.insert_layer(layer, None, 0)
layer.fill(Gimp.FillType.WHITE)
image.set_selected_layers([layer])
answer = True
''')
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.type('a strawberry')
    dialog.number('Pictures', 1)
    dialog.number('Steps', 1)
    sees = wait(lambda: dialog.labelled('combo box', 'Model sees'), what='Model sees')
    sees.get_selection_iface().select_child(2)
    dialog.ready()
    gimp(f'image = image_of({number})\nimage.remove_layer(image.get_layers()[0])\nanswer = True')
    press(dialog.button('Generate'))
    wait(lambda: dialog.says('was deleted'), 10, 'the sentence')
    shot('deleted-layer')
    check(plugin_processes(), 'the dialog is gone')
    press(dialog.button('Show all that is visible'))
    dialog.generate()
    dialog.close(loses=1)
    gimp(CLOSE)


def regenerate_opens_with_what_the_layer_was_made_with():
    number = new()
    seed = gimp(f'''
image = image_of({number})
answer = call('inpaint', image, [image.get_layers()[-1]], prompt='a pumpkin', **{{**QUICK, 'steps': 3}}).used_seed
''')
    dialog = Dialog('Regenerate from This Layer…', 'Regenerate from This Layer')
    dialog.ready()
    check(text_of(dialog.area()) == 'a pumpkin', 'the prompt is', text_of(dialog.area()))
    models_there = [node.get_name() for node in walk(dialog.labelled('combo box', 'Model'))]
    check('gimp-diffusion-demo' in models_there and 'gimp-diffusion-demo.safetensors' not in models_there, models_there)
    check((dialog.value('Steps'), dialog.value('Seed')) == (3, seed), dialog.value('Steps'), dialog.value('Seed'))
    dialog.generate()
    press(dialog.button('Insert as layer'))
    wait(lambda: state_of(number)[2] == 3, 20, 'the new layer')
    dialog.close()
    gimp(CLOSE)


def what_would_be_done_is_shown_again_after_a_change():
    number = new()
    dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
    dialog.type('a strawberry')
    dialog.number('Steps', 1)
    dialog.ready()
    view = next(node for node in walk(dialog.window) if node.get_name() == 'Preview of the canvas')
    box = view.get_component_iface().get_extents(Atspi.CoordType.SCREEN)

    def seen():
        time.sleep(0.4)
        return subprocess.run(['import', '-window', 'root', '-crop', f'{box.width}x{box.height}+{box.x}+{box.y}',
                               '-depth', '8', 'rgb:-'], check=True, capture_output=True).stdout

    def same(one, other):
        return max(abs(a - b) for a, b in zip(one, other)) <= 2

    plain = seen()
    dialog.generate()
    result = seen()
    check(not same(result, plain), 'the result is not shown')
    gimp(f'image_of({number}).select_rectangle(Gimp.ChannelOps.REPLACE, 5, 5, 50, 50)\nanswer = True')
    wait(lambda: not any(same(seen(), other) for other in (plain, result)), 5, 'the new selection')
    time.sleep(0.5)
    click(dialog.thumbnails()[0])
    wait(lambda: same(seen(), result), 5, 'the result again')
    dialog.close(loses=1)
    gimp(CLOSE)


def guidance_that_was_chosen_stays_where_nothing_can_be_remembered():
    """As on a full disk: where the file of marks should be is a folder."""
    there = os.path.exists(MARKS)
    if there:
        os.rename(MARKS, MARKS + '.kept')
    os.makedirs(MARKS)
    try:
        new()
        dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
        dialog.ready()
        dialog.number('Guidance', 7)
        dialog.settled()
        dialog.number('Steps', 9)
        dialog.settled()
        check(dialog.value('Guidance') == 7, 'it is', dialog.value('Guidance'))
        dialog.close()
    finally:
        os.rmdir(MARKS)
        if there:
            os.rename(MARKS + '.kept', MARKS)
        gimp(CLOSE)


def models_that_cannot_do_it_are_grey_and_say_why():
    folder = models.user_folder()
    paths = [os.path.join(folder, name + '.safetensors') for name in ('for instructions', 'for inpainting', 'half', 'broken')]
    models.with_channels(paths[0], 8)
    models.with_channels(paths[1], 9)
    models.without(paths[2], 'first_stage_model')
    with open(paths[3], 'wb') as file:
        file.write(b'\xff' * 64)
    paths.append(os.path.join(folder, 'pickled.ckpt'))
    with open(paths[4], 'wb') as file:
        file.write(b'PK\3\4' + bytes(60))
    try:
        new()
        dialog = Dialog('Inpaint Selection…', 'Inpaint Selection')
        combo = wait(lambda: dialog.labelled('combo box', 'Model'), what='Model')
        combo.get_selection_iface().select_child(0)
        wait(lambda: dialog.says('for inpainting: SD 1.x'), 10, 'the model that was made for it')
        click(combo)
        time.sleep(0.8)
        shot('models')
        key('Escape')
        items = [node for node in walk(combo) if node.get_role_name() == 'menu item']
        state = {node.get_name(): sensitive(node) for node in items}
        check(state == {'The one that fits best': True, 'for inpainting': True, 'gimp-diffusion-demo': True,
                        'gimp-diffusion-demo-instruct': True,
                        'for instructions': False, 'half': False, 'broken': False, 'pickled': False}, state)
        dialog.close()
    finally:
        for path in paths:
            os.unlink(path)
        gimp(CLOSE)


def choose(dialog, name, picture=None):
    """An item of the menu of presets."""
    click(wait(lambda: dialog.find('toggle button', 'Presets'), what='Presets'))
    entry = wait(lambda: named('menu item', lambda text: text == name, showing=True), what=name)
    time.sleep(0.4)
    if picture:
        shot(picture)
    click(entry)


def presets_are_saved_and_chosen_and_settings_go_back_to_the_defaults():
    new()
    dialog = Dialog('Outpaint…', 'Outpaint')
    dialog.type('a preset')
    amounts = ('Left', 'Right', 'Top', 'Bottom')
    press(dialog.button('+25 %'))
    wait(lambda: [dialog.value(side) for side in amounts] == [24, 24, 20, 20], 5, 'a quarter of 96 x 80')
    press(dialog.button('128 px'))
    wait(lambda: [dialog.value(side) for side in amounts] == [128] * 4, 5, '128 pixels')
    dialog.number('Steps', 7)
    choose(dialog, 'Save these settings…')
    ask = wait(lambda: named('dialog', lambda name: name == 'Save Preset'), what='Save Preset')
    shot('preset-save')
    entry = next(node for node in walk(ask) if node.get_role_name() in ('text', 'entry'))
    entry.get_editable_text_iface().set_text_contents('Wide/ë')
    press(next(node for node in walk(ask) if node.get_role_name() == 'button' and node.get_name() == 'Save'))
    wait(lambda: not named('dialog', lambda name: name == 'Save Preset'), 5, 'the end of Save Preset')

    choose(dialog, 'Reset to defaults')
    wait(lambda: dialog.value('Steps') == 20 and dialog.value('Top') == 0, 5, 'the defaults')
    check(text_of(dialog.area()) == 'a preset', 'the prompt went with the settings')
    choose(dialog, 'Wide/ë', 'preset-menu')
    wait(lambda: dialog.value('Steps') == 7 and dialog.value('Top') == 128, 5, 'the preset')
    check(text_of(dialog.area()) == 'a preset', 'the prompt went with the preset')
    dialog.close()
    gimp(CLOSE)


def mnemonics_of_a_dialog_are_each_for_one_thing():
    for item, title in (('Text to Image…', 'Text to Image'), ('Image to Image…', 'Image to Image'),
                        ('Inpaint Selection…', 'Inpaint Selection'), ('Outpaint…', 'Outpaint'),
                        ('Follow Instruction…', 'Follow Instruction')):
        new()
        dialog = Dialog(item, title)
        dialog.settled()
        press(dialog.find('toggle button', 'More settings') or dialog.button('More settings'))
        time.sleep(0.3)
        shot(title.lower().replace(' ', '-') + '-more')
        keys = {}
        for node in walk(dialog.window):
            action = node.get_action_iface()
            if action and is_state(node, Atspi.StateType.VISIBLE) and action.get_n_actions():
                for binding in re.findall(r'<Alt>(.)', action.get_key_binding(0) or ''):
                    if node.get_name() != 'Open models folder': # in the info bar and on the page
                        keys.setdefault(binding.lower(), set()).add((node.get_role_name(), node.get_name()))
        twice = {binding: nodes for binding, nodes in keys.items() if len(nodes) > 1}
        check(not twice, title, twice)
        dialog.close()
        gimp(CLOSE)


def our_side_gives_no_gtk_warnings():
    with open(os.path.join(FOLDER, 'gimp.log'), errors='replace') as file:
        ours = [line for line in file if line.startswith('(gimp-diffusion:') and 'gdk_window_get_window_type' not in line and
                'gtk_accessible_get_widget' not in line]
    check(not ours, ''.join(ours[:5]))


def clean():
    shot('failed')
    for pid in plugin_processes():
        os.kill(pid, 9)
    time.sleep(0.5)
    gimp(CLOSE)


run((the_first_run_takes_four_actions_and_says_where_models_go,
     the_first_run_of_an_instruction_has_its_model_and_settings, inpaint_from_menu_to_layer,
     outpaint_from_menu_to_layer, image_to_image_from_menu_to_layer, text_to_image_from_menu_to_layer,
     instruct_says_which_model_is_missing_and_then_follows,
     stop_and_keep_makes_a_picture_of_what_there_is,
     dialog_answers_within_50_ms_and_gimp_paints_while_it_runs, a_slow_drive_keeps_nobody_waiting,
     settings_stay_without_insert_and_repeat_uses_them,
     closing_asks_only_before_something_is_lost, keyboard_weighs_words_generates_inserts_and_discards,
     seed_is_kept_by_the_lock_and_results_give_their_settings_back, what_is_in_the_way_is_mended_by_its_button,
     what_memory_cannot_hold_is_refused_with_a_size_that_it_can,
     amounts_of_an_outpaint_are_pixels_or_percent_or_a_shape, colours_in_the_dialog_are_those_of_the_image,
     guidance_that_was_chosen_stays_where_nothing_can_be_remembered,
     models_that_cannot_do_it_are_grey_and_say_why, text_to_image_without_an_image_makes_one, results_outlive_their_image,
     results_of_an_outpaint_go_into_one_canvas, an_intent_brings_its_strength_unless_one_was_chosen,
     an_outpaint_opens_with_a_quarter_and_a_percentage_stays_when_the_canvas_grows, tab_goes_only_through_what_is_seen, undo_takes_the_tick_away_and_insert_all_leaves_out_what_is_inserted,
     the_newest_result_lies_on_top,
     a_chosen_layer_that_is_deleted_is_told_and_not_read,
     regenerate_opens_with_what_the_layer_was_made_with, what_would_be_done_is_shown_again_after_a_change,
     presets_are_saved_and_chosen_and_settings_go_back_to_the_defaults, mnemonics_of_a_dialog_are_each_for_one_thing,
     our_side_gives_no_gtk_warnings), clean)
