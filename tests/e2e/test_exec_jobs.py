"""Leased jobs whose files a program of others reads first, against a scripted coordinator."""
import os
import pathlib
import shutil
import signal
import tempfile

import pytest

from tests.e2e.test_agent import fake, leave, record_of  # noqa: F401: a fixture among them
from tests.e2e.test_exec import left_behind
from tests.harness.fake_coordinator import pb, record_pb2
from tests.harness.quarry import BIN, Program, children_of, until

SECONDS = 90000 + os.getpid()  # what hanging programs sleep: this test's own


@pytest.fixture
def files():
    """Where the user whom programs run as may go; pytest's own folders are private."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="quarry-test-jobs-", dir="/tmp"))
    folder.chmod(0o755)
    (folder / "good.acm").write_text("a wheel")
    (folder / "hang.acm").write_text("hang")
    (folder / "slow.acm").write_text("slow")
    (folder / "bad.acm").write_text("bad")
    (folder / "plain.txt").write_text("plain\n")
    (folder / "nameless").write_bytes(b"AC1032\0\0\0\0\0\0 drawing")
    script = folder / "read"
    script.write_text(f"""#!/bin/sh
case $(cat) in
hang) sleep {SECONDS} & sleep {SECONDS} ;;
slow) sleep 0.3; echo '{{"text":"at last"}}' ;;
bad) echo no wheel >&2; exit 65 ;;
*) echo '{{"text":"read"}}' ;;
esac
""")
    script.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def start(fake, files, tmp_path):
    made = []

    def start(*flags, slots=2):
        program = Program(f"worker{len(made)}", tmp_path, [
            BIN / "quarry-worker", "--coordinator", fake.address, "--id", "w1", "--slots", slots, "--spool", tmp_path / "spool",
            "--root", f"in={files}", "--exec", f"acm={files}/read", "--dwg-converter", f"{files}/read", *flags])
        made.append(program)
        return program

    yield start
    for program in made:
        program.kill9()
    until(lambda: not left_behind(f"sleep {SECONDS}"), "programs to go with the worker")


def lease(number, name, kind="other", **more):
    return dict(lease_id=number, uri=f"root://in/{name}", type=kind, **more)


def running(stream, number):
    stream.beat(where=lambda beat: any(state.lease_id == number and state.phase == pb.LEASE_PHASE_RUNNING
                                       for state in beat.leases))
    until(lambda: left_behind(f"sleep {SECONDS}"), "the program to run")


def results(stream, n):
    found = {}
    while len(found) < n:
        for result in stream.expect("result").results:
            found[result.lease_id] = result
            stream.ack(result.lease_id, "COMMITTED")
    return found


def test_results_of_programs_come_like_all_others(fake, start):
    worker = start()
    stream = fake.stream()
    stream.welcome()
    stream.offer(lease(1, "good.acm"), lease(2, "plain.txt", "text"), lease(3, "bad.acm"), lease(4, "nameless"),
                 lease(5, "slow.acm"), lease(6, "good.acm", alone=True))
    found = results(stream, 6)
    good = record_of(stream, found[1])
    assert (good.text, good.type, good.bytes, len(good.sha256)) == ("read", "acm", 7, 32)
    assert record_of(stream, found[2]).text == "plain\n"
    assert getattr(found[3].error, "class") == record_pb2.ERROR_CLASS_INVALID_INPUT
    assert "no wheel" in found[3].error.message and len(record_of(stream, found[3]).sha256) == 32
    assert record_of(stream, found[4]).type == "dwg"
    assert record_of(stream, found[5]).text == "at last" and found[5].duration_ms >= 300
    assert record_of(stream, found[5]).duration_ms >= 300
    assert record_of(stream, found[6]).text == "read"
    assert leave(worker, stream) == 0


def test_cancel_ends_the_program_and_all_it_started(fake, start):
    worker = start()
    stream = fake.stream()
    stream.welcome()
    stream.offer(lease(1, "hang.acm"))
    running(stream, 1)
    stream.send(stop=pb.Stop(lease_id=1, reason=pb.STOP_REASON_CANCEL, grace_ms=2000))
    assert stream.expect("release").reason == "cancelled"
    until(lambda: not left_behind(f"sleep {SECONDS}"), "the program to be ended")
    stream.offer(lease(2, "good.acm"))
    assert record_of(stream, results(stream, 1)[2]).text == "read"
    assert leave(worker, stream) == 0


def test_the_budget_holds_for_the_program(fake, start):
    worker = start()
    stream = fake.stream()
    stream.welcome()
    stream.offer(lease(1, "hang.acm", budget_ms=800))
    result = results(stream, 1)[1]
    assert getattr(result.error, "class") == record_pb2.ERROR_CLASS_TIMEOUT, result.error
    assert "budget" in result.error.message and len(record_of(stream, result).sha256) == 32
    until(lambda: not left_behind(f"sleep {SECONDS}"), "the program to be ended")
    assert leave(worker, stream) == 0


def test_hanging_programs_hold_up_nobody_else(fake, start):
    start()
    stream = fake.stream()
    stream.welcome()
    stream.offer(lease(1, "hang.acm"), lease(2, "hang.acm"), lease(3, "good.acm"), lease(4, "plain.txt", "text"))
    assert record_of(stream, results(stream, 1)[4]).text == "plain\n"


def test_drain_hands_back_what_a_program_works_on(fake, start):
    worker = start("--drain-grace", "300ms")
    stream = fake.stream()
    stream.welcome()
    stream.offer(lease(1, "hang.acm"))
    running(stream, 1)
    worker.process.send_signal(signal.SIGTERM)
    assert stream.expect("release").lease_id == 1
    assert stream.expect("goodbye").reason == "drained"
    stream.send(end=pb.End(reason=pb.END_REASON_GOODBYE))
    assert worker.wait() == 0
    until(lambda: not left_behind(f"sleep {SECONDS}"), "the program to be ended")


def test_a_warden_that_is_killed_costs_one_attempt(fake, start):
    worker = start()
    stream = fake.stream()
    stream.welcome()
    stream.offer(lease(1, "hang.acm"))
    running(stream, 1)
    wardens = [pid for pid in children_of(worker.pid) if str(pid) in left_behind("--tool")]
    os.kill(wardens[0], signal.SIGKILL)
    result = results(stream, 1)[1]
    assert getattr(result.error, "class") == record_pb2.ERROR_CLASS_CRASH, result.error
    until(lambda: not left_behind(f"sleep {SECONDS}"), "the program to go with its warden")
    stream.offer(lease(2, "good.acm"))
    assert record_of(stream, results(stream, 1)[2]).text == "read"
