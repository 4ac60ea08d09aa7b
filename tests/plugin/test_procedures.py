# SPDX-License-Identifier: GPL-3.0-or-later
"""The procedures in a real GIMP, one process for all checks."""
import os
import sys
import urllib.parse

sys.path.insert(0, os.environ['TEST_SOURCE'])
sys.dont_write_bytecode = True
from harness import *  # noqa: E402,F403
import models  # noqa: E402

RECORD = 'gimp-diffusion-recipe'


def result_checks(image, before, layer, background, mask_wanted=True):
    """What holds for every result layer of a canvas that keeps its size."""
    check(layer.is_valid(), 'the layer is not there')
    equal((layer.get_mask() is not None), mask_wanted, 'layer mask')
    check(image.is_dirty(), 'the image must be marked as changed')
    equal((image.get_width(), image.get_height()), before['size'], 'canvas')
    equal(selection(image), before['selection'], 'the selection changed')
    equal(pixels(background), before['pixels'], "the user's layer changed")
    check(len(record(layer)) < 4096, 'the record is not small')


def remember(image, layer):
    return dict(size=(image.get_width(), image.get_height()), selection=selection(image),
                pixels=pixels(layer), projection=projection(image))


def outside_is_identical(image, before, layer, tolerance=0.0):
    """Where the layer's mask is exactly 0, and where there is no layer, the projection has the same
    bytes as before."""
    width, height = image.get_width(), image.get_height()
    x0, y0 = offsets(layer)
    mask = floats(pixels(layer.get_mask(), format='Y float'))
    after = projection(image)
    size = len(after) // (width * height)
    kept = 0
    changed = 0
    for y in range(height):
        for x in range(width):
            lx, ly = x - x0, y - y0
            inside = 0 <= lx < layer.get_width() and 0 <= ly < layer.get_height()
            at = (y * width + x) * size
            same = after[at:at + size] == before[at:at + size]
            if inside and mask[ly * layer.get_width() + lx] != 0:
                changed += not same
                continue
            kept += 1
            if not same and tolerance:
                a = struct.unpack(tolerance[1], after[at:at + size])
                b = struct.unpack(tolerance[1], before[at:at + size])
                same = max(abs(p - q) for p, q in zip(a, b)) <= tolerance[0]
            check(same, f'pixel {x}, {y} changed where the mask is 0: '
                        f'{before[at:at + size].hex()} -> {after[at:at + size].hex()}')
    check(changed > 0, 'nothing changed at all')
    check(kept > 0, 'the mask is 0 nowhere')


def every_procedure_is_in_the_pdb_with_help_and_ranges():
    for name in ('text-to-image', 'image-to-image', 'inpaint', 'outpaint', 'instruct', 'inspect', 'regenerate',
                 'read-parameters'):
        procedure = pdb.lookup_procedure('plug-in-diffusion-' + name)
        check(procedure is not None, name)
        for text in (procedure.get_blurb(), procedure.get_help(), procedure.get_authors(), procedure.get_date()):
            check(text, f'{name} has an empty text')
        equal(procedure.get_help_id(), 'urn:gimp-diffusion:help?plug-in-diffusion-' + name)
        for argument in procedure.get_arguments():
            check(argument.get_blurb(), f'{name}: {argument.name} has no help')
        if name in ('inspect', 'read-parameters'):
            continue
        equal(list(procedure.get_menu_paths()), ['<Image>/Filters/Diffusion'])
        equal(procedure.get_image_types(), 'RGB*, GRAY*')
    names = {a.name for a in pdb.lookup_procedure('plug-in-diffusion-outpaint').get_arguments()}
    want = {'prompt', 'negative-prompt', 'model', 'steps', 'sampler', 'schedule', 'cfg', 'strength', 'seed',
            'count', 'left', 'right', 'top', 'bottom', 'edge-mode', 'context'}
    equal(want - names, set(), 'missing arguments')


def text_to_image_without_image_makes_one():
    result = ok('text-to-image', prompt='a red apple', width=64, height=72)
    image = result.result_image
    equal((image.get_width(), image.get_height()), (64, 72))
    equal(stack(image), [result.layer.get_name()])
    equal(result.used_seed, 7.0)
    equal(result.used_model, 'gimp-diffusion-demo.safetensors')
    check(len(set(floats(projection(image, "R'G'B' float")))) > 100, 'the picture is flat')


def text_to_image_takes_the_native_size_by_default():
    result = ok('text-to-image', prompt='a lemon', steps=1)
    equal((result.layer.get_width(), result.layer.get_height()), (256, 256))


def text_to_image_with_an_image_makes_a_centred_layer():
    image, background = picture()
    before = remember(image, background)
    result = ok('text-to-image', image, [background], prompt='a lemon', width=64, height=64)
    equal(offsets(result.layer), (16, 8))
    equal(stack(image), [result.layer.get_name(), 'background'])
    result_checks(image, before, result.layer, background, mask_wanted=False)


def image_to_image_redraws_all():
    image, background = picture()
    before = remember(image, background)
    result = ok('image-to-image', image, [background], prompt='a lemon', strength=0.6)
    equal((*offsets(result.layer), result.layer.get_width(), result.layer.get_height()), (0, 0, 96, 80))
    result_checks(image, before, result.layer, background)
    check(projection(image) != before['projection'], 'nothing changed')


def inpaint_changes_the_selection_only():
    image, background = picture()
    select(image)
    before = remember(image, background)
    result = ok('inpaint', image, [background], prompt='a cat', edge_mode='keep-inside')
    result_checks(image, before, result.layer, background)
    mask = floats(pixels(result.layer.get_mask(), format='Y float'))
    selected = floats(before['selection'])
    x0, y0 = offsets(result.layer)
    for y in range(result.layer.get_height()):
        for x in range(result.layer.get_width()):
            inside = 0 <= x + x0 < 96 and 0 <= y + y0 < 80 and selected[(y + y0) * 96 + x + x0] > 0
            check(inside or mask[y * result.layer.get_width() + x] == 0, f'the mask spills to {x + x0}, {y + y0}')
    outside_is_identical(image, before['projection'], result.layer)


def outpaint_extends_canvas_and_moves_all():
    image, background = picture()
    select(image, 10, 10, 20, 20)
    before = pixels(background)
    result = ok('outpaint', image, [background], prompt='the sea', left=16, right=24, top=8, bottom=32)
    equal((image.get_width(), image.get_height()), (96 + 40, 80 + 40))
    equal(offsets(background), (16, 8), 'the old layer')
    equal(pixels(background), before, 'the old layer changed')
    equal(stack(image), [result.layer.get_name(), 'background'])
    bounds = Gimp.Selection.bounds(image)
    equal(tuple(bounds)[-4:], (26, 18, 46, 38), 'the selection')
    alpha = floats(projection(image, "R'G'B'A float"))[3::4]
    check(min(alpha) > 0.999, 'a place of the new canvas is empty')


def outpaint_without_amounts_fills_what_is_empty_around_the_layers():
    image, background = picture()
    image.resize(96 + 24, 80 + 16, 8, 16)
    before = pixels(background)
    result = ok('outpaint', image, [background], prompt='the sea')
    equal((image.get_width(), image.get_height()), (96 + 24, 80 + 16), 'the canvas')
    equal(offsets(background), (8, 16), 'the old layer')
    equal(pixels(background), before, 'the old layer changed')
    alpha = floats(projection(image, "R'G'B'A float"))[3::4]
    check(min(alpha) > 0.999, 'a place of the canvas is empty')


def instruct_follows_with_a_model_of_eight_channels():
    path = os.path.join(models.user_folder(), 'follows.safetensors')
    models.with_channels(path, 8)
    try:
        image, background = picture()
        select(image)
        before = remember(image, background)
        result = ok('instruct', image, [background], prompt='make it night', cfg=3.0,
                    edge_mode='keep-inside')
        equal(result.used_model, 'follows.safetensors')
        result_checks(image, before, result.layer, background)
        outside_is_identical(image, before['projection'], result.layer)
    finally:
        models.only(path)


def instruct_without_such_a_model_says_what_it_needs():
    image, background = picture()
    with models.no_demo_for_instructions():
        refused('InstructPix2Pix', CALLING_ERROR, 'instruct', image, [background], prompt='make it night')


def the_demo_that_draws_follows_instructions_with_its_other_file():
    image, background = picture()
    for model in ('', 'gimp-diffusion-demo', models.demo(), 'file://' + urllib.parse.quote(models.demo())):
        result = ok('instruct', image, [background], prompt='make it night', model=model)
        equal(result.used_model, 'gimp-diffusion-demo-instruct.safetensors', repr(model))
    result = ok('text-to-image', prompt='a lemon', width=64, height=64, model='gimp-diffusion-demo-instruct')
    equal(result.used_model, 'gimp-diffusion-demo.safetensors')
    equal(ok('inspect', model='gimp-diffusion-demo-instruct').in_channels, 8)


def inpaint_prefers_a_model_of_nine_channels_at_full_strength():
    path = os.path.join(models.user_folder(), 'fills.safetensors')
    models.with_channels(path, 9)
    plain = os.path.join(models.user_folder(), 'a plain one.safetensors')
    models.copy(plain)
    try:
        image, background = picture()
        select(image)
        equal(ok('inpaint', image, [background], strength=1.0).used_model, 'fills.safetensors')
        equal(ok('inpaint', image, [background], strength=0.4, intent='refine').used_model,
              'a plain one.safetensors')
        equal(ok('text-to-image', width=64, height=64).used_model, 'a plain one.safetensors')
    finally:
        models.only(path, plain)


def several_candidates_come_as_a_group_with_one_visible():
    image, background = picture()
    select(image)
    result = ok('inpaint', image, [background], prompt='a cat', count=3)
    group = result.layer
    check(group.is_group(), 'no group')
    children = group.get_children()
    equal([child.get_visible() for child in children], [True, False, False])
    equal([child.get_mask() is not None for child in children], [True] * 3)
    equal([child.get_parasite(RECORD) is not None for child in children], [True] * 3)
    equal(len({pixels(child) for child in children}), 3, 'different pictures')
    equal(len(image.get_layers()), 2)
    single = ok('inpaint', image, [background], prompt='a cat', seed=8.0)
    image.remove_layer(group)
    del single


def the_same_seed_makes_the_same_layer():
    results = []
    for seed in (5.0, 5.0, 6.0):
        image, background = picture()
        select(image, feather=6)
        layer = ok('inpaint', image, [background], prompt='a dog', seed=seed).layer
        results.append((offsets(layer), pixels(layer), pixels(layer.get_mask())))
    check(results[0] == results[1], 'the same seed made two pictures')
    check(results[0] != results[2], 'two seeds made the same picture')


def a_random_seed_is_told_and_makes_the_picture_again():
    first = ok('text-to-image', prompt='a dog', width=64, height=64, seed=-1.0)
    check(0 <= first.used_seed < 2 ** 32)
    again = ok('text-to-image', prompt='a dog', width=64, height=64, seed=first.used_seed)
    equal(pixels(again.layer), pixels(first.layer))


def outside_the_mask_every_precision_keeps_its_bytes():
    exact = ((P.U8_NON_LINEAR, None), (P.U16_NON_LINEAR, None), (P.HALF_NON_LINEAR, None),
             (P.HALF_LINEAR, None), (P.FLOAT_LINEAR, None))
    # GIMP's own blending rounds there, under any layer, and in grey float also when it is linear.
    rounded = ((P.U32_NON_LINEAR, ('<4I', 2 ** 32 * 1e-6)), (P.FLOAT_NON_LINEAR, ('<4f', 1e-6)))
    for base, kinds in ((B.RGB, (T.RGB_IMAGE, T.RGBA_IMAGE)), (B.GRAY, (T.GRAY_IMAGE, T.GRAYA_IMAGE))):
        for kind in kinds:
            for precision, rounding in exact + rounded:
                image, background = picture(64, 64, base, kind, precision)
                select(image, 16, 16, 24, 24)
                before = projection(image)
                layer = ok('inpaint', image, [background], prompt='a cat', steps=1, sampler='euler', seed=3.0,
                           edge_mode='keep-inside').layer
                tolerance = 0.0
                if base == B.GRAY and precision == P.FLOAT_LINEAR:
                    rounding = ('<4f', 1e-6)
                if rounding:
                    code = rounding[0] if base == B.RGB else rounding[0].replace('4', '2')
                    tolerance = (rounding[1], code)
                try:
                    outside_is_identical(image, before, layer, tolerance)
                except Failure as failure:
                    raise Failure(f'{precision.value_nick} {kind.value_nick}: {failure}')
                equal(layer.type(), T.GRAYA_IMAGE if base == B.GRAY else T.RGBA_IMAGE)
                images.remove(image)
                image.delete()


def a_profile_is_converted_both_ways():
    plain, plain_background = picture(64, 64)
    adobe, adobe_background = picture(64, 64, profile=Gimp.ColorProfile.new_rgb_adobe())
    # The same colours by their own numbers.
    buffer = adobe_background.get_buffer()
    data = pixels(plain_background, format="R'G'B' float")
    buffer.set(Gegl.Rectangle.new(0, 0, 64, 64), "R'G'B' float", data)
    buffer.flush()
    adobe_background.update(0, 0, 64, 64)
    layers = []
    for image, background in ((plain, plain_background), (adobe, adobe_background)):
        select(image, 16, 16, 32, 32)
        before = projection(image)
        layer = ok('inpaint', image, [background], prompt='a cat', edge_mode='keep-inside').layer
        outside_is_identical(image, before, layer)
        layers.append(floats(pixels(layer, format="R'G'B' float")))
    worst = max(abs(a - b) for a, b in zip(*layers))
    check(worst < 0.06, f'the same colours gave results that differ by {worst:.3f}')


def an_image_with_alpha_is_filled():
    image, background = picture(kind=T.RGBA_IMAGE)
    select(image)
    background.edit_clear()
    alpha = floats(projection(image, "R'G'B'A float"))[3::4]
    check(min(alpha) == 0)
    ok('inpaint', image, [background], prompt='a cat')
    alpha = floats(projection(image, "R'G'B'A float"))[3::4]
    check(alpha[40 * 96 + 40] > 0.99, 'the hole is not filled')


def keep_transparency_keeps_it():
    image, background = picture(kind=T.RGBA_IMAGE)
    select(image)
    background.edit_clear()
    select(image, 16, 12, 56, 48)
    ok('inpaint', image, [background], prompt='a cat', keep_transparency=True)
    alpha = floats(projection(image, "R'G'B'A float"))[3::4]
    check(alpha[40 * 96 + 40] < 0.01, 'the hole is filled')


def kept_transparency_is_as_thick_as_it_was():
    image, background = picture(kind=T.RGBA_IMAGE)
    select(image)
    background.set_opacity(60 / 255 * 100)
    glass = Gimp.Layer.new_from_visible(image, image, 'glass')
    image.insert_layer(glass, None, 0)
    background.set_visible(False)
    before = floats(projection(image, "R'G'B'A float"))
    check(abs(before[3] - 60 / 255) < 0.003)
    ok('inpaint', image, [glass], prompt='a cat', keep_transparency=True)
    after = floats(projection(image, "R'G'B'A float"))
    worst = max(abs(a - b) for a, b in zip(before[3::4], after[3::4]))
    check(worst <= 1 / 255, f'alpha changed by {worst * 255:.1f} levels')
    check(before != after, 'nothing changed')


def a_clear_border_is_filled_with_an_amount():
    image, background = picture()
    image.resize(96 + 24, 80 + 16, 24, 16)
    before = pixels(background)
    ok('outpaint', image, [background], prompt='the sea', left=16)
    equal((image.get_width(), image.get_height()), (96 + 24 + 16, 80 + 16), 'the canvas')
    equal(offsets(background), (24 + 16, 16), 'the old layer')
    equal(pixels(background), before, 'the old layer changed')
    alpha = floats(projection(image, "R'G'B'A float"))[3::4]
    check(min(alpha) > 0.999, 'a place of the canvas is empty')


def two_spots_far_apart_are_one_layer_and_little_work():
    image = Gimp.Image.new(1200, 900, Gimp.ImageBaseType.RGB)
    background = Gimp.Layer.new(image, 'background', 1200, 900, T.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(background, None, 0)
    background.fill(Gimp.FillType.WHITE)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 60, 60, 50, 50)
    image.select_rectangle(Gimp.ChannelOps.ADD, 1080, 800, 50, 50)
    before = remember(image, background)
    result = ok('inpaint', image, [background], prompt='a stone', edge_width=6, grow=2)
    result_checks(image, before, result.layer, background)
    equal((result.layer.get_width(), result.layer.get_height()), (1080, 800), 'the layer')
    mask = floats(pixels(result.layer.get_mask(), format='Y float'))
    check(mask[25 * 1080 + 25] == 1 and mask[775 * 1080 + 1055] == 1, 'a spot is not covered')
    check(all(m == 0 for m in mask[100 * 1080:700 * 1080]), 'something between them is covered')
    layer = floats(pixels(result.layer, format="R'G'B'A float"))
    again = ok('regenerate', image, [result.layer]).layer
    check(floats(pixels(again, format="R'G'B'A float")) == layer, 'it cannot be made again')


def outpaint_fills_holes_and_border_at_once():
    image, background = picture(width=300, height=220, kind=T.RGBA_IMAGE)
    select(image, 60, 50, 40, 40)
    background.edit_clear()
    select(image, 200, 150, 50, 30)
    background.edit_clear()
    Gimp.Selection.none(image)
    image.resize(300 + 20, 220, 20, 0)
    result = ok('outpaint', image, [background], prompt='the sea')
    equal((image.get_width(), image.get_height()), (320, 220), 'the canvas')
    alpha = floats(projection(image, "R'G'B'A float"))[3::4]
    check(min(alpha) > 0.999, 'a place is still clear')
    ok('regenerate', image, [result.layer])


def indexed_is_refused_with_what_to_do():
    image, background = picture()
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 8, False, False, '')
    refused('Mode > RGB', CALLING_ERROR, 'image-to-image', image, image.get_layers())


def a_floating_selection_is_refused():
    image, background = picture()
    select(image)
    Gimp.Selection.float(image, [background], 3, 3)
    refused('floating selection', CALLING_ERROR, 'inpaint', image, [background])
    Gimp.floating_sel_anchor(image.get_floating_sel())


def an_empty_selection_is_refused_by_inpaint():
    image, background = picture()
    refused('select', CALLING_ERROR, 'inpaint', image, [background])


def an_active_group_gets_the_layer_above_it():
    image, background = picture()
    group = Gimp.GroupLayer.new(image, 'group')
    image.insert_layer(group, None, 0)
    image.reorder_item(background, group, 0)
    top = Gimp.Layer.new(image, 'top', 96, 80, T.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(top, None, 0)
    select(image)
    layer = ok('inpaint', image, [group]).layer
    equal(stack(image), ['top', layer.get_name(), 'group', '.background'])


def a_layer_in_a_group_gets_its_neighbour():
    image, background = picture()
    group = Gimp.GroupLayer.new(image, 'group')
    image.insert_layer(group, None, 0)
    image.reorder_item(background, group, 0)
    select(image)
    layer = ok('inpaint', image, [background]).layer
    equal(stack(image), ['group', '.' + layer.get_name(), '.background'])


def a_locked_group_gets_the_layer_above_it():
    image, background = picture()
    group = Gimp.GroupLayer.new(image, 'group')
    image.insert_layer(group, None, 0)
    image.reorder_item(background, group, 0)
    group.set_lock_content(True)
    select(image)
    layer = ok('inpaint', image, [background]).layer
    equal(stack(image), [layer.get_name(), 'group', '.background'])


def a_locked_layer_is_left_alone():
    image, background = picture()
    background.set_lock_content(True)
    background.set_lock_position(True)
    select(image)
    before = remember(image, background)
    layer = ok('inpaint', image, [background]).layer
    result_checks(image, before, layer, background)
    check(background.get_lock_content() and background.get_lock_position(), 'the locks changed')


def an_active_layer_mask_stands_for_its_layer():
    image, background = picture(kind=T.RGBA_IMAGE)
    mask = background.create_mask(Gimp.AddMaskType.WHITE)
    background.add_mask(mask)
    select(image)
    before = pixels(mask)
    layer = ok('inpaint', image, [mask]).layer
    equal(stack(image), [layer.get_name(), 'background'])
    equal(pixels(mask), before, 'the mask changed')


def a_text_layer_stays_text():
    image, background = picture()
    text = Gimp.TextLayer.new(image, 'Word', Gimp.context_get_font(), 20, Gimp.Unit.pixel())
    image.insert_layer(text, None, 0)
    text.set_offsets(20, 20)
    select(image)
    layer = ok('inpaint', image, [text]).layer
    equal(stack(image)[0], layer.get_name())
    check(isinstance(text, Gimp.TextLayer) and text.get_text() == 'Word', 'the text is gone')


def an_off_canvas_layer_is_no_obstacle():
    image, background = picture(layer_width=200, layer_height=200)
    background.set_offsets(-50, -60)
    far = Gimp.Layer.new(image, 'far', 30, 30, T.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(far, None, 0)
    far.set_offsets(-300, 400)
    select(image)
    before = projection(image)
    layer = ok('inpaint', image, [far], edge_mode='keep-inside').layer
    equal(stack(image), [layer.get_name(), 'far', 'background'])
    outside_is_identical(image, before, layer)
    outer = ok('outpaint', image, [far], right=16)
    equal((image.get_width(), offsets(far)), (112, (-300, 400)))
    del outer


def a_selection_beside_the_layer_is_refused_for_that_source():
    image, background = picture()
    small = Gimp.Layer.new(image, 'small', 16, 16, T.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(small, None, 0)
    small.edit_fill(Gimp.FillType.WHITE)
    select(image, 60, 40, 24, 24)
    refused('does not touch', CALLING_ERROR, 'inpaint', image, [small], source='layer')


def the_chosen_layers_alone_are_seen():
    image, background = picture()
    cover = Gimp.Layer.new(image, 'cover', 96, 80, T.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(cover, None, 0)
    cover.edit_fill(Gimp.FillType.WHITE)
    select(image)
    seen = {}
    for source in ('visible', 'layers', 'layer'):
        layer = ok('inpaint', image, [background], source=source, strength=0.2, intent='refine').layer
        seen[source] = floats(pixels(layer, format="R'G'B' float"))
        image.remove_layer(layer)
    equal(seen['layers'], seen['layer'], 'one plain layer is seen as it is')
    check(sum(seen['visible']) > sum(seen['layers']) * 1.1, 'the cover was seen, or nothing was')
    check(cover.get_visible() and background.get_visible(), 'visibility changed')


def no_chosen_layer_is_fine_for_what_is_visible():
    image, background = picture()
    select(image)
    layer = ok('inpaint', image, None).layer
    equal(stack(image), [layer.get_name(), 'background'])
    refused('No layer is chosen', CALLING_ERROR, 'inpaint', image, None, source='layers')


def several_chosen_layers_get_the_result_above_the_first():
    image, background = picture()
    second = Gimp.Layer.new(image, 'second', 96, 80, T.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(second, None, 0)
    select(image)
    layer = ok('inpaint', image, [second, background]).layer
    equal(stack(image), [layer.get_name(), 'second', 'background'])


def an_image_of_one_pixel_works_or_says_why():
    image, background = picture(1, 1)
    result = call('image-to-image', image, [background], **QUICK)
    check(result.status in (SUCCESS, CALLING_ERROR), result.status, result.message)
    if result.status == SUCCESS:
        equal((result.layer.get_width(), result.layer.get_height()), (1, 1))
    else:
        check(len(result.message) > 10, result.message)


def an_active_channel_stays_active():
    image, background = picture()
    channel = Gimp.Channel.new(image, 'mine', 96, 80, 50, Gegl.Color.new('red'))
    image.insert_channel(channel, None, 0)
    image.set_selected_channels([channel])
    select(image)
    ok('inpaint', image, None)
    equal([c.get_name() for c in image.get_selected_channels()], ['mine'])


def the_colours_of_the_context_stay():
    Gimp.context_set_foreground(Gegl.Color.new('#123456'))
    image, background = picture()
    Gimp.context_set_foreground(Gegl.Color.new('#123456'))
    select(image)
    ok('inpaint', image, [background])
    rgba = tuple(Gimp.context_get_foreground().get_rgba())[-4:]
    want = tuple(Gegl.Color.new('#123456').get_rgba())[-4:]
    check(max(abs(a - b) for a, b in zip(rgba, want)) < 1e-5, rgba)


def numbers_out_of_range_are_refused():
    image, background = picture()
    select(image)
    refused('whole number', CALLING_ERROR, 'inpaint', image, [background], seed=1.5)
    refused('No model', CALLING_ERROR, 'inpaint', image, [background], model='no-such-model')
    result = call('text-to-image', width=8, height=8, **QUICK)
    equal(result.status, CALLING_ERROR, result.message)


def a_call_without_an_image_says_so():
    result = call('inpaint', **QUICK)
    check(result.status in (CALLING_ERROR, EXECUTION_ERROR), result.status)


def a_damaged_model_is_an_error_with_its_name():
    path = os.path.join(FOLDER, 'damaged.safetensors')
    with open(path, 'wb') as file:
        file.write(b'\xff' * 100)
    result = call('text-to-image', model=path, width=64, height=64, **QUICK)
    check(result.status in (CALLING_ERROR, EXECUTION_ERROR), result.status)
    check('damaged.safetensors' in result.message, result.message)


def inspect_tells_kinds():
    result = ok('inspect', model='')
    equal((result.kind, result.family, result.runnable, result.in_channels), ('checkpoint', 'SD 1.x', True, 4))
    equal((result.native_width, result.native_height), (256, 256))
    equal(len(result.sha256), 64)
    folder = models.user_folder()
    paths = [os.path.join(folder, name) for name in ('eight.safetensors', 'part.safetensors')]
    models.with_channels(paths[0], 8)
    models.without(paths[1], 'cond_stage_model.')
    try:
        equal(ok('inspect', model='eight').in_channels, 8)
        result = ok('inspect', model=paths[1])
        equal((result.kind, result.runnable), ('incomplete', False))
        check(result.reason, 'no reason')
    finally:
        models.only(*paths)
    refused('No model', CALLING_ERROR, 'inspect', model='nothing-of-that-name')


def models_are_found_through_links_loops_and_crowds():
    folder = models.user_folder()
    deep = os.path.join(folder, 'deep', 'deeper')
    os.makedirs(deep)
    elsewhere = os.path.join(FOLDER, 'elsewhere')
    os.makedirs(elsewhere)
    models.with_channels(os.path.join(elsewhere, 'ip2p.safetensors'), 8)
    os.symlink(elsewhere, os.path.join(deep, 'linked'))
    os.symlink(folder, os.path.join(deep, 'loop'))
    os.symlink(os.path.join(folder, 'gone'), os.path.join(folder, 'dangling.safetensors'))
    crowd = os.path.join(folder, 'crowd')
    os.makedirs(crowd)
    for i in range(3000):
        with open(os.path.join(crowd, f'{i}.safetensors'), 'wb') as file:
            file.write(b'not a model')
    try:
        for attempt in range(2):
            started = time.time()
            equal(ok('inspect', model='ip2p').in_channels, 8)
            seconds = time.time() - started
        print(f'     3000 files, second look: {seconds:.2f} s')
        check(seconds < 2.0, f'the second look took {seconds:.1f} s')
    finally:
        models.only(os.path.join(folder, 'deep'), crowd, os.path.join(folder, 'dangling.safetensors'), elsewhere)


def file_names_of_all_kinds_work():
    folder = os.path.join(FOLDER, 'böse Namen 🍎 ')
    os.makedirs(folder, exist_ok=True)
    raw = os.path.join(os.fsencode(folder), b'raw \xff\xfe name.safetensors')
    os.symlink(os.fsencode(models.demo()), raw)
    plain = os.path.join(folder, 'ein "Modell" mit % & \n Zeile.safetensors')
    os.symlink(models.demo(), plain)
    address = Gio.File.new_for_path(plain).get_uri()
    raw_address = 'file://' + ''.join(chr(c) if 33 <= c < 127 and c not in b'%' else f'%{c:02X}' for c in raw)
    want = pixels(ok('text-to-image', width=64, height=64).layer)
    for model in (plain, address, raw_address):
        equal(pixels(ok('text-to-image', width=64, height=64, model=model).layer), want, repr(model))
    models.only(folder)


def regenerate_makes_the_same_layer_again():
    for name, arguments in (('inpaint', dict(edge_mode='as-drawn', count=1)),
                            ('image-to-image', dict(strength=0.5)),
                            ('outpaint', dict(right=24, top=8)),
                            ('text-to-image', dict(width=64, height=64))):
        image, background = picture()
        if name == 'inpaint':
            select(image, feather=8)
        first = ok(name, image, [background], prompt='a cat', negative_prompt='a dog', **arguments).layer
        size = (image.get_width(), image.get_height())
        Gimp.Selection.none(image)
        again = ok('regenerate', image, [first]).layer
        equal((image.get_width(), image.get_height()), size, name)
        equal((offsets(again), pixels(again)), (offsets(first), pixels(first)), name)
        if first.get_mask():
            equal(pixels(again.get_mask()), pixels(first.get_mask()), name)
        other = ok('regenerate', image, [first], new_seed=True)
        check(pixels(other.layer) != pixels(first), f'{name}: a new seed made the same picture')
        changed = ok('regenerate', image, [first], prompt='a whale').layer
        check(pixels(changed) != pixels(first), f'{name}: another prompt made the same picture')


def centre(image, layer):
    """Of the layer's mask, on the canvas."""
    mask = floats(pixels(layer.get_mask(), format='Y float'))
    width = layer.get_width()
    total = sum(mask)
    x, y = offsets(layer)
    return (x + sum(v * (i % width) for i, v in enumerate(mask)) / total,
            y + sum(v * (i // width) for i, v in enumerate(mask)) / total)


def regenerate_follows_a_moved_layer():
    image, background = picture(128, 128)
    select(image, 24, 24, 32, 32)
    first = ok('inpaint', image, [background], edge_mode='keep-inside').layer
    x, y = centre(image, first)
    image.resize(160, 150, 10, 6)
    again = ok('regenerate', image, [first]).layer
    now = centre(image, again)
    check(abs(now[0] - x - 10) < 0.5 and abs(now[1] - y - 6) < 0.5, f'{(x, y)} became {now}')


def regenerate_refuses_other_layers():
    image, background = picture()
    refused('Diffusion filter', CALLING_ERROR, 'regenerate', image, [background])
    layer = ok('image-to-image', image, [background]).layer
    layer.attach_parasite(Gimp.Parasite.new(RECORD, 1, b'[diffusion]\nversion=99\nmode=inpaint\n'))
    refused('newer version', CALLING_ERROR, 'regenerate', image, [layer])
    for text in (b'', b'\1\2', b'[diffusion]\nversion=1\nmode=inpaint\ncanvas=1;2\n', b'[diffusion]\nmode=x\n',
                 b'[diffusion]\nversion=1\nmode=outpaint\nsides=1;1;1;1;\ncanvas=0;0;-5;7;\nregion=0;0;1;1;\n'):
        layer.attach_parasite(Gimp.Parasite.new(RECORD, 1, text or b'\n'))
        refused('damaged', CALLING_ERROR, 'regenerate', image, [layer])


def records_survive_a_file():
    image, background = picture()
    select(image, feather=6)
    first = ok('inpaint', image, [background], prompt='ein Käse 🧀\nund mehr').layer
    file = Gio.File.new_for_path(os.path.join(FOLDER, 'with record.xcf'))
    check(Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None), 'saved')
    loaded = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)
    images.append(loaded)
    layer = loaded.get_layers()[0]
    again = ok('regenerate', loaded, [layer]).layer
    equal(pixels(again), pixels(first))


def records_name_no_path_and_no_person():
    image, background = picture()
    layer = ok('image-to-image', image, [background], prompt='a cat').layer
    text = record(layer)
    for word in (FOLDER, os.environ['HOME'], 'home', os.uname().nodename):
        check(word not in text, f'the record names {word!r}')


def png_gets_settings_only_when_asked_and_they_come_back():
    for asked, prompt in ((False, 'a cat'), (True, 'a cat, sitting'), (True, 'eine Kätze'), (True, '猫 🐈')):
        result = ok('text-to-image', prompt=prompt, negative_prompt='blue', width=64, height=72, seed=4000000000.0,
                    cfg=3.5, sampler='euler_a', schedule='exponential', steps=3, parameters=asked)
        path = os.path.join(FOLDER, f'export {prompt}.png')
        check(Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, result.result_image, Gio.File.new_for_path(path), None))
        if not asked:
            refused('no text', CALLING_ERROR, 'read-parameters', file=path)
            with open(path, 'rb') as file:
                check(b'cat' not in file.read(), 'the prompt went out unasked')
            continue
        read = ok('read-parameters', file=path)
        equal((read.prompt, read.negative_prompt, read.seed, read.steps, read.sampler, read.schedule, read.cfg),
              (prompt, 'blue', 4000000000.0, 3, 'euler_a', 'exponential', 3.5))
        again = ok('text-to-image', parameters_from=path, steps=9)
        equal(pixels(again.layer), pixels(result.layer), 'the picture from its own settings')
    refused('not a PNG', CALLING_ERROR, 'read-parameters', file=models.demo())


def the_prompt_is_picked_by_the_seed():
    image, background = picture(64, 64)
    layers = [ok('text-to-image', image, [background], prompt='{a cat|a red apple|the sea}', seed=float(seed),
                 width=64, height=64, steps=1, sampler='euler').layer for seed in (1, 1)]
    equal(pixels(layers[0]), pixels(layers[1]))


def what_a_text_says_of_the_picture_is_used_too():
    """Strength, rescale and tiling were read and dropped."""
    made = ok('text-to-image', prompt='a cat', width=64, height=64, steps=1, tile='x', cfg_rescale=0.5, parameters=True)
    path = os.path.join(FOLDER, 'tiled.png')
    check(Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, made.result_image, Gio.File.new_for_path(path), None))
    again = record(ok('text-to-image', parameters_from=path).layer)
    check('tile-x=true' in again and 'tile-y=false' in again and 'cfg-rescale=0.5' in again, again)
    image, background = picture()
    layer = ok('image-to-image', image, [background], prompt='a cat', strength=0.25, parameters=True).layer
    path = os.path.join(FOLDER, 'redrawn.png')
    check(Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None))
    again = record(ok('image-to-image', image, [background], parameters_from=path).layer)
    check('strength=0.25' in again, again)


def seeds_out_of_range_are_refused():
    for seed in (-2.0, 2.0 ** 60, -1e300):
        refused('the seed must', CALLING_ERROR, 'text-to-image', seed=seed, width=64, height=64)
    check(ok('text-to-image', seed=-1.0, width=64, height=64, steps=1).used_seed >= 0)


def a_dialog_without_a_screen_is_a_calling_error():
    image, background = picture()
    select(image)
    for name in ('inpaint', 'text-to-image'):
        result = call(name, image, [background], mode=Gimp.RunMode.INTERACTIVE)
        equal(result.status, CALLING_ERROR, name)
        check('no screen' in result.message, result.message)


def the_layer_is_active_and_not_its_mask():
    image, background = picture()
    select(image)
    layer = ok('inpaint', image, [background], prompt='a cat').layer
    equal([other.get_id() for other in image.get_selected_layers()], [layer.get_id()], 'the active layers')
    check(layer.get_mask() is not None and not layer.get_edit_mask(), 'the next stroke paints on the mask')
    group = ok('inpaint', image, [background], prompt='a cat', count=2).layer
    for child in group.get_children():
        check(child.get_mask() is not None and not child.get_edit_mask(), 'in a group it paints on the mask')


def a_result_lies_above_the_highest_of_the_chosen():
    image, background = picture()
    for name in ('second', 'third'):
        image.insert_layer(Gimp.Layer.new(image, name, 96, 80, T.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL), None, 0)
    select(image)
    ok('inpaint', image, [background, image.get_layers()[1]], prompt='a cat')
    equal([name.split(' (')[0] for name in stack(image)], ['third', 'a cat', 'second', 'background'])


def last_values_work():
    image, background = picture()
    select(image)
    result = call('inpaint', image, [background], mode=Gimp.RunMode.WITH_LAST_VALS)
    check(result.status == SUCCESS, result.message)


def a_small_selection_of_a_huge_image_costs_little():
    image, background = picture(12000, 12000)
    select(image, 6000, 6000, 64, 64)
    started = time.time()
    layer = ok('inpaint', image, [background], context='selection').layer
    seconds = time.time() - started
    print(f'     64 x 64 of 12000 x 12000: {seconds:.2f} s')
    check(layer.get_width() < 600, layer.get_width())


run_tests(statements(globals()))
