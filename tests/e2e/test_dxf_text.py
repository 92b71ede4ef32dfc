"""TEXT, MTEXT and attributes of every DXF of the corpus compared with ezdxf's plain text.

Each line that ezdxf finds in a layout must be in the text of our record. Run with -s to see every difference.
"""
import collections
import json
import logging
import os
import pathlib
import subprocess

import pytest

from tests.harness.quarry import BIN, ROOT

CORPUS = pathlib.Path(os.environ.get("QUARRY_CORPUS", ROOT.parent / "shared" / "corpus"))

pytestmark = pytest.mark.skipif(not (CORPUS / "truth.tsv").exists(), reason="no corpus beside the checkout")

# Files with lines that differ, and why.
DIFFERENT = {
    "ezdxf-caret_encoding.dxf": "a caret in front of any letter: ezdxf computes a character (^a is !), we keep what is no code",
    "ezdxf-mtext_complex_inline_codes.dxf": "fractions: ezdxf writes 1#2 and 1^2, we 1/2 and 1 2",
}


def words(text):
    return " ".join(text.split())


def lines_of(document):
    """Plain lines of the texts that stand in layouts themselves."""
    from ezdxf.tools.text import plain_mtext, plain_text  # noqa: PLC0415

    for layout in document.layouts:
        for entity in layout:
            kind = entity.dxftype()
            if kind == "MTEXT":
                yield from ((entity.dxf.handle, line) for line in plain_mtext(entity.text, split=True))
            elif kind == "TEXT":
                yield entity.dxf.handle, plain_text(entity.dxf.text)
            elif kind == "INSERT":
                for attribute in entity.attribs:
                    if not attribute.is_invisible and not attribute.has_embedded_mtext_entity:
                        yield attribute.dxf.handle, plain_text(attribute.dxf.text)


def test_every_line_is_in_the_record():
    ezdxf = pytest.importorskip("ezdxf")
    from ezdxf import recover  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    paths = sorted((CORPUS / "dxf").iterdir())
    argv = [BIN / "quarry-worker", "--extract", "-o", "jsonl", *paths]
    done = subprocess.run(argv, capture_output=True, timeout=600, check=False)
    records = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert len(records) == len(paths)
    checked, different = 0, collections.defaultdict(list)
    for path, record in zip(paths, records):
        try:
            document, _ = recover.readfile(path)
        except (IOError, KeyError, ezdxf.DXFError):  # KeyError: how it ends at broken links between layouts
            continue
        ours = collections.Counter(words(line) for line in record.get("text", "").replace("\f", "\n").split("\n"))
        whole = words(record.get("text", "").replace("\f", "\n"))
        for handle, line in lines_of(document):
            line = words(line)
            if not line:
                continue
            checked += 1
            if not ours[line] and line not in whole:
                different[path.name].append((handle, line))
    missing = sum(len(lines) for lines in different.values())
    print(f"\nlines: {checked - missing} of {checked} equal ({100 * (1 - missing / checked):.1f} %)")
    for name, lines in sorted(different.items()):
        print(f"  {name}: {len(lines)} lines: {DIFFERENT.get(name)}")
        for handle, line in lines[:3]:
            print(f"    {handle}: ezdxf {line[:100]!r}")
    assert checked > 2000
    assert set(different) <= set(DIFFERENT)
