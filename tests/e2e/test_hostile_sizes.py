"""The files of `./dev bench hostile`, small enough for a test: each ends as it should, and says why."""
import json
import subprocess

import pytest

from bench.hostile_files import cases
from tests.harness.quarry import BIN

SCALE = 0.002  # of the benchmark's sizes

# Sizes other than that: where the number is no amount but the point, or where less would not reach a cap.
SIZES = {
    "dxf-array": 32767, "dxf-block-bomb": 10, "dxf-block-tree": 30, "dxf-kinds-colliding": 20000, "dxf-layouts": 1200,
    "dxf-lwpolyline-claim": 2**31 - 1, "dxf-mtext-codes": 30000, "dxf-objects": 3000, "dxf-xdata": 3000,
    "pdf-annotations": 21000, "pdf-name-tree-wide": 20, "pdf-outline-deep": 3000, "pdf-paths": 6000,
}

# Notes that must be there; any other note is allowed as well.
NOTES = {
    "dxf-array": {"dxf.expand.capped", "dxf.texts.capped"},
    "dxf-block-bomb": {"dxf.block.cycle", "dxf.expand.capped"},
    "dxf-garbage": {"dxf.code.bad"},
    "dxf-mtext-codes": {"dxf.text.cut"},
    "dxf-newlines": {"dxf.code.bad"},
    "dxf-no-newline": {"dxf.code.bad"},
    "dxf-one-code": {"dxf.code.bad"},
    "dxf-one-value": {"record.capped"},
    "dxf-binary": {"dxf.eof.missing"},
    "dxf-binary-chunks": {"dxf.eof.missing"},
    "dxf-kinds": {"dxf.kinds.capped"},
    "dxf-kinds-colliding": {"dxf.kinds.capped"},
    "dxf-layouts": {"dxf.layouts.capped"},
    "dxf-one-handle": {"dxf.dictionary.capped"},
    "dxf-xdata": {"dxf.xdata.capped"},
    "dxf-objects": {"dxf.xrecord.capped"},
    "pdf-annotations": {"pdf.annotations.capped"},
    "pdf-name-trees": {"pdf.names.loop"},
    "pdf-outline-deep": {"pdf.outline.deep"},
    "pdf-outline-loop": {"pdf.outline.loop"},
}

# What must have been found: lists and at least so many entries.
FOUND = {
    "pdf-pages": {"pages": 20}, "pdf-drawings": {"pages": 20}, "pdf-outline": {"outline": 2000},
    "pdf-annotations": {"annotations": 21000}, "pdf-links": {"links": 2000}, "dxf-layers": {"layers": 2000},
    "dxf-blocks": {"blocks": 2000}, "dxf-dimensions": {"dimensions": 2000}, "dxf-attribs-one": {"parameters": 2000},
    "dxf-layouts": {"layouts": 1000}, "dxf-styles": {"styles": 2000}, "dxf-linetypes": {"linetypes": 2000},
}

# Words that must have been read, although so much else stands beside them.
TEXTS = {
    "dxf-one-code": "before", "dxf-newlines": "behind", "dxf-garbage": "behind", "dxf-lwpolyline-claim": "behind",
    "dxf-binary": "read", "dxf-binary-chunks": "read", "dxf-block-tree": "leaf", "dxf-block-bomb": "level 9",
    "dxf-vertices": "t", "dxf-mtext-braces": "x", "dxf-mtext-codes": "Ø", "pdf-one-point": "99.5",
}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_hostile_file_ends_and_says_why(case, tmp_path):
    path = tmp_path / (case.name + case.suffix)
    with open(path, "wb") as file:
        case.write(file, SIZES.get(case.name, max(int(case.n * SCALE), 1)))
    done = subprocess.run([BIN / "quarry", "extract", "--jobs", "1", "-o", "jsonl", path], capture_output=True,
                          timeout=120, check=False)
    record = json.loads(done.stdout)
    if case.name == "dxf-no-newline":
        assert (done.returncode, record["error"]["class"]) == (1, "invalid_input")
    else:
        assert (done.returncode, record["status"]) == (0, "completed"), record.get("error")
    notes = {note["code"] for note in record.get("notes", [])}
    assert NOTES.get(case.name, set()) <= notes
    assert not any(note.endswith(".capped") for note in notes) or record["partial"]
    for key, least in FOUND.get(case.name, {}).items():
        assert len(record.get(key, [])) >= least
    assert TEXTS.get(case.name, "") in record.get("text", "")
