# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs GIMP with a screen: undo and redo, GIMP's Cancel, and images that change meanwhile."""
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from driver import CLOSE, FOLDER, Batch, check, edit_menu, gimp, named, plugin_processes, press, run, wait

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


run((undo_restores_and_redo_brings_back_in_one_step, cancel_in_the_progress_bar_leaves_the_image,
     an_active_layer_that_goes_meanwhile_does_not_matter,
     an_image_that_is_cropped_meanwhile_stays_and_gives_a_new_one), lambda: gimp(CLOSE))
