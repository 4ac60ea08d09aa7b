#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the numbers that the tests compare with: make_golden.py [PART ...], all parts by default.

Each part is a module golden_PART.py beside this file with a function make(folder), which writes small
.safetensors files into that folder and gives the same bytes each time."""
import argparse
import importlib
import importlib.metadata
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PINNED = dict(line.split("==") for line in (FOLDER / "requirements.txt").read_text().split())


def main():
    parts = sorted(path.stem.removeprefix("golden_") for path in FOLDER.glob("golden_*.py"))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(parts))
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="another folder than this one")
    arguments = parser.parse_args()
    for part in arguments.parts:
        if part not in parts:
            parser.error(f"no part '{part}': {' '.join(parts)}")
    for name, version in PINNED.items():
        found = importlib.metadata.version(name).split("+")[0]
        if found != version:
            sys.exit(f"{name} is {found}, but the numbers were made with {version}: "
                     f"see {FOLDER / 'README.md'}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(FOLDER))
    for part in arguments.parts or parts:
        importlib.import_module("golden_" + part).make(arguments.output)
        print(part)


if __name__ == "__main__":
    main()
