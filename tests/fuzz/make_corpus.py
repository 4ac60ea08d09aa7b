#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/fuzz/corpus: files named by their fault, and checks the verdicts that the names begin with
(accept_, refuse_) against the format's own library, where the package `safetensors` is installed.  Files
named stricter_ are refused here and accepted there: names that repeat, U+0000, and an entry that is a list.

usage: make_corpus.py        (needs Python 3; Pillow for the PNG files)
"""
import json
import os
import struct
import zlib

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'corpus')


def frame(header, data=b'', length=None):
    header = header if isinstance(header, bytes) else header.encode('utf-8', 'surrogatepass')
    return struct.pack('<Q', len(header) if length is None else length) + header + data


def entry(dtype='F32', shape='[2]', offsets='[0,8]', more=''):
    return '{"dtype":"%s","shape":%s,"data_offsets":%s%s}' % (dtype, shape, offsets, more)


def one(**fields):
    return '{"a":%s}' % entry(**fields)


EIGHT = bytes(range(1, 9))
FILES = {
    'accept_plain': frame(one(), EIGHT),
    'accept_empty': frame('{}'),
    'accept_padded': frame(one() + ' ' * 7, EIGHT),
    'accept_space_before': frame(' \t\r\n' + one(), EIGHT),
    'accept_metadata_only': frame('{"__metadata__":{"format":"pt"}}'),
    'accept_metadata_null': frame('{"__metadata__":null}'),
    'accept_escaped_names': frame('{"\\u00e9\\ud83d\\ude00\\/":%s}' % entry(), EIGHT),
    'accept_unknown_field': frame(one(more=',"x":[1,{"y":null}]'), EIGHT),
    'accept_scalar': frame(one(shape='[]', offsets='[0,4]'), EIGHT[:4]),
    'accept_zero_size': frame('{"a":%s,"z":%s}' % (entry(), entry(shape='[0,5]', offsets='[8,8]')), EIGHT),
    'accept_odd_offset': frame('{"m":%s,"a":%s}' % (entry('U8', '[1]', '[0,1]'), entry(offsets='[1,9]')),
                               EIGHT + b'x'),
    'accept_rank_9': frame(one(shape='[1,1,1,1,1,1,1,1,2]'), EIGHT),
    'accept_depth_125_in_unknown_field': frame(one(more=',"x":' + '[' * 125 + ']' * 125), EIGHT),
    'refuse_depth_126_in_unknown_field': frame(one(more=',"x":' + '[' * 126 + ']' * 126), EIGHT),
    'refuse_depth_5000': frame(one(more=',"x":' + '[' * 5000), EIGHT),
    'refuse_nothing': b'',
    'refuse_seven_bytes': b'\2\0\0\0\0\0\0',
    'refuse_zeros': bytes(64),
    'refuse_header_of_100000001': frame(one(), EIGHT, 100000001),
    'refuse_header_of_2_to_64': frame(one(), EIGHT, 2 ** 64 - 1),
    'refuse_header_past_end': frame(one(), EIGHT, 1000),
    'refuse_last_byte_missing': frame(one(), EIGHT[:7]),
    'refuse_byte_too_many': frame(one(), EIGHT + b'x'),
    'refuse_nul_padding': frame(one() + '\0', EIGHT),
    'refuse_bom': frame('\ufeff' + one(), EIGHT),
    'refuse_trailing_comma': frame(one()[:-1] + ',}', EIGHT),
    'refuse_two_values': frame(one() + '{}', EIGHT),
    'refuse_not_utf8': frame(one().encode().replace(b'"a"', b'"\xff"'), EIGHT),
    'refuse_overlong_utf8': frame(one().encode().replace(b'"a"', b'"\xc0\x80"'), EIGHT),
    'refuse_lone_surrogate': frame('{"\\ud800":%s}' % entry(), EIGHT),
    'refuse_control_character': frame('{"\t":%s}' % entry(), EIGHT),
    'refuse_cut_in_escape': frame('{"a\\u12'),
    'refuse_number_1e999': frame(one(more=',"x":1e999'), EIGHT),
    'refuse_number_leading_zero': frame(one(shape='[02]'), EIGHT),
    'refuse_shape_float': frame(one(shape='[2.0]'), EIGHT),
    'refuse_shape_negative_zero': frame(one(shape='[-0]', offsets='[0,0]')),
    'refuse_shape_2_to_64': frame(one(shape='[18446744073709551616]'), EIGHT),
    'refuse_shape_wraps': frame(one(shape='[4294967296,4294967296]', offsets='[0,0]')),
    'refuse_three_offsets': frame(one(offsets='[0,8,8]'), EIGHT),
    'refuse_hole': frame(one(offsets='[8,16]'), EIGHT * 2),
    'refuse_overlap': frame('{"a":%s,"b":%s}' % (entry(), entry(offsets='[4,12]')), EIGHT * 2),
    'refuse_reversed_offsets': frame(one(offsets='[8,0]'), EIGHT),
    'refuse_size_mismatch': frame(one(shape='[3]'), EIGHT),
    'refuse_odd_f4': frame(one(dtype='F4', shape='[3]', offsets='[0,2]'), EIGHT[:2]),
    'refuse_unknown_dtype': frame(one(dtype='f32'), EIGHT),
    'refuse_no_shape': frame('{"a":{"dtype":"F32","data_offsets":[0,8]}}', EIGHT),
    'refuse_field_twice': frame(one(more=',"shape":[2]'), EIGHT),
    'refuse_metadata_number': frame('{"__metadata__":{"a":1}}'),
    'refuse_metadata_twice': frame('{"__metadata__":{},"__metadata__":{}}'),
    'stricter_name_twice': frame('{"a":%s,"a":%s}' % (entry(), entry()), EIGHT),
    'stricter_name_nul': frame('{"a\\u0000":%s}' % entry(), EIGHT),
    'stricter_metadata_key_twice': frame('{"__metadata__":{"a":"1","a":"2"}}'),
    'stricter_entry_as_list': frame('{"a":["F32",[2],[0,8]]}', EIGHT),
}


def check_verdicts():
    try:
        from safetensors import SafetensorError, deserialize
    except ImportError:
        print('the package safetensors is not installed: verdicts not checked')
        return
    for name, content in FILES.items():
        try:
            deserialize(content)
            accepted = True
        except SafetensorError:
            accepted = False
        assert accepted == (not name.startswith('refuse_')), '%s: accepted by the library: %s' % (name, accepted)
    print('%d verdicts are those of the library' % len(FILES))


def checkpoint(shapes, metadata=None):
    header, at = {'__metadata__': metadata} if metadata else {}, 0
    for name, shape in shapes.items():
        count = 2
        for size in shape:
            count *= size
        header[name] = {'dtype': 'F16', 'shape': shape, 'data_offsets': [at, at + count]}
        at += count
    return frame(json.dumps(header), bytes(at))


UNET = 'model.diffusion_model.'


def layer(name, *shape):
    return {name + '.weight': list(shape), name + '.bias': [shape[0]]}


def transformer(place):
    tensors = {**layer(place + 'norm', 1), **layer(place + 'proj_in', 1, 1), **layer(place + 'proj_out', 1, 1)}
    inner = place + 'transformer_blocks.0.'
    for i in '12':
        tensors.update({inner + 'attn%s.to_%s.weight' % (i, part): [1, 1] for part in 'qkv'})
        tensors.update(layer(inner + 'attn%s.to_out.0' % i, 1, 1))
    for i in '123':
        tensors.update(layer(inner + 'norm' + i, 1))
    return {**tensors, **layer(inner + 'ff.net.0.proj', 8, 1), **layer(inner + 'ff.net.2', 1, 4)}


def block(place, width):
    tensors = {**layer(place + 'in_layers.0', width), **layer(place + 'in_layers.2', 1, width, 3, 3),
               **layer(place + 'emb_layers.1', 1, 1), **layer(place + 'out_layers.0', 1),
               **layer(place + 'out_layers.3', 1, 1, 3, 3)}
    return {**tensors, **(layer(place + 'skip_connection', 1, width, 1, 1) if width > 1 else {})}


def vae_block(place):
    return {**layer(place + 'norm1', 1), **layer(place + 'conv1', 1, 1, 3, 3), **layer(place + 'norm2', 1),
            **layer(place + 'conv2', 1, 1, 3, 3)}


def vae_half(place, blocks, into, out):
    tensors = {**layer(place + 'conv_in', 1, into, 3, 3), **layer(place + 'norm_out', 1),
               **layer(place + 'conv_out', out, 1, 3, 3), **vae_block(place + 'mid.block_1.'),
               **vae_block(place + 'mid.block_2.'), **layer(place + 'mid.attn_1.norm', 1)}
    for name in blocks:
        tensors.update(vae_block(place + name))
    for name in ('q', 'k', 'v', 'proj_out'):
        tensors.update(layer(place + 'mid.attn_1.' + name, 1, 1))
    return tensors


def whole_model(text='cond_stage_model.transformer.text_model.'):
    """All of a model, one number wide, so that the fuzzer comes as far as the networks."""
    config = json.dumps({'unet': {'norm_num_groups': 1, 'num_attention_heads': 1}, 'vae': {'norm_num_groups': 1},
                         'text_encoder': {'num_attention_heads': 1}})
    tensors = {**layer(UNET + 'input_blocks.0.0', 1, 4, 3, 3), **layer(UNET + 'time_embed.0', 1, 1),
               **layer(UNET + 'time_embed.2', 1, 1), **layer(UNET + 'out.0', 1), **layer(UNET + 'out.2', 4, 1, 3, 3),
               **block(UNET + 'input_blocks.1.0.', 1), **transformer(UNET + 'input_blocks.1.1.'),
               **block(UNET + 'middle_block.0.', 1), **transformer(UNET + 'middle_block.1.'),
               **block(UNET + 'middle_block.2.', 1), **block(UNET + 'output_blocks.0.0.', 2),
               **block(UNET + 'output_blocks.1.0.', 2)}
    tensors.update(vae_half('first_stage_model.encoder.', ['down.0.block.0.'], 3, 8))
    tensors.update(vae_half('first_stage_model.decoder.', ['up.0.block.0.', 'up.0.block.1.'], 4, 3))
    tensors.update({text + 'embeddings.token_embedding.weight': [3, 1],
                    text + 'embeddings.position_embedding.weight': [77, 1], **layer(text + 'final_layer_norm', 1)})
    inner = text + 'encoder.layers.0.'
    for name in ('q_proj', 'k_proj', 'v_proj', 'out_proj'):
        tensors.update(layer(inner + 'self_attn.' + name, 1, 1))
    tensors.update({**layer(inner + 'layer_norm1', 1), **layer(inner + 'layer_norm2', 1),
                    **layer(inner + 'mlp.fc1', 1, 1), **layer(inner + 'mlp.fc2', 1, 1)})
    return checkpoint(tensors, {'config': config})


MODELS = {
    'whole_model': whole_model(),
    'unet_of_one_block': checkpoint({UNET + 'input_blocks.0.0.weight': [4, 4, 3, 3],
                                     UNET + 'input_blocks.1.0.in_layers.2.weight': [4, 4, 3, 3],
                                     UNET + 'input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight': [4, 4],
                                     UNET + 'out.2.weight': [4, 4, 3, 3]}),
    'all_parts_of_width_zero': checkpoint({UNET + 'input_blocks.0.0.weight': [0, 4, 3, 3],
                                           'first_stage_model.decoder.up.0.block.0.conv1.weight': [0, 0, 3, 3],
                                           'cond_stage_model.transformer.text_model.embeddings.token_embedding.weight':
                                           [0, 0]}),
    'config_that_lies': checkpoint({UNET + 'input_blocks.0.0.weight': [4, 4, 3, 3],
                                    'first_stage_model.decoder.up.0.block.0.conv1.weight': [2, 2, 3, 3],
                                    'cond_stage_model.transformer.text_model.embeddings.token_embedding.weight': [9, 2]},
                                   {'config': '{"unet":{"norm_num_groups":-1,"attention_head_dim":[0,1e9]},"vae":[]}',
                                    'modelspec.resolution': '99999999999x-1', 'modelspec.prediction_type': 'v'}),
    'diffusers_names': checkpoint({'down_blocks.0.resnets.0.conv1.weight': [4, 4, 3, 3],
                                   'conv_in.weight': [4, 4, 3, 3], 'mid_block.resnets.1.conv2.weight': [4, 4, 3, 3]}),
    'openclip_names': checkpoint({'cond_stage_model.model.token_embedding.weight': [9, 4],
                                  'cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight': [10, 4],
                                  'cond_stage_model.model.transformer.resblocks.0.ln_1.weight': [4]}),
    'lora': checkpoint({'lora_unet_mid_block.lora_down.weight': [1, 4], 'lora_unet_mid_block.lora_up.weight': [4, 1]}),
}

JSONS = {
    'plain': b'{"_class_name":"UNet2DConditionModel","block_out_channels":[320,640],"x":null,"y":-1.5e-3,"z":true}',
    'name_twice': b'{"a":1,"\\u0061":2}',
    'nested_name_twice': b'{"a":[{"b":1,"b":1}]}',
    'trailing_text': b'{}x',
    'deep': b'[' * 5000,
    'nul': b'{"a":"\\u0000"}',
    'not_utf8': b'"\xff"',
    'big_integer': b'[9007199254740993,-9007199254740993,9007199254740991]',
    'cut': b'{"a":"\\ud83d\\u',
    'empty': b'',
}


def png_chunk(kind, content):
    return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))


def png(header, rows, *chunks):
    return (b'\x89PNG\r\n\x1a\n' + png_chunk(b'IHDR', header) + b''.join(chunks) +
            png_chunk(b'IDAT', zlib.compress(rows)) + png_chunk(b'IEND', b''))


RGB8 = struct.pack('>IIBBBBB', 3, 2, 8, 2, 0, 0, 0)
ROWS = b''.join(b'\0' + bytes(range(9)) for _ in range(2))
PNGS = {
    'rgb': png(RGB8, ROWS),
    'text': png(RGB8, ROWS, png_chunk(b'tEXt', b'parameters\0caf\xe9')),
    'text_packed': png(RGB8, ROWS, png_chunk(b'zTXt', b'parameters\0\0' + zlib.compress(b'a cat'))),
    'text_bomb': png(RGB8, ROWS, png_chunk(b'zTXt', b'parameters\0\0' + zlib.compress(bytes(20000000)))),
    'text_international': png(RGB8, ROWS, png_chunk(b'iTXt', b'parameters\0\0\0\0\0' + 'é猫'.encode())),
    'palette': png(struct.pack('>IIBBBBB', 4, 2, 2, 3, 0, 0, 0), b'\0\x1b\0\xe4', png_chunk(b'PLTE', bytes(range(12))),
                   png_chunk(b'tRNS', b'\0\x80')),
    'palette_index_outside': png(struct.pack('>IIBBBBB', 4, 1, 8, 3, 0, 0, 0), b'\0\0\1\2\xff', png_chunk(b'PLTE', b'abc')),
    'grey_16': png(struct.pack('>IIBBBBB', 2, 1, 16, 0, 0, 0, 0), b'\0\0\1\xff\xff'),
    'interlaced': png(struct.pack('>IIBBBBB', 3, 2, 8, 2, 0, 0, 1), b'\0abc\0abc\0abc' + b'\0' + bytes(9)),
    'rows_missing': png(RGB8, ROWS[:10]),
    'huge': png(struct.pack('>IIBBBBB', 0x7fffffff, 0x7fffffff, 8, 2, 0, 0, 0), ROWS),
    'no_idat': b'\x89PNG\r\n\x1a\n' + png_chunk(b'IHDR', RGB8) + png_chunk(b'IEND', b''),
}


def write(folder, files, ending):
    os.makedirs(os.path.join(HERE, folder), exist_ok=True)
    for name, content in files.items():
        with open(os.path.join(HERE, folder, name + ending), 'wb') as file:
            file.write(content)


if __name__ == '__main__':
    check_verdicts()
    write('safetensors', FILES, '.safetensors')
    write('checkpoint', MODELS, '.safetensors')
    write('json', JSONS, '.json')
    write('png', PNGS, '.png')
