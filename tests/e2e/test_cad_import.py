"""Exports found in folders, archives and under URLs, and read in a sandboxed child: `import_one` does what the bridge does."""

import functools
import http.server
import json
import os
import struct
import subprocess
import threading
import time
import zipfile

import pytest

from tests.harness.quarry import BIN, ROOT

# a program for tests alone: programs that are installed have none, the build that unit tests use does
ONE = next((path for path in (BIN / "import_one", ROOT / "build/dev/bin/import_one") if path.exists()), BIN / "import_one")
pytestmark = pytest.mark.skipif(not ONE.exists(), reason="this build has no import_one")


def export(name, **fields):
    return json.dumps({"format": "quarry-cad", "version": 1, "name": name, **fields})


def run(store, model, budget_ms=120000, memory_mib=0, max_bytes=0):
    done = subprocess.run([ONE, str(store), model, str(budget_ms), str(memory_mib), str(max_bytes)], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def faces(store, model):
    outcome = run(store, model)
    assert outcome["class"] == "", outcome["message"]
    assert outcome["has"] and outcome["found"]
    return outcome["record"]["cad"]["face_count"], outcome["source"]


VERSIONS = {"a/wheel.prt.2.json": 2, "a/b/WHEEL.PRT.12.JSON": 12, "wheel.prt.json": 1, "wheel.json": 99, "hub.json": 5,
            "c/über hub.prt.json": 6, "wheel.asm.json": 7}


@pytest.fixture
def folder(tmp_path):
    for name, count in VERSIONS.items():
        path = tmp_path / "exports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(export(name.rsplit("/", 1)[-1].lower().removesuffix(".json"), face_count=count))
    (tmp_path / "exports" / "loop").symlink_to(tmp_path / "exports")
    return tmp_path / "exports"


@pytest.fixture
def archive(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "exports.zip", "w") as out:
        for i, name in enumerate(VERSIONS):
            out.write(folder / name, name, zipfile.ZIP_DEFLATED if i % 2 else zipfile.ZIP_STORED)
    return tmp_path / "exports.zip"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def served(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.mark.parametrize("store", ["folder", "archive"])
def test_the_newest_version_wins_unless_one_is_asked_for(store, request):
    store = request.getfixturevalue(store)
    assert faces(store, "wheel.prt") == (12, "json:WHEEL.PRT.12.JSON")
    assert faces(store, "Wheel.Prt.2") == (2, "json:wheel.prt.2.json")
    assert faces(store, "wheel.prt.7") == (12, "json:WHEEL.PRT.12.JSON")
    assert faces(store, "wheel.asm.3")[0] == 7
    assert faces(store, "HUB.PRT.4") == (5, "json:hub.json")
    assert faces(store, "über hub.prt")[0] == 6
    missing = run(store, "nothing.prt")
    assert (missing["class"], missing["found"], missing["has"]) == ("unsupported", False, False)


def test_a_base_url_is_asked_by_name(served):
    assert faces(served + "/", "wheel.prt.9") == (1, "json:wheel.prt.json")
    assert faces(served, "HUB.PRT") == (5, "json:hub.json")
    assert faces(served + "/c", "über hub.prt")[0] == 6
    assert run(served, "nothing.prt")["class"] == "unsupported"
    assert run("http://127.0.0.1:1", "wheel.prt")["class"] == "connection"
    large = run(served, "wheel.prt", max_bytes=20)
    assert large["class"] in ("resource", "invalid_input") and "more than 20 bytes" in large["message"]


def test_a_new_export_is_found_without_a_restart(folder):
    (folder / "late.prt.json").write_text(export("late.prt", face_count=3))
    assert faces(folder, "late.prt")[0] == 3


@pytest.mark.parametrize("content, class_, message", [
    ('{"name": "bad.prt", "features": [{"id": 1', "invalid_input", "/features/0/id: ',' or '}' is expected, but the document ends here"),
    ('{"name": "bad.prt", "features": [{"parameters": [{"name": "d", "value": []}]}]}', "invalid_input",
     "/features/0/parameters/0/value: a string is expected, not a list (byte 72)"),
    ('{"name": "other.prt"}', "invalid_input", "/name: the export is of 'other.prt', not of 'bad.prt'"),
    ("", "invalid_input", "the export is empty"),
    ("\x00\x01\x02 binary", "invalid_input", "an object is expected"),
    ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "invalid_input", "Git-LFS"),
    ("[" * 1000000, "invalid_input", "/0: an object is expected, not a list (byte 1)"),
    ('{"name": "bad.prt", "x": ' + "[" * 1000000, "invalid_input", "nested deeper than 128 levels"),
], ids=["half", "type", "other", "empty", "binary", "pointer", "deep", "deep-inside"])
def test_bad_exports_have_a_class_and_a_place(tmp_path, content, class_, message):
    (tmp_path / "bad.prt.json").write_text(content)
    outcome = run(tmp_path, "bad.prt")
    assert outcome["class"] == class_ and message in outcome["message"], outcome["message"]
    assert outcome["found"] and "record" not in outcome


def test_nan_is_left_out_and_said(tmp_path):
    (tmp_path / "n.prt.json").write_text('{"name": "n.prt", "mass": {"volume": NaN, "mass": 1e400, "area": 2}}')
    outcome = run(tmp_path, "n.prt")
    assert outcome["class"] == "" and outcome["partial"]
    assert outcome["record"]["cad"]["mass"] == [{"area": 2.0, "source": "export"}]
    assert [note["code"] for note in outcome["record"]["notes"]] == ["cadjson.number"]


def test_damaged_archives(archive, tmp_path):
    whole = archive.read_bytes()
    for cut in (0, 10, 100, len(whole) // 2, len(whole) - 1):
        archive.write_bytes(whole[:cut])
        assert run(archive, "wheel.prt")["class"] == "invalid_input", cut
    archive.write_bytes(whole.replace(b"PK\x03\x04", b"PK\x03\x05"))
    assert run(archive, "wheel.prt")["class"] == "invalid_input"
    at = whole.rindex(b"PK\x01\x02", 0, whole.index(b"wheel.asm.json", whole.index(b"PK\x01\x02")))
    archive.write_bytes(whole[:at + 8] + struct.pack("<HH", 1, 8) + whole[at + 12:])  # encrypted
    assert run(archive, "wheel.asm")["class"] == "permission"


def test_a_member_that_unpacks_to_too_much(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("bomb.prt.json", export("bomb.prt", text="x" * 50000000))
    outcome = run(tmp_path / "bomb.zip", "bomb.prt", max_bytes=1 << 20)
    assert outcome["class"] == "invalid_input" and "at most 1048576" in outcome["message"]


def test_an_import_has_its_time(tmp_path):
    """A pipe that nobody writes to is no export; a long one is cut off by its budget."""
    os.mkfifo(tmp_path / "pipe.prt.json")
    assert run(tmp_path, "pipe.prt")["class"] == "connection"
    with open(tmp_path / "long.prt.json", "w") as out:
        out.write('{"name": "long.prt", "x": [')
        for _ in range(300):
            out.write("1," * 500000)
        out.write("1]}")
    outcome = run(tmp_path, "long.prt", budget_ms=1)
    assert outcome["class"] == "timeout"


def large_export(path, megabytes):
    """Everything that may be long: features with parameters, relations, unknown lists, numbers, base64."""
    block = ",".join(json.dumps({"id": i, "type": "hole", "name": f"HOLE_{i}", "parameters": {"diameter": 2.5, "depth": 10.25}})
                     for i in range(2000))
    with open(path, "w") as out:
        out.write('{"name": "large.prt", "parameters": [{"name": "PART_NO", "value": "L-1"}], "features": [' + block)
        while out.tell() < megabytes * 400000:
            out.write("," + block)
        out.write('], "vault": [')
        while out.tell() < megabytes * 600000:
            out.write('{"state": "released", "who": ["anna", "bert"], "at": 1.5e3},' * 5000)
        out.write('0], "point_cloud": {"xyz": "')
        while out.tell() < megabytes * 800000:
            out.write("AAAAAAAAgD8AAABA" * 65536)
        out.write('"}, "relations": [')
        while out.tell() < megabytes * 1000000:
            out.write(('"' + "d1 = d2 * 2 + sin(d3) " * 40 + '",') * 1000)
        out.write('"x = 1"], "face_count": 77}')
    return path.stat().st_size


def test_a_large_export_takes_bounded_memory(tmp_path, capsys):
    """QUARRY_LARGE_MB=500 for the whole proof."""
    megabytes = int(os.environ.get("QUARRY_LARGE_MB", "60"))
    size = large_export(tmp_path / "large.prt.json", megabytes)
    began = time.monotonic()
    outcome = run(tmp_path, "large.prt")
    with capsys.disabled():
        print(f"\nimport of {size / 1e6:.0f} MB: class {outcome['class'] or 'none'}, {outcome['bytes']} bytes read, "
              f"cpu {outcome['cpu_ms']} ms, peak rss {outcome['rss'] / 2**20:.0f} MiB, wall {time.monotonic() - began:.1f} s, "
              f"record {len(outcome['record']['cad']['features'])} features")
    assert outcome["class"] == "" and outcome["partial"] and outcome["bytes"] == size
    cad = outcome["record"]["cad"]
    assert cad["face_count"] == 77 and len(cad["features"]) <= 100000
    if "ASAN_OPTIONS" not in os.environ and "build/dev" not in str(BIN):
        assert outcome["rss"] < 300 << 20
