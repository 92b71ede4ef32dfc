"""Programs of others that read files (docs/tools.md): what becomes of each way they can end."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from tests.harness.quarry import BIN, SAMPLES, until

RECORD = {"text": "one\ftwo", "pages": [{"number": 1, "width_pt": 10, "height_pt": 20, "chars": 3, "label": "A"},
                                        {"number": 2, "width_pt": 10, "height_pt": 20, "chars": 3}],
          "metadata": {"title": "Wheel", "author": ["A", "B"]}, "layers": [{"name": "0", "colour": "7"}],
          "entities": {"LINE": 3}, "extractor": "acme", "extractor_version": "1.2",
          "dimensions": [{"kind": "linear", "value": 12.5, "text": "12.5", "page": 2, "box": [1, 2, 3, 4],
                          "points": [0, 0, 12.5, 0], "upper": 0.1, "lower": -0.1}],
          "parameters": [{"set": "custom", "name": "Part", "value": "4711", "layout": "Model", "box": [0, 0, 1, 1]}],
          "title_block": {"title": "Wheel", "revision": "B"}, "notes": [{"code": "acme.guess", "count": 2}],
          "materials": [{"name": "Steel", "density": 7850}], "links": [{"kind": "xref", "target": "other.dwg"}],
          "cad": {"schema": "ACME", "face_count": 6, "surface_types": {"plane": 6}, "bbox": [0, 0, 0, 1, 1, 1],
                  "products": [{"id": "w", "name": "Wheel", "root": True}]}}


@pytest.fixture(scope="module")
def place():
    """A folder that the user whom programs run as may enter; pytest's own are private."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="quarry-test-exec-", dir="/tmp"))
    folder.chmod(0o755)
    (folder / "model.acm").write_text("acme model\n")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def program(place):
    made = []

    def write(text, interpreter="/bin/sh"):
        path = place / f"program{len(made)}"
        path.write_text(f"#!{interpreter}\n{text}\n")
        path.chmod(0o755)
        made.append(path)
        return path

    yield write
    for path in made:
        path.unlink()


def extract(place, command, *flags, name="model.acm", env=None):
    done = subprocess.run([BIN / "quarry-worker", "--extract", "-o", "jsonl", "--exec", f"acm={command}", *flags,
                           place / name], capture_output=True, timeout=120, check=False, env=env)
    assert done.returncode in (0, 1), done.stderr.decode()
    return json.loads(done.stdout)


def failed(record, cls, *words):
    assert record["status"] == "failed" and record["error"]["class"] == cls, record
    for word in words:
        assert word in record["error"]["message"], record["error"]
    assert record["bytes"] > 0 and len(record["sha256"]) == 64 and record["type"] == "acm"


def test_a_record_as_json_comes_through(place, program):
    record = extract(place, program(f"cat <<'JSON'\n{json.dumps(RECORD)}\nJSON"))
    assert record["status"] == "completed" and record["type"] == "acm", record
    assert record["bytes"] == 11 and record["extractor"] == "acme"
    assert record["dimensions"][0]["upper"] == 0.1 and record["dimensions"][0]["box"] == [1, 2, 3, 4]
    for name in ("text", "metadata", "layers", "entities", "title_block", "materials", "links", "parameters"):
        assert record[name] == RECORD[name], name
    assert {**record["cad"], **RECORD["cad"]} == record["cad"]
    assert [page["chars"] for page in record["pages"]] == [3, 3]


def test_the_record_of_another_file_can_be_printed_again(place, program):
    """What `quarry extract` prints is what it takes."""
    shutil.copy(SAMPLES / "dxf" / sorted(os.listdir(SAMPLES / "dxf"))[0], place / "copy.dxf")
    first = json.loads(subprocess.run([BIN / "quarry-worker", "--extract", "-o", "jsonl", place / "copy.dxf"],
                                      capture_output=True, timeout=120, check=True).stdout)
    (place / "first.json").write_text(json.dumps(first))
    second = extract(place, program(f"cat {place}/first.json"))
    ours = ("file", "type", "bytes", "sha256", "duration_ms", "peak_memory_bytes", "notes", "title_block_places")
    assert {k: v for k, v in first.items() if k not in ours} == {k: v for k, v in second.items() if k not in ours}


def test_the_file_is_standard_input_and_a_copy(place, program):
    both = program("""printf '{"text":"%s %s"}' "$(cat)" "$(cat $1)" """)
    assert extract(place, f"{both} {{in}}")["text"] == "acme model acme model"
    named = program("""printf '{"text":"named"}' > $1; echo talk""")
    assert extract(place, f"{named} {{out}}")["text"] == "named"
    folders = program("""printf '{"text":"%s"}' "$(ls $1)" > $2/any""")
    assert extract(place, f"{folders} {{indir}} {{outdir}}")["text"] == "file.acm"


def test_a_drawing_as_dxf_is_read_by_our_own_reader(place, program):
    drawing = place / "drawing.dxf"
    shutil.copy(SAMPLES / "dxf" / sorted(os.listdir(SAMPLES / "dxf"))[0], drawing)
    record = extract(place, program(f"cat {drawing}"))
    assert record["status"] == "completed" and record["type"] == "acm" and record["bytes"] == 11
    assert record["extractor"].endswith("+quarry-dxf") and record["entities"]


def test_a_missing_program_is_said(place):
    failed(extract(place, "/nowhere/read {in}"), "unsupported", "/nowhere/read", "hint")


def test_a_program_whose_interpreter_is_missing_is_said(place, program):
    failed(extract(place, program("x", "/nowhere/interpreter")), "unsupported", "hint")


@pytest.mark.parametrize("status, cls", [(1, "internal"), (65, "invalid_input"), (69, "unsupported"),
                                         (77, "permission"), (127, "unsupported")])
def test_its_exit_status_has_a_class_and_its_last_words_are_quoted(place, program, status, cls):
    failed(extract(place, program(f"echo first words >&2; echo 'no wheel in it' >&2; exit {status}")), cls, "no wheel in it")


@pytest.mark.parametrize("code, cls, word", [
    ("import os; os.kill(os.getpid(), 11)", "crash", "SIGSEGV"),
    ("import os; os.abort()", "crash", "SIGABRT"),
    ("x = []\nwhile True: x.append(bytearray(1 << 24))", "internal", "MemoryError"),
    ("import socket; socket.create_connection(('127.0.0.1', 80))", "internal", "PermissionError"),
    ("open('/etc/shadow').read()", "internal", "Permission"),
    ("open('/tmp/trace', 'w')", "internal", "Permission"),
    ("import os; os.setsid()", "internal", "not permitted"),
    ("import os; os.kill(os.getppid(), 9); print('{')", "internal", ""),
])
def test_what_it_may_not_do(place, program, code, cls, word):
    if word == "Permission" and landlock() == 0 and os.geteuid() != 0:
        pytest.skip("no Landlock in this kernel")
    record = extract(place, program(code, "/usr/bin/python3"))
    assert record["status"] == "failed" and record["error"]["class"] in (cls, "resource"), record
    if record["error"]["class"] == cls:
        assert word in record["error"]["message"], record["error"]


def landlock():
    report = subprocess.run([BIN / "quarry-worker", "--sandbox-report"], capture_output=True, text=True, timeout=60,
                            check=True).stdout
    return int(report.split("landlock (ABI ")[1].split(")")[0])


@pytest.mark.parametrize("text, word", [("", "wrote nothing"), ("echo hello", "neither"), ("echo '{\"text\":'", "no JSON"),
                                        ("echo '{\"text\": 7}'", "text is not a string"), ("echo '[1]'", "neither"),
                                        ("echo '{\"text\":\"a\",\"text\":\"b\"}'", "no JSON"),
                                        ("echo '{\"pages\":[{\"number\":-1}]}'", "pages[0].number"),
                                        ("echo '{\"dimensions\":[{\"value\":1},{\"value\":\"1\"}]}'", "dimensions[1].value"),
                                        ("head -c 100000 /dev/urandom", "neither")])
def test_garbage_says_what_is_wrong(place, program, text, word):
    failed(extract(place, program(text)), "internal", word)


def test_names_that_are_not_known_are_noted(place, program):
    record = extract(place, program("""echo '{"text":"a","nonsense":{"b":[1]},"sha256":"00","bytes":5,"type":"pdf"}'"""))
    assert record["status"] == "completed" and record["bytes"] == 11 and record["type"] == "acm"
    assert [note["message"] for note in record["notes"] if note["code"] == "exec.unknown"]


def test_an_error_of_its_own(place, program):
    failed(extract(place, program("""echo '{"error":{"class":"permission","message":"locked"}}'""")), "permission", "locked")


def test_a_flood_is_cut(place, program):
    failed(extract(place, program("yes"), "--exec-output", "65536"), "resource", "--exec-output")
    failed(extract(place, program("yes >&2"), "--budget-ms", "1000"), "timeout", "1.0 s")


def left_behind(marker):
    """Processes whose command line has the marker."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:
                continue
            if marker.encode() in line:
                found.append(entry.name)
    return found


def test_one_that_hangs_is_ended_with_all_it_started(place, program):
    seconds = f"{86400 + os.getpid()}"  # this test's own
    record = extract(place, program(f"sleep {seconds} & sleep {seconds} & wait"), "--budget-ms", "700")
    failed(record, "timeout", "budget of 0.7 s")
    until(lambda: not left_behind(f"sleep {seconds}"), "all of its processes to be gone")


def test_what_it_leaves_running_is_ended(place, program):
    seconds = f"{86401 + os.getpid()}"
    record = extract(place, program(f"""sleep {seconds} >/dev/null 2>&1 & echo '{{"text":"done"}}'"""))
    assert record["text"] == "done"
    until(lambda: not left_behind(f"sleep {seconds}"), "its process to be gone")


def test_a_fork_bomb_stays_in_its_cage(place, program):
    record = extract(place, program("import os\nwhile True:\n    os.fork()", "/usr/bin/python3"), "--budget-ms", "3000")
    assert record["error"]["class"] in ("internal", "timeout", "resource")
    text = extract(place, program("""echo '{"text":"still well"}'"""))
    assert text["text"] == "still well"


def test_its_folder_goes_and_is_its_own(place, program):
    temp = pathlib.Path(tempfile.mkdtemp(prefix="quarry-test-temp-", dir="/tmp"))
    temp.chmod(0o755)
    try:
        text = 'mkdir -p a/b; echo x > a/b/c; chmod 000 a; printf \'{"text":"%s"}\' "$PWD $HOME $TMPDIR $(env | wc -l)"'
        record = extract(place, program(text), env={**os.environ, "TMPDIR": str(temp), "QUARRY_SECRET": "s"})
        cwd, home, tmp, variables = record["text"].split()
        assert cwd == home == tmp and cwd.startswith(str(temp)) and int(variables) < 10
        assert not os.listdir(temp)
    finally:
        shutil.rmtree(temp)


def test_a_link_in_the_place_of_the_output_is_not_followed(place, program):
    link = program("ln -s /etc/hostname $1")
    failed(extract(place, f"{link} {{out}}"), "internal", "left no output")


def test_a_worker_that_is_killed_takes_programs_with_it(place, program):
    seconds = f"{86402 + os.getpid()}"
    temp = pathlib.Path(tempfile.mkdtemp(prefix="quarry-test-temp-", dir="/tmp"))
    temp.chmod(0o755)
    path = program(f"sleep {seconds}")
    worker = subprocess.Popen([BIN / "quarry-worker", "--extract", "--exec", f"acm={path}", place / "model.acm"],
                              stdout=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(temp)})
    try:
        until(lambda: left_behind(f"sleep {seconds}"), "the program to run")
    finally:
        worker.kill()
        worker.wait()
    until(lambda: not left_behind(f"sleep {seconds}"), "the program to be gone")
    until(lambda: not os.listdir(temp), "its folder to be gone")
    temp.rmdir()


def test_a_sweep_leaves_what_may_be_in_use(place, program):
    temp = pathlib.Path(tempfile.mkdtemp(prefix="quarry-test-temp-", dir="/tmp"))
    temp.chmod(0o755)
    worker = BIN / "quarry-worker"
    path = program('echo \'{"text":"x"}\'')
    env = {**os.environ, "TMPDIR": str(temp)}
    try:
        for folder in (temp / "quarry-exec-new", temp / "other"):
            (folder / "in").mkdir(parents=True)
            (folder / "in" / "file").write_text("left")
        subprocess.run([worker, "--extract", "--exec", f"acm={path}", place / "model.acm"], check=True, env=env,
                       stdout=subprocess.DEVNULL, timeout=60)
        assert sorted(os.listdir(temp)) == ["other", "quarry-exec-new"]  # a minute is too young
    finally:
        shutil.rmtree(temp)


@pytest.mark.parametrize("row", ["acm", "=x", "a b=x", "acm=", "acm='x", "waytoolongforatype=x", "dwg,dwg=x"])
def test_a_row_that_is_wrong_is_refused(place, row):
    done = subprocess.run([BIN / "quarry-worker", "--extract", "--exec", row, place / "model.acm"], capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 2 and b"--exec" in done.stderr


def test_many_files_by_several_programs_at_once(place, program):
    path = program("""printf '{"text":"%s"}' "$(cat)" """)
    names = []
    for i in range(40):
        (place / f"m{i}.acm").write_text(f"number {i}")
        names.append(place / f"m{i}.acm")
    done = subprocess.run([BIN / "quarry-worker", "--extract", "-o", "jsonl", "--jobs", "4", "--exec", f"acm={path}",
                           *names], capture_output=True, timeout=240, check=True)
    texts = [json.loads(line)["text"] for line in done.stdout.splitlines()]
    assert texts == [f"number {i}" for i in range(40)]
