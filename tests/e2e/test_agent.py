"""The worker's agent against a scripted coordinator: cues that the real one cannot give on demand."""
import contextlib
import hashlib
import os
import pathlib
import signal
import subprocess

import pytest

from tests.harness.fake_coordinator import FakeCoordinator, Stream, pb, record_pb2
from tests.harness.quarry import BIN, Program, children_of, until


@pytest.fixture
def fake():
    with FakeCoordinator() as coordinator:
        yield coordinator


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.txt").write_text("hello\n")
    (folder / "large.txt").write_text("a line of text\n" * 40000)
    return folder


@pytest.fixture
def start(fake, files, tmp_path):
    """start(*flags): a worker of the fake coordinator, always in the same spool; ended by its PID."""
    made = []

    def start(*flags, slots=2, name="w1", prefix=()):
        program = Program(f"worker{len(made)}", tmp_path, [
            *prefix, BIN / "quarry-worker", "--coordinator", fake.address, "--id", name, "--slots", slots,
            "--spool", tmp_path / "spool", "--root", f"in={files}", *flags])
        made.append(program)
        return program

    yield start
    for program in made:
        program.kill9()


def waits_in_its_sandbox(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "\nSeccomp:\t2\n" in status and "\nState:\tS" in status


def freeze_children(worker, stream: Stream, *leases):
    """Stop the children first, so that the jobs given to them last until they are let go."""
    def ready():
        found = children_of(worker.pid)
        return found if len(found) == stream.hello.slots and all(map(waits_in_its_sandbox, found)) else None

    children = until(ready, "all children to be ready")
    for child in children:
        os.kill(child, signal.SIGSTOP)
    stream.offer(*leases)
    stream.beat(where=lambda beat: all(
        any(state.lease_id == lease["lease_id"] and state.phase == pb.LEASE_PHASE_RUNNING
            for state in beat.leases) for lease in leases))
    return children


def thaw(children):
    for child in children:
        with contextlib.suppress(ProcessLookupError):  # ended with its job
            os.kill(child, signal.SIGCONT)


def text_lease(number, name="a.txt", **more):
    return dict(lease_id=number, uri=f"root://in/{name}", type="text", **more)


def leave(worker, stream):
    """SIGTERM, Goodbye, End; the worker's exit status."""
    worker.process.send_signal(signal.SIGTERM)
    assert stream.expect("goodbye").reason == "drained"
    stream.send(end=pb.End(reason=pb.END_REASON_GOODBYE))
    return worker.wait()


def record_of(stream, result):
    """The record of a result, from its frame or its chunks, checked against size and hash."""
    data = result.record
    if result.record_bytes:
        data = bytes(stream.chunks[result.lease_id])
        assert len(data) == result.record_bytes
        assert hashlib.sha256(data).digest() == result.record_sha256
    return record_pb2.ExtractionRecord.FromString(data)


def test_ready_line_results_and_leaving(fake, start, files):
    worker = start()
    stream = fake.stream()
    assert stream.hello.worker_id == "w1" and stream.hello.roots == ["in"] and stream.hello.slots == 2
    stream.welcome()
    assert worker.wait_ready().grpc == fake.address
    assert worker.out.read_text() == f"ready grpc={fake.address} id=w1\n"
    stream.offer(text_lease(1), text_lease(2, "large.txt"), text_lease(3, "gone.txt"),
                 dict(lease_id=4, type="noop"))
    results = {}
    while len(results) < 4:
        for result in stream.expect("result").results:
            results[result.lease_id] = result
            stream.ack(result.lease_id, "COMMITTED")
    assert record_of(stream, results[1]).text == "hello\n"
    large = record_of(stream, results[2])
    assert large.text == (files / "large.txt").read_text() and large.file == "large.txt"
    assert results[2].record_bytes > 65536
    assert results[3].error == record_pb2.Failure(
        **{"class": record_pb2.ERROR_CLASS_INVALID_INPUT, "message": results[3].error.message})
    assert "gone" in results[3].error.message and not results[4].HasField("error")
    assert leave(worker, stream) == 0


def test_rule_3_a_lost_ack_is_made_up_for(fake, start):
    start()
    stream = fake.stream()
    stream.welcome(resend_ms=300)
    stream.offer(text_lease(1))
    first = stream.expect("result").results[0]
    again = stream.expect("result").results[0]  # no Ack came
    assert again == first
    stream.ack(1, "DUPLICATE")
    stream.beat(where=lambda beat: not beat.leases)


def test_rule_4_results_and_suspects_survive_kill_9(fake, start):
    worker = start()
    stream = fake.stream()
    stream.welcome()
    stream.offer(text_lease(1))
    stream.expect("result")
    freeze_children(worker, stream, text_lease(2))
    worker.kill9()
    start()
    stream = fake.stream()
    assert stream.hello.start_counter == 2
    assert [ref.lease_id for ref in stream.hello.spooled] == [1] and not stream.hello.running
    assert [start.lease_id for start in stream.hello.earlier_starts] == [2]
    assert stream.hello.cluster_epoch == b"epoch-1"
    stream.welcome(kept=[1])
    assert stream.expect("result").results[0].lease_id == 1
    stream.ack(1, "COMMITTED")
    stream.beat(where=lambda beat: not beat.leases)


def test_rule_4_a_reconnect_keeps_what_runs(fake, start):
    worker = start()
    stream = fake.stream()
    stream.welcome()
    children = freeze_children(worker, stream, text_lease(1), text_lease(2))
    stream.close()
    stream = fake.stream()
    assert sorted(ref.lease_id for ref in stream.hello.running) == [1, 2]
    assert stream.hello.received_total == 2
    stream.welcome(kept=[1])  # the other one was given away
    stream.beat(where=lambda beat: [state.lease_id for state in beat.leases] == [1])
    thaw(children)
    result = stream.expect("result").results[0]
    assert result.lease_id == 1
    stream.ack(1, "COMMITTED")
    beat = stream.beat(where=lambda beat: not beat.leases)
    assert beat.received_total == 2


def test_a_silent_coordinator_is_left_and_found_again(fake, start):
    start()
    stream = fake.stream()
    stream.mute = True
    stream.welcome(ttl_ms=600, beat_ms=100)
    stream.beat()
    again = fake.stream()
    stream.wait_end()
    again.welcome()
    again.beat()


def test_rule_10_cancel_ends_the_child_and_releases(fake, start):
    worker = start()
    stream = fake.stream()
    stream.welcome()
    children = freeze_children(worker, stream, text_lease(1))
    stream.send(stop=pb.Stop(lease_id=1, reason=pb.STOP_REASON_CANCEL, grace_ms=2000))
    assert stream.expect("release").reason == "cancelled"
    thaw(children)
    stream.offer(text_lease(2))
    assert stream.expect("result").results[0].lease_id == 2
    assert worker.alive()


def test_rule_11_drain_lets_running_work_finish(fake, start):
    worker = start()
    stream = fake.stream()
    stream.welcome()
    children = freeze_children(worker, stream, text_lease(1))
    worker.process.send_signal(signal.SIGTERM)
    until(lambda: "worker.drain" in worker.tail(), "the drain to begin")
    stream.offer(text_lease(2))
    assert stream.expect("decline").reason == "draining"
    thaw(children)
    assert stream.expect("result").results[0].lease_id == 1
    stream.ack(1, "COMMITTED")
    assert stream.expect("goodbye").reason == "drained"
    stream.send(end=pb.End(reason=pb.END_REASON_GOODBYE))
    assert worker.wait() == 0


def test_rule_11_drain_hands_back_after_the_grace(fake, start):
    worker = start()
    stream = fake.stream()
    stream.welcome()
    freeze_children(worker, stream, text_lease(1))
    stream.send(drain=pb.Drain(grace_ms=200, reason="maintenance"))
    release = stream.expect("release")
    assert release.lease_id == 1 and release.reason == "drain"
    stream.expect("goodbye")
    stream.close()
    assert worker.wait() == 0


def test_rule_5_time_counts_from_the_start_of_the_work(fake, start):
    worker = start(slots=1)
    stream = fake.stream()
    stream.welcome()
    children = freeze_children(worker, stream, text_lease(1))
    stream.offer(text_lease(2))
    beat = stream.beat(where=lambda beat: len(beat.leases) == 2)
    states = {state.lease_id: state for state in beat.leases}
    assert states[1].started_ms_ago > 0
    assert states[2].started_ms_ago == 0 and states[2].phase == pb.LEASE_PHASE_QUEUED
    thaw(children)


def test_alone_means_alone(fake, start):
    worker = start()
    stream = fake.stream()
    stream.welcome()
    children = freeze_children(worker, stream, text_lease(1))
    stream.offer(text_lease(2, alone=True), text_lease(3))
    beat = stream.beat(where=lambda beat: len(beat.leases) == 3)
    phases = {state.lease_id: state.phase for state in beat.leases}
    assert phases[1] == pb.LEASE_PHASE_RUNNING and phases[2] != pb.LEASE_PHASE_RUNNING
    thaw(children)
    order = []
    while len(order) < 3:
        order += [result.lease_id for result in stream.expect("result").results]
    assert order.index(1) < order.index(2)  # 3 may have been fetched before 2, and then runs beside 1


def test_a_file_that_changed_since_it_was_listed_is_noted(fake, start, files):
    start()
    stream = fake.stream()
    stream.welcome()
    modified = int(os.stat(files / "a.txt").st_mtime_ns // 1000000)
    stream.offer(text_lease(1, bytes=6, modified_ms=modified), text_lease(2, bytes=7),
                 text_lease(3, bytes=6, modified_ms=modified - 1))
    notes = {}
    while len(notes) < 3:
        for result in stream.expect("result").results:
            assert not result.HasField("error")
            notes[result.lease_id] = [note.code for note in record_of(stream, result).notes]
    code = "file.changed_since_listing"
    assert code not in notes[1] and code in notes[2] and code in notes[3]


def test_an_unknown_root_is_declined(fake, start):
    start()
    stream = fake.stream()
    stream.welcome()
    stream.offer(lease_id=1, uri="root://elsewhere/a.txt", type="text")
    assert "root" in stream.expect("decline").reason
    assert stream.expect("credits").total == 5


def test_restarting_moves_to_the_address_given(fake, start):
    with FakeCoordinator() as other:
        start()
        stream = fake.stream()
        stream.welcome()
        stream.send(restarting=pb.Restarting(to=[other.address]))
        other.stream().welcome()


def test_a_replaced_worker_ends_with_1(fake, start):
    worker = start()
    stream = fake.stream()
    stream.welcome()
    stream.send(end=pb.End(reason=pb.END_REASON_REPLACED))
    assert worker.wait() == 1
    assert "a newer process" in worker.tail()


def test_a_low_start_counter_is_raised_once(fake, start):
    start()
    stream = fake.stream()
    stream.send(end=pb.End(reason=pb.END_REASON_LOWER_COUNTER, newest_start_counter=70))
    assert fake.stream().hello.start_counter == 71


def test_a_disk_that_refuses_stops_new_work_but_no_result(fake, start):
    worker = start(prefix=["prlimit", "--fsize=4096:unlimited"])  # no file may grow beyond it
    stream = fake.stream()
    stream.welcome(resend_ms=60000)
    for number in range(1, 100):
        stream.offer(text_lease(number))
        frame = stream.expect("result", "decline")
        if isinstance(frame, pb.Decline):
            break
        assert frame.results[0].lease_id == number and not frame.results[0].HasField("error")
    assert number > 2 and "write to the spool" in frame.reason
    until(lambda: "spool.full" in worker.tail(), "the worker to say so")
    beat = stream.beat(where=lambda beat: len(beat.leases) == number - 1)
    assert all(state.phase == pb.LEASE_PHASE_FINISHED for state in beat.leases)
    for done in range(1, number):
        stream.ack(done, "COMMITTED")
    stream.beat(where=lambda beat: not beat.leases)
    subprocess.run(["prlimit", f"--pid={worker.pid}", "--fsize=unlimited:unlimited"], check=True)
    until(lambda: "spool.space" in worker.tail(), "the worker to see the space")
    stream.offer(text_lease(200))
    assert stream.expect("result").results[0].lease_id == 200


def test_a_second_worker_in_the_same_spool_is_refused(fake, start, tmp_path):
    worker = start()
    fake.stream().welcome()
    worker.wait_ready()
    done = subprocess.run([BIN / "quarry-worker", "--coordinator", fake.address, "--spool", tmp_path / "spool"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"in use by process {worker.pid}" in done.stderr and "hint:" in done.stderr


def test_exit_when_unreachable_is_4(tmp_path):
    done = subprocess.run([BIN / "quarry-worker", "--coordinator", "127.0.0.1:1", "--exit-when-unreachable",
                           "--spool", tmp_path / "spool"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 4 and "127.0.0.1:1" in done.stderr and "worker.unreachable" in done.stderr


@pytest.mark.parametrize("flags, says", [
    (["--root", "a"], "NAME=VALUE"), (["--root", "a=/no/such/folder"], "/no/such/folder"),
    (["--id", "a b"], "--id"), (["--max-file-size", "lots"], "--max-file-size"), (["stray"], "stray")])
def test_wrong_flags_are_told_in_one_line(flags, says, tmp_path):
    done = subprocess.run([BIN / "quarry-worker", "--spool", tmp_path / "spool", *flags],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and says in done.stderr
