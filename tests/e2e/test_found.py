"""Jobs that a drawing brings: its external references, in a run that asks for them, whoever dies meanwhile."""
import random
import time

import pytest

from tests.chaos.checker import check
from tests.chaos.history import History
from tests.harness.fake_coordinator import FakeCoordinator
from tests.harness.quarry import BIN, Program
from tests.harness.samples.dxf import Dxf


def drawing(*references, text="a drawing"):
    dxf = Dxf()
    for i, name in enumerate(references):
        dxf.block(f"XREF{i}", [], xref=name)
    dxf.model.append(dxf.text(0, 0, 5, text))
    return dxf.bytes()


@pytest.fixture
def folder(tmp_path):
    """Two listed drawings; what they name lies beside their folder, out of the root, or nowhere."""
    root = tmp_path / "root"
    for name in ("sheets", "common"):
        (root / name).mkdir(parents=True)
    (tmp_path / "secret.dxf").write_bytes(drawing())
    (root / "sheets/main.dxf").write_bytes(drawing(
        "part.dxf", "..\\common\\frame.dwg", "..\\..\\secret.dxf", "C:\\drawings\\a.dxf", "/etc/passwd", "gone.dxf"))
    (root / "sheets/part.dxf").write_bytes(drawing())
    (root / "common/frame.dxf").write_bytes(drawing("../sheets/main.dxf", "logo.dxf", "link.dxf", "frame.dxf"))
    (root / "common/logo.dxf").write_bytes(drawing())
    (root / "common/link.dxf").symlink_to("../../secret.dxf")
    return root


def uris_of(stack, run_id):
    return {uri for uri, in stack.sql(
        "SELECT f.uri FROM extraction_jobs j JOIN cloud_files f ON f.id = j.file_id WHERE j.run_id = %s", run_id)}


def sound(stack):
    report = check(History.load(stack.connect()))
    assert not report.violations, report.text()
    return report.figures


def test_a_run_that_asks_for_it_takes_what_drawings_name(stack_of, folder):
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    stack.start_worker()
    plain = stack.wait_run(stack.create_run("root://in/sheets"))
    assert plain["total"] == 2 and plain["found"] == 0 and plain["found_refused"] == 0

    run_id = stack.create_run("root://in/sheets", "--follow-references")
    run = stack.wait_run(run_id)
    assert run["status"] == "completed" and run["completed"] == run["total"] == 4
    assert run["found"] == 2 and run["found_refused"] == 0
    assert uris_of(stack, run_id) == {f"root://in/{name}.dxf" for name in (
        "sheets/main", "sheets/part", "common/frame", "common/logo")}

    def job(name):
        return stack.value("SELECT j.id FROM extraction_jobs j JOIN cloud_files f ON f.id = j.file_id "
                           "WHERE j.run_id = %s AND f.uri = %s", run_id, f"root://in/{name}.dxf")
    main, frame = (stack.ask("job", "show", job(name)) for name in ("sheets/main", "common/frame"))
    assert main["children"] == 1 and main["parent_id"] == 0
    assert frame["parent_id"] == main["id"] and frame["depth"] == 1 and frame["children"] == 1
    assert stack.ask("job", "show", job("common/logo"))["depth"] == 2
    shown = stack.cli("job", "show", frame["id"]).stdout
    assert f"found by  job {main['id']}, 1 step from a listed file" in shown and "found     1 job," in shown
    events = {event["event"]: event["detail"] for event in stack.ask("job", "events", main["id"])}
    assert events["found"] == "1 new, 1 already in the run"
    notes = stack.value("SELECT notes::text FROM extracted_metadata WHERE job_id = %s", main["id"])
    assert "reference.outside" in notes and "reference.missing" in notes
    assert "2 of the files, named by others" in stack.cli("run", "show", run_id).stdout
    assert sound(stack)["found"] == 2


def test_types_of_the_run_hold_for_what_is_found(stack_of, folder):
    stack = stack_of(roots={"in": folder})
    (folder / "sheets/main.dxf").write_bytes(drawing("../common/frame.dxf", "../common/notes.txt"))
    (folder / "common/notes.txt").write_text("notes\n")
    stack.start_coordinator()
    stack.start_worker()
    run_id = stack.create_run("root://in/sheets", "--type", "dxf", "--follow-references")
    run = stack.wait_run(run_id)
    assert "root://in/common/notes.txt" not in uris_of(stack, run_id) and run["found_refused"] == 1
    detail = stack.value("SELECT detail FROM job_events WHERE event = 'found.refused' AND run_id = %s", run_id)
    assert detail.startswith("1 not added: unsupported:")
    sound(stack)


def test_rule_4_found_jobs_survive_kill_9_with_their_result(tmp_path, folder):
    lease = dict(lease_id=1, uri="root://in/sheets/main.dxf", type="dxf", options={"follow-references": "on"})

    def found(result):
        assert not result.HasField("error")
        return sorted((job.uri, job.type, job.bytes > 0, job.modified_ms > 0) for job in result.found)

    with FakeCoordinator() as fake:
        argv = [BIN / "quarry-worker", "--coordinator", fake.address, "--id", "w1", "--slots", 1,
                "--spool", tmp_path / "spool", "--root", f"in={folder}"]
        worker = Program("w1", tmp_path, argv)
        try:
            stream = fake.stream()
            stream.welcome()
            stream.offer(lease)
            first = stream.expect("result").results[0]
            assert found(first) == [("root://in/common/frame.dxf", "dxf", True, True),
                                    ("root://in/sheets/part.dxf", "dxf", True, True)]
            assert first.found_left_out == 0
            worker.kill9()
            worker = Program("w1", tmp_path, argv)
            stream = fake.stream()
            assert [ref.lease_id for ref in stream.hello.spooled] == [1]
            stream.welcome(kept=[1])
            assert found(stream.expect("result").results[0]) == found(first)
            stream.ack(1, "COMMITTED")
            stream.offer(dict(lease, lease_id=2, options={}))  # a run that does not ask
            assert found(stream.expect("result").results[0]) == []
        finally:
            worker.kill9()


LEVELS, WIDE = 4, 5


@pytest.fixture
def tree(tmp_path):
    """One listed drawing names five, each of them five …, and everyone the root and some that came before."""
    root = tmp_path / "tree"
    (root / "top").mkdir(parents=True)
    (root / "all").mkdir()
    names = [[f"n{level}-{i}" for i in range(WIDE ** level)] for level in range(LEVELS + 1)]
    for level, here in enumerate(names):
        for i, name in enumerate(here):
            below = [f"{names[level + 1][i * WIDE + k]}.dwg" for k in range(WIDE)] if level < LEVELS else []
            down = [f"..\\all\\{each}" for each in below] + ["..\\top\\n0-0.dxf", f"..\\all\\{random.Random(i).choice(names[max(level - 1, 1)])}.dxf"]
            (root / ("top" if level == 0 else "all") / f"{name}.dxf").write_bytes(drawing(*down, text=name))
    return root, sum(map(len, names))


def test_nothing_is_lost_or_found_twice_whoever_is_killed(stack_of, tree, capsys):
    root, files = tree
    dice = random.Random(11)
    stack = stack_of(roots={"in": root})
    stack.start_coordinator("--lease-ttl", "2s")
    stack.cli("limit", "set", "type=dxf", "--rate", "100/s", "--burst", "10")  # some are left when something is killed
    workers = {name: stack.start_worker(name) for name in ("w1", "w2")}
    run_id = stack.create_run("root://in/top", "--follow-references")
    kills = {"worker": 0, "coordinator": 0}
    end = time.monotonic() + 240
    while True:
        time.sleep(dice.uniform(0.1, 0.8))
        try:
            if stack.run(run_id)["status"] not in ("active", "paused"):
                break
        except AssertionError:
            continue  # between two coordinators
        assert time.monotonic() < end, stack.run(run_id)
        if sum(kills.values()) >= 16:
            continue
        if dice.random() < 0.6:
            name = dice.choice(list(workers))
            workers[name].kill9()
            workers[name] = stack.start_worker(name)
            kills["worker"] += 1
        else:
            stack.coordinator.kill9()
            stack.start_coordinator("--lease-ttl", "2s")
            kills["coordinator"] += 1
    run = stack.run(run_id)
    with capsys.disabled():
        print(f" {files} files, {run['found']} found, killed {kills}", end=" ")
    assert run["status"] == "completed" and run["completed"] == run["total"] == files
    assert run["found"] == files - 1 and run["found_refused"] == 0
    assert stack.value("SELECT max(depth) FROM extraction_jobs WHERE run_id = %s", run_id) == LEVELS
    assert sound(stack)["doubled"] == 0
    assert kills["worker"] > 0 and kills["coordinator"] > 0
