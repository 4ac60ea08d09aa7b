# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that a model adds to CLIP's vocabulary (textual inversion): ids of HF's CLIPTokenizer.

The other layouts of files need no numbers of their own: tests/engine/test_kind.c writes them from the golden
models, under the names that real files have, and compares with what those draw."""
import random
import struct

import numpy as np
from golden_text import ODD, WORDS, clip_tokenizer
from safetensors.numpy import save_file

ADDED = ['<cat-toy>', 'Sks Dog', '<cat', 'zwx', 'zwxy', "'s cat", '\u0130x', '42nd', '<|endoftext|>!']


def added_texts():
    rng = random.Random(20261)
    texts = ['', 'a <cat-toy>s hat', '<CAT-TOY>', 'sks dog', 'xx<cat-toy>yy', 'zwxyz zwx', 'Sks \t Dog',
             "it's catzwx's cat", '<<cat-toy>>', '<cat-to <cat-toy', 'SKS\u3000DOG', 'sksdog', '142nd42nd']
    for _ in range(400):
        parts = []
        for _ in range(rng.randint(1, 6)):
            word = rng.choice(ADDED if rng.random() < .5 else WORDS + ODD)
            parts.append(rng.choice([word, word.upper(), word[:-1]]) if word.isascii() else word)
        texts.append(''.join(part + rng.choice(['', ' ', '  ', ', ']) for part in parts))
    return texts


def make(folder):
    tokenizer = clip_tokenizer()
    tokenizer.add_tokens(ADDED)
    texts = added_texts()
    ids = tokenizer(texts, add_special_tokens=False)['input_ids']
    data = [text.encode() for text in texts]
    words = [word.encode() for word in ADDED]
    assert [tokenizer.convert_tokens_to_ids(word) for word in ADDED] == [49408 + i for i in range(len(ADDED))]
    save_file({
        'words': np.frombuffer(b'\0'.join(words) + b'\0', np.uint8),
        'text': np.frombuffer(b''.join(data), np.uint8),
        'text_ends': np.cumsum([len(d) for d in data]).astype(np.int32),
        'ids': np.frombuffer(b''.join(struct.pack(f'<{len(i)}H', *i) for i in ids), np.uint8),
        'id_ends': np.cumsum([len(i) for i in ids]).astype(np.int32),
    }, folder / 'files_tokens.safetensors')
    (folder / 'files_tokens.safetensors').chmod(0o644)
