# SPDX-License-Identifier: GPL-3.0-or-later
"""Words: ids of HF's CLIPTokenizer for texts in many scripts, and prompts with what A1111 makes of them.

A1111 is no package, so its prompt language is modelled here from its rules, on other lines than the C
code: the grammar by descent, the weights as lists of factors."""
import math
import random
import re
import struct
import unicodedata
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from transformers import CLIPTokenizer

ROOT = Path(__file__).resolve().parents[2]
START, END, COMMA = 49406, 49407, 267

# ---- tokenizer ---------------------------------------------------------------------------------


def clip_tokenizer():
    """split_special_tokens: the marks of start and end, typed by a person, are text."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]
    lines = (ROOT / 'engine/text/clip_merges.txt').read_text(encoding='utf-8').splitlines()[1:]
    merges = [tuple(line.split()) for line in lines]
    tokens = letters + [c + '</w>' for c in letters] + [''.join(pair) for pair in merges]
    tokens += ['<|startoftext|>', '<|endoftext|>']
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=merges,
                         split_special_tokens=True)


def reference():
    tokenizer = clip_tokenizer()
    return lambda texts: tokenizer(texts, add_special_tokens=False)['input_ids'] if texts else []


SCRIPTS = [
    (0x41, 0x7a), (0xc0, 0x24f), (0x250, 0x2af), (0x370, 0x3ff), (0x400, 0x52f), (0x531, 0x58a),
    (0x591, 0x5f4), (0x600, 0x6ff), (0x700, 0x74f), (0x780, 0x7bf), (0x900, 0x97f), (0x980, 0x9ff),
    (0xa01, 0xa76), (0xa81, 0xaff), (0xb82, 0xbfa), (0xc00, 0xc7f), (0xc80, 0xcff), (0xd00, 0xd7f),
    (0xd81, 0xdf4), (0xe01, 0xe5b), (0xe81, 0xedf), (0xf00, 0xfda), (0x1000, 0x109f), (0x10a0, 0x10ff),
    (0x1100, 0x11ff), (0x1200, 0x139f), (0x13a0, 0x13fd), (0x1401, 0x167f), (0x1780, 0x17f9),
    (0x1800, 0x18aa), (0x1d00, 0x1dbf), (0x1e00, 0x1fff), (0x2070, 0x20bf), (0x2100, 0x218b),
    (0x2190, 0x27bf), (0x2c80, 0x2cff), (0x2d30, 0x2d7f), (0x3041, 0x30ff), (0x3105, 0x312f),
    (0x3400, 0x34ff), (0x4e00, 0x9fff), (0xa000, 0xa48c), (0xac00, 0xd7a3), (0xf900, 0xfad9),
    (0xfb00, 0xfdff), (0xff01, 0xffef), (0x10330, 0x1034a), (0x10400, 0x1044f), (0x12000, 0x120ff),
    (0x1d400, 0x1d7ff), (0x1e900, 0x1e95f), (0x1f300, 0x1faff), (0x20000, 0x200ff), (0x2f800, 0x2fa1d),
]
WORDS = ("a photo of the cat's hat, it'll we've don't I'm DON'T masterpiece 8k 1girl 3.14 (best:1.2) "
         'highly-detailed <|endoftext|> <|startoftext|>! &amp; __wild__ <lora:x:1> C++ #1 @home 100%'
         ' \u0130stanbul \u039f\u0394\u039f\u03a3 stra\u00dfe \ufb01n e\u0301te\u0301 na\u00efve').split(' ')
ODD = ['\t', '\n', '\r\n', '\x0b', '\x1c', '\x7f', '\x85', '\xa0', '\xad', '\u1680', '\u2003', '\u200b',
       '\u200d', '\u2028', '\u202e', '\u3000', '\ufeff', '\ufffd', '  ', "'", "''s", '\U0001f468\u200d\U0001f469',
       '\U0001f1e9\U0001f1ea', '\u2764\ufe0f', '\U0001f44d\U0001f3fd', '\U000e0067', '1\ufe0f\u20e3']


def token_texts():
    rng = random.Random(20231)
    texts = ['', ' ', '.', "'", "it's 'S", 'a' * 300, 'A\u030a\u0327\u0316', '\u0301', '\u1100\u1161\u11a8',
             '\U00011935\U00011930', '\x00', '<|endoftext|>!', ' <|startoftext|><|endoftext|>']
    texts += WORDS + ODD
    for first, last in SCRIPTS:
        named = [chr(c) for c in range(first, last + 1) if unicodedata.category(chr(c)) != 'Cn']
        for _ in range(190):
            parts = []
            for _ in range(rng.randint(1, 3)):
                kind = rng.random()
                if kind < .2:
                    parts.append(rng.choice(WORDS))
                elif kind < .35:
                    parts.append(rng.choice(ODD))
                else:
                    word = ''.join(rng.choice(named) for _ in range(rng.randint(1, 5)))
                    if rng.random() < .15:
                        word += chr(rng.randint(0x300, 0x36f)) + chr(rng.randint(0x300, 0x36f))
                    parts.append(word)
            texts.append((' ' if rng.random() < .6 else '').join(parts))
    return texts


def make_tokens(folder):
    texts = token_texts()
    ids = reference()(texts)
    data = [text.encode() for text in texts]
    save_file({
        'text': np.frombuffer(b''.join(data), np.uint8),
        'text_ends': np.cumsum([len(d) for d in data]).astype(np.int32),
        'ids': np.frombuffer(b''.join(struct.pack(f'<{len(i)}H', *i) for i in ids), np.uint8),
        'id_ends': np.cumsum([len(i) for i in ids]).astype(np.int32),
    }, folder / 'text_tokens.safetensors')
    (folder / 'text_tokens.safetensors').chmod(0o644)


# ---- prompt editing ----------------------------------------------------------------------------

PLAIN = re.compile(r'(?:[^\\\[\]():|]|\\.)+')
WHEN = re.compile(r':\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*\]')


class Grammar:
    """A node is a string, ('from', before, after, when) or ('of', alternatives)."""

    def __init__(self, text, steps):
        self.text, self.steps, self.ends = text, steps, {steps}

    def prompt(self, at):
        """The longest run of text and constructs at `at`: nodes, and where it ends."""
        nodes = []
        while at < len(self.text):
            plain = PLAIN.match(self.text, at)
            node = (plain.group(), plain.end()) if plain else self.construct(at)
            if not node:
                break
            nodes.append(node[0])
            at = node[1]
        return nodes, at

    def construct(self, at):
        text, opening = self.text, self.text[at]
        if opening not in '([':
            return None
        first, end = self.prompt(at + 1)
        if opening == '(':
            if text[end:end + 1] == ':':
                second, end = self.prompt(end + 1)
                first = [first, ':', second]
            return (['(', first, ')'], end + 1) if text[end:end + 1] == ')' else None
        if text[end:end + 1] == ']':
            return ['[', first, ']'], end + 1
        if text[end:end + 1] == '|':
            alternatives = [first]
            while text[end:end + 1] == '|':
                other, end = self.prompt(end + 1)
                alternatives.append(other)
            return (('of', alternatives), end + 1) if text[end:end + 1] == ']' else None
        before = []
        when = WHEN.match(text, end)
        if not when and text[end:end + 1] == ':':
            before = first
            first, end = self.prompt(end + 1)
            when = WHEN.match(text, end)
        return (('from', before, first, when.group(1)), when.end()) if when else None

    def parse(self):
        at, nodes = 0, []
        while at < len(self.text):
            more, end = self.prompt(at)
            nodes += more
            if end < len(self.text):
                if self.text[end] not in '[]():':
                    return [self.text]
                nodes.append(self.text[end])
                end += 1
            at = end
        return nodes

    def last_before(self, when):
        value = float(when) * (self.steps if '.' in when else 1)
        return min(self.steps, int(value)) if abs(value) < 1e9 else self.steps * (value > 0)

    def collect(self, node):
        if isinstance(node, list):
            for child in node:
                self.collect(child)
        elif node[0] == 'of' and isinstance(node, tuple):
            self.ends.update(range(1, self.steps + 1))
            self.collect(node[1])
        elif isinstance(node, tuple):
            self.ends.add(self.last_before(node[3]))
            self.collect([node[1], node[2]])

    def at_step(self, node, step):
        if isinstance(node, str):
            return node
        if isinstance(node, list):
            return ''.join(self.at_step(child, step) for child in node)
        if node[0] == 'of':
            return self.at_step(node[1][(step - 1) % len(node[1])], step)
        return self.at_step(node[1 if step <= self.last_before(node[3]) else 2], step)


def schedule(text, steps):
    grammar = Grammar(text, steps)
    nodes = grammar.parse()
    grammar.collect(nodes)
    return [(end, grammar.at_step(nodes, end)) for end in sorted(grammar.ends) if end >= 1]


# ---- weights and chunks ------------------------------------------------------------------------

TOKEN = re.compile(r'(?P<escape>\\[()\[\]\\]?)|(?P<open>[(\[])|:\s*(?P<weight>[+-]?[.\d]+)\s*\)'
                   r'|(?P<close>[)\]])|(?P<text>[^\\()\[\]:]+|:)')
BREAK = re.compile(r'\s*\bBREAK\b\s*')
FACTOR = {'(': 1.1, '[': 1 / 1.1}


def weights(text):
    pieces = []  # [text, first factor, later factors]
    opened = {'(': [], '[': []}

    def close(bracket, factor):
        for piece in pieces[opened[bracket].pop():]:
            piece[2].append(factor)

    for match in TOKEN.finditer(text):
        kind, found = match.lastgroup, match.group()
        bracket = {')': '(', ']': '['}.get(found[-1])
        if kind == 'escape':
            pieces.append([found[1:], 1.0, []])
        elif kind == 'open':
            opened[found].append(len(pieces))
        elif kind == 'weight' and opened['(']:
            close('(', float(match['weight']))
        elif kind == 'close' and opened[bracket]:
            close(bracket, FACTOR[bracket])
        else:
            for i, part in enumerate(BREAK.split(found)):
                if i:
                    pieces.append(['BREAK', -1.0, []])
                pieces.append([part, 1.0, []])
    for bracket in '([':
        for start in opened[bracket]:
            for piece in pieces[start:]:
                piece[2].append(FACTOR[bracket])
    out = []
    for piece, first, factors in pieces or [['', 1.0, []]]:
        weight = first if first == -1 else math.prod(factors, start=first)  # BREAK takes no part in brackets
        if out and out[-1][1] == weight and -1 != first and out[-1] != ('BREAK', -1):
            out[-1] = (out[-1][0] + piece, weight)
        else:
            out.append((piece, weight))
    return out


def chunks(text, encode):
    pieces = weights(text)
    ids = encode([piece for piece, _ in pieces])
    done, chunk = [], []  # [(token, weight)]
    for (piece, weight), tokens in zip(pieces, ids):
        if (piece, weight) == ('BREAK', -1):
            done.append(chunk)
            chunk = []
            continue
        for token in tokens:
            if len(chunk) == 75:
                commas = [i for i in range(55, 75) if chunk[i][0] == COMMA]
                cut = commas[-1] + 1 if commas and token != COMMA else 75
                done.append(chunk[:cut])
                chunk = chunk[cut:]
            chunk.append((token, weight))
    return done + [chunk] if chunk or not done else done


def rows(chunk):
    tokens = [START] + [t for t, _ in chunk] + [END] * (76 - len(chunk))
    return tokens, [1.0] + [w for _, w in chunk] + [1.0] * (76 - len(chunk))


def prompt_texts():
    """(text, steps); nothing where A1111's parser has a choice (a construct, then two stray brackets) or
    stops (a weight that is no number)."""
    rng = random.Random(20232)
    pieces = ['[', ']', '(', ')', ':', '|', ' ', 'a', 'cat', '.5', '3', ' 7 ', '\\', '\\(', '\\]', ' BREAK ',
              'BREAK', ', ', ':1.2)', ':3]', '::2]', '[a:b:', '[x|y]', '\u00e9', '\n', ':-1)', '\u3000',
              ':\u0661.\u0665)', 'ab BREAK cd', '[c:d:.5]', '-2', '1e1', '((', '))', '{', '[fe|||]male']
    words = 'masterpiece photo of a cat dog in the garden with blue sky 8k highly detailed'.split()
    joints = [' ', ' ', ' ', ', ', ' BREAK ', ' (', ') ', ' [', '] ', ' (x:1.3) ', ':0.7) ']
    out = [('a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).', 10), ('[a|(b:1.1)]', 10),
           ('a[b:[c:d:2]:1]e', 10), ('((a][:b:c [d:3]', 10), ('a [b : c : 1] d', 10), ('[(a:2):3]', 10)]
    while len(out) < 500:
        text = ''.join(rng.choice(pieces) for _ in range(rng.randint(0, 14)))
        if len(out) % 10 == 0:
            text = ''.join(rng.choice(words) + rng.choice(joints) for _ in range(rng.randint(60, 130))) + text
        if re.search(r'\][\]\[():]{2}', text) or re.search(r':\s*[+-]?(\.|[.\d]*\.[.\d]*\.[.\d]*)\s*\)', text):
            continue
        out.append((text, rng.choice([1, 2, 5, 9])))
    return out


def make_prompts(folder):
    """For each prompt the chunks of each step, one row of 77 tokens and one of weights a chunk; equal
    chunks are stored once."""
    encode = reference()
    texts, steps, distinct, used, used_ends = [], [], {}, [], []
    for text, count in prompt_texts():
        parts = [(end, chunks(piece, encode)) for end, piece in schedule(text, count)]
        longest = max(len(part) for _, part in parts)
        for step in range(count):
            part = next(part for end, part in parts if step <= end)
            part = part + [[]] * (longest - len(part))
            used += [distinct.setdefault(repr(rows(c)), (len(distinct), rows(c)))[0] for c in part]
            used_ends.append(len(used))
        texts.append(text.encode())
        steps.append(count)
    table = [row for _, row in distinct.values()]
    save_file({
        'text': np.frombuffer(b''.join(texts), np.uint8),
        'text_ends': np.cumsum([len(t) for t in texts]).astype(np.int32),
        'steps': np.array(steps, np.int32),
        'tokens': np.array([tokens for tokens, _ in table], '<u2').view(np.uint8),
        'weights': np.clip(np.array([w for _, w in table]), -1e4, 1e4).astype(np.float32),
        'chunks': np.array(used, np.int32),          # rows of the two above, step after step
        'chunk_ends': np.array(used_ends, np.int32),  # of each step of each prompt
    }, folder / 'text_prompts.safetensors')
    (folder / 'text_prompts.safetensors').chmod(0o644)


def make(folder):
    make_tokens(folder)
    make_prompts(folder)
