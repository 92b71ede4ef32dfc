"""DWG by the converter that ./dev setup installs: drawings of the project's own making, written here since nothing that
is installed writes DWG, and those of the corpus, compared with its oracles.
"""
import json
import os
import pathlib
import random
import shutil

import pytest

from bench.dwg import counted, differences, extract, summary, truth
from tests.harness.quarry import ROOT, SAMPLES
from tests.harness.samples import dwg

CORPUS = pathlib.Path(os.environ.get("QUARRY_CORPUS", ROOT.parent / "shared" / "corpus"))
TOOL = ROOT / "worker" / "tool" / "dwg"
INSTALLED = (TOOL / "node_modules/@mlightcad/libredwg-web/wasm/libredwg-web.wasm").exists() and shutil.which("node")

converter = pytest.mark.skipif(not INSTALLED, reason="no DWG converter; hint: ./dev setup installs it")
corpus = pytest.mark.skipif(not (CORPUS / "truth.tsv").exists(), reason="no corpus beside the checkout")

# Columns where neither oracle is met, and who is right.
DIFFERS = {"dwg/libredwg-r11-ACEB10.dwg": ["layers 13/14"]}  # the API has layer 0 twice


def made(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_without_a_converter_it_is_unsupported_with_a_hint(tmp_path):
    path = made(tmp_path, "a.dwg", b"AC1027" + bytes(200))
    record, = extract([path], "--dwg-converter", "off")
    assert record["type"] == "dwg" and record["error"]["class"] == "unsupported"
    assert "./dev setup" in record["error"]["message"] and record["bytes"] == 206


def test_a_converter_of_ones_own(tmp_path):
    path = made(tmp_path, "a.dwg", b"AC1027" + bytes(200))
    drawing = SAMPLES / "dxf" / "shaft-2007.dxf"
    shutil.copy(drawing, "/tmp/quarry-test-dwg.dxf")
    try:
        record, = extract([path], "--dwg-converter", "cp /tmp/quarry-test-dwg.dxf {out}")
    finally:
        os.unlink("/tmp/quarry-test-dwg.dxf")
    twin, = extract([drawing])
    if record["status"] == "failed":  # under Landlock only what the command names in its own words is readable
        assert record["error"]["class"] == "invalid_input", record
    else:
        assert record["type"] == "dwg" and record["entities"] == twin["entities"] and record["text"] == twin["text"]
    record, = extract([path], "--dwg-converter", "/nowhere/dwg2dxf {in}")
    assert record["error"]["class"] == "unsupported" and "/nowhere/dwg2dxf" in record["error"]["message"]
    record, = extract([path], "--dwg-converter", "false {in} {out}")
    assert record["error"]["class"] == "invalid_input" and "status 1" in record["error"]["message"]


@converter
@pytest.mark.parametrize("name, data, cls, word", [
    ("empty.dwg", b"", "invalid_input", "empty"),
    ("header.dwg", b"AC1027" + bytes(100), "invalid_input", "cannot be read"),
    ("noise.dwg", b"AC1032" + random.Random(7).randbytes(50000), "invalid_input", ""),
    ("newline.dwg", b"\n", "invalid_input", ""),
    ("text.dwg", b"this is no drawing\n" * 100, "invalid_input", ""),
    ("other.dwg", b"%PDF-1.4\n" + bytes(100), "invalid_input", "the content is a PDF"),
    ("dxf.dwg", b"  0\nSECTION\n  2\nENTITIES\n  0\nENDSEC\n  0\nEOF\n", "invalid_input", "the content is a DXF drawing; hint: rename"),
    ("newer.dwg", b"AC1040" + random.Random(8).randbytes(50000), "unsupported", "version AC1040"),
    ("newer.dwg", b"AC1040" + random.Random(8).randbytes(50000), "unsupported", "hint: save it as AutoCAD 2018"),
    ("pointer.dwg", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 9\n", "invalid_input",
     "a Git LFS pointer, not the drawing; hint: fetch the real file with `git lfs pull`"),
], ids=["empty", "header", "noise", "newline", "text", "other", "dxf", "newer", "newer-hint", "pointer"])
def test_what_is_no_drawing_is_said(tmp_path, name, data, cls, word):
    record, = extract([made(tmp_path, name, data)])
    assert record["status"] == "failed" and record["error"]["class"] == cls and word in record["error"]["message"], record


@converter
def test_a_drawing_is_read_whole(tmp_path):
    record, = extract([made(tmp_path, "plate.dwg", dwg.plate())])
    assert (record["status"], record["type"], record["extractor"]) == ("completed", "dwg", "libredwg-web+quarry-dxf"), record
    assert record["metadata"]["dwg_version"] == "AC1003" and record["metadata"]["extents"] == "0 0 120 80"
    assert record["entities"] == {"ARC": 1, "CIRCLE": 2, "LINE": 4, "TEXT": 2} and "partial" not in record
    assert [layer["name"] for layer in record["layers"]] == ["0", "OUTLINE", "HOLES", "NOTES"]
    assert record["text"] == "PLATE 120x80x8 S235JR\n2x HOLE 9 THRU\n"
    assert [(span["height"], span.get("angle", 0)) for span in record["spans"]] == [(3.5, 0), (2.5, 90)]  # the file has radians
    assert [material["name"] for material in record["materials"]] == ["S235JR"]


@converter
def test_a_drawing_goes_through_the_whole_system(stack_of, tmp_path):
    made(tmp_path, "plate.dwg", dwg.plate())
    made(tmp_path, "cut.dwg", dwg.plate()[:700])
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    stack.start_worker("w1", 2)
    run = stack.create_run(tmp_path)
    stack.wait_run(run)
    assert stack.sql("SELECT f.name, j.job_type, j.status, j.error_class FROM extraction_jobs j JOIN cloud_files f ON f.id = j.file_id "
                     "ORDER BY 1") == [("cut.dwg", "dwg", "failed", "invalid_input"), ("plate.dwg", "dwg", "completed", None)]
    record = json.loads(stack.cli("export", "--run", run).stdout.splitlines()[-1])
    assert record["file"].endswith("plate.dwg") and record["entities"] == {"ARC": 1, "CIRCLE": 2, "LINE": 4, "TEXT": 2}
    assert "S235JR" in record["text"]


def room_for_anyone(tmp_path, monkeypatch):
    """A TMPDIR: pytest makes its folders for one user, and the converter runs as another where the worker is root."""
    room = tmp_path / "room"
    room.mkdir()
    for folder in (room, tmp_path, *(parent for parent in tmp_path.parents[:3] if parent.name.startswith("pytest-"))):
        folder.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(room))
    return room


def damaged(tmp_path, sources, flips, cuts):
    """Each cut at `cuts` depths, each with bytes changed (seeded) `flips` times, and each as it is behind those."""
    chance = random.Random(11)
    files = []
    for name, data in sources.items():
        files += [made(tmp_path, f"cut-{i}-{name}", data[:len(data) * i // cuts]) for i in range(cuts)]
        for i in range(flips):
            changed = bytearray(data)
            for _ in range(chance.choice((1, 4, 16))):
                changed[chance.randrange(6, len(changed))] = chance.randrange(256)
            files.append(made(tmp_path, f"flip-{i}-{name}", changed))
        files.append(made(tmp_path, f"good-{name}", data))
    return files


def check_damaged(files, room):
    """What is read is read, the rest says why; good ones between them are as good as ever; nothing is left."""
    records = extract(files, "--jobs", "2")
    assert len(records) == len(files) and not list(room.iterdir())
    for path, record in zip(files, records):
        if record["status"] == "failed":
            assert record["error"]["class"] in ("invalid_input", "unsupported", "crash", "resource", "timeout"), (path, record)
            assert record["error"]["message"] and not path.name.startswith("good-"), (path, record)
    assert {record["status"] for record in records} == {"completed", "failed"}
    return records


@converter
def test_a_damaged_drawing_ends_with_class_and_message_and_leaves_nothing(tmp_path, monkeypatch):
    room = room_for_anyone(tmp_path, monkeypatch)
    records = check_damaged(damaged(tmp_path, {"plate.dwg": dwg.plate()}, 40, 20), room)
    assert records[-1]["entities"] == {"ARC": 1, "CIRCLE": 2, "LINE": 4, "TEXT": 2}


@converter
@corpus
def test_damaged_drawings_of_the_corpus(tmp_path, monkeypatch):
    sources = {name: (CORPUS / "dwg" / name).read_bytes() for name in (
        "libredwg-2000-Leader.dwg", "libredwg-2007-Arc.dwg", "libredwg-sample_2018.dwg", "libredwg-r11-entities-2d.dwg")}
    check_damaged(damaged(tmp_path, sources, 6, 5), room_for_anyone(tmp_path, monkeypatch))


@converter
def test_one_bad_file_does_not_touch_the_next(tmp_path):
    files = [made(tmp_path, f"{i}.dwg", b"AC10%02d" % (i + 12) + random.Random(i).randbytes(3000 * i)) for i in range(20)]
    records = extract(files, "--jobs", "2")
    assert len(records) == 20 and all(record["error"]["class"] in ("invalid_input", "crash", "resource")
                                      for record in records if record["status"] == "failed")


@converter
@corpus
def test_drawings_of_the_corpus_agree_with_an_oracle():
    rows = truth(CORPUS)
    chosen = [row for path, row in rows.items() if path.startswith("dwg/")]
    records = extract([CORPUS / row["path"] for row in chosen])
    print(json.dumps(summary(records)))
    for row, record in zip(chosen, records):
        assert record["status"] == "completed" and record["type"] == "dwg", record.get("error")
        assert record["bytes"] == int(row["bytes"]) and record["sha256"] == row["sha256"]
        assert record["extractor"] == "libredwg-web+quarry-dxf"
        assert differences(rows, row, record) == DIFFERS.get(row["path"], []), row["path"]


@converter
@corpus
def test_hostile_drawings_end_with_class_and_message():
    files = sorted((CORPUS / "hostile").glob("*.dwg"))
    for record in extract(files):
        if record["status"] == "failed":
            assert record["error"]["class"] == "invalid_input" and record["error"]["message"], record
        else:
            assert record.get("entities") or record.get("partial"), record


@converter
@corpus
def test_the_same_drawing_gives_the_same_record_whatever_came_before():
    """A new instance for each file: nothing of one is left for the next."""
    files = sorted((CORPUS / "dwg").glob("tika-testDWG20*.dwg"))
    together = extract([*files, *files], "--jobs", "1")
    alone = [extract([file])[0] for file in files[:2]]
    for record in (*together, *alone):
        del record["duration_ms"], record["peak_memory_bytes"]
    assert together[:len(files)] == together[len(files):] and together[:2] == alone


def test_counting_is_what_the_truth_counts():
    record = {"entities": {"LINE": 3, "ATTRIB": 2, "TEXT": 1}, "paper_entities": {"ATTRIB": 1}, "layers": [{}], "blocks": []}
    assert counted(record) == {"msp_entities": 4, "DIMENSION": 0, "TEXT": 1, "MTEXT": 0, "INSERT": 0, "ATTRIB": 3,
                               "layers": 1, "blocks": 0}
