"""quarry-worker --extract: files of every kind of trouble, without a coordinator."""
import json
import os
import subprocess

import pytest

from tests.harness.quarry import BIN, SAMPLES


def extract(*args, code=0, **more):
    done = subprocess.run([BIN / "quarry-worker", "--extract", *args], capture_output=True, timeout=120,
                          check=False, **more)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode("utf-8")


def test_an_array_in_the_order_given():
    names = ["text/utf8.txt", "pdf/metadata.pdf", "pdf/simple.pdf", "text/blank.txt"] * 20
    records = json.loads(extract("--jobs", "3", *names, cwd=SAMPLES))
    assert [record["file"] for record in records] == names
    assert all(record["status"] == "completed" for record in records)


def test_one_record_a_line():
    lines = extract("-o", "jsonl", "pdf/simple.pdf", "text/latin1.txt", cwd=SAMPLES).splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["pdf", "text"]


def test_pages_and_text_fit_together():
    record, = json.loads(extract("pdf/metadata.pdf", cwd=SAMPLES))
    pages = record["text"].split("\f")
    assert [len(page) for page in pages] == [page["chars"] for page in record["pages"]]
    assert [page["number"] for page in record["pages"]] == [1, 2, 3]


def test_trouble_with_one_file_does_not_hide_the_others(tmp_path):
    fifo, folder, strange = tmp_path / "fifo.txt", tmp_path / "folder.pdf", os.fsencode(tmp_path) + b"/\xe4.txt"
    os.mkfifo(fifo)
    folder.mkdir()
    with open(strange, "wb") as file:
        file.write(b"a name that is not UTF-8\n")
    out = extract(tmp_path / "missing.pdf", fifo, folder, strange, "/dev/zero", SAMPLES / "pdf/simple.pdf", code=1)
    missing, pipe, directory, named, device, good = json.loads(out)
    assert missing["error"] == {"class": "invalid_input", "message": "there is no such file; hint: look at its name and folder"}
    for record, kind in ((pipe, "a pipe"), (directory, "a folder"), (device, "a device")):
        assert record["error"]["class"] == "invalid_input" and kind in record["error"]["message"]
    assert named["status"] == "completed" and named["file"].endswith("/\ufffd.txt")
    assert good["status"] == "completed"


def test_a_sparse_giant_is_refused(tmp_path):
    giant = tmp_path / "giant.pdf"
    with open(giant, "wb") as file:
        file.truncate(3 << 30)
    record, = json.loads(extract(giant, code=1))
    assert record["error"]["class"] == "invalid_input" and "limit" in record["error"]["message"]


@pytest.mark.parametrize("args", [(), ("--jobs", "0", "x"), ("-o", "xml", "x"), ("--nonsense", "x")])
def test_wrong_usage_is_told(args):
    extract(*args, code=2)


def test_samples_are_what_their_generator_makes():
    subprocess.run(["/usr/bin/python3", SAMPLES / "make.py", "--check"], check=True)


@pytest.mark.parametrize("name", ["empty.pdf", "empty.dxf"])
def test_an_empty_file_is_no_lack_of_memory(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"")
    record, = json.loads(extract(path, code=1))  # the first file of its child
    assert record["error"]["class"] == "invalid_input"
    assert "empty" in record["error"]["message"]
