#!/usr/bin/python3
"""Models for the demonstration of the CAD bridge, in a folder that is given: files that are named like Creo's (their
content is a line of text: only Creo reads its format), and JSON exports of them.

    tests/creo/make.py FOLDER          writes FOLDER/models and FOLDER/exports
"""

import json
import pathlib
import sys

PARTS = 60
LENGTH = 40.0


def export(name, kind, number):
    return {
        "name": name, "type": kind, "revision": 1, "units": {"length": "mm", "mass": "kg"},
        "parameters": [{"name": "DESCRIPTION", "type": "string", "value": f"sample {kind} {number}"},
                       {"name": "PART_NUMBER", "type": "string", "value": f"S-{number:04}"}],
    }


def main(folder):
    models, exports = folder / "models", folder / "exports"
    for made in (models, exports):
        made.mkdir(parents=True, exist_ok=True)
    for number in range(1, PARTS + 1):
        kind = "assembly" if number % 20 == 0 else "drawing" if number % 15 == 0 else "part"
        name = f"sample{number:03}.{ {'assembly': 'asm', 'drawing': 'drw', 'part': 'prt'}[kind] }"
        for version in (1, 2) if number % 10 == 1 else (1,):
            (models / f"{name}.{version}").write_text(f"a stand-in for the Creo model {name}, version {version}\n")
        (exports / f"{name}.json").write_text(json.dumps(export(name, kind, number), indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
