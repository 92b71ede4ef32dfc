"""The coordinator in bad company: stopped in the middle, cut off from its database, started twice."""

import os
import pathlib
import queue
import signal
import subprocess
import tempfile

import pytest

from tests.harness.quarry import BIN, until


@pytest.fixture
def started(stack_of, tmp_path):
    """(stack, folder): a coordinator whose only root is the folder; no worker."""
    (tmp_path / "a.txt").write_text("a\n")
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    return stack, tmp_path


def test_a_stop_while_a_run_is_being_made(started):
    stack, folder = started
    stack.wait_listed(stack.create_run(folder))
    blocker = stack.connect()
    blocker.cursor().execute("LOCK TABLE runs")
    call = subprocess.Popen([BIN / "quarry", "run", "create", "--source", folder, "--type", "text"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env={**os.environ, "QUARRY_COORDINATOR": stack.coordinator.grpc})
    until(lambda: stack.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                              "AND application_name = 'quarry enqueue'"), "the call to wait for the lock")
    stack.coordinator.process.send_signal(signal.SIGTERM)
    call.wait(60)  # the server has let it go: what it used is stopped, and the lane still works on it
    blocker.rollback()
    blocker.close()
    assert stack.coordinator.wait() == 0, stack.coordinator.tail()


def test_a_private_database_has_one_owner(started):
    stack, _ = started
    again = stack.start("again", "quarry-coordinator", "--embedded-postgres", stack.cluster,
                        "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", ready=False)
    assert again.wait() != 0
    assert "another coordinator" in again.tail() and "hint:" in again.tail()
    assert stack.coordinator.alive() and stack.ask("run", "list") == []


def test_idle_connections_that_were_cut_are_noticed_before_they_are_used(started):
    stack, _ = started
    until(lambda: sum(value for name, value in stack.metrics().items() if name.startswith("quarry_lane_connections{"))
          >= 8, "all lanes to be connected")  # one that is cut while it connects waits before it tries again
    stack.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
              "WHERE application_name LIKE 'quarry %%'")
    for _ in range(4):  # more than there are lanes
        stack.cli("run", "list")
    stack.create_run(stack.roots["in"])


def test_a_file_from_the_far_future_is_listed(stack_of):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:  # tmpfs keeps any time
        path = pathlib.Path(folder) / "a.txt"
        path.write_text("a\n")
        os.utime(path, (10**14, 10**14))
        stack = stack_of(roots={"in": folder})
        stack.start_coordinator()
        run = stack.wait_listed(stack.create_run(folder)) and stack.ask("run", "list")[0]
        assert (run["status"], run["total"], run["discover_error"]) == ("active", 1, ""), run


def test_a_hello_that_is_not_utf8_is_told_so(started):
    import grpc
    def field(number, value):
        return bytes([number << 3 | 2, len(value)]) + value
    hello = (field(1, b"w-latin1") + field(2, bytes(range(16))) + b"\x18\x01" + field(5, b"caf\xe9")
             + field(9, field(1, b"text")) + b"\x60\x01")  # start_counter 1, slots 1
    with grpc.insecure_channel(started[0].coordinator.grpc) as channel:
        work = channel.stream_stream("/quarry.v1.Fleet/Work")
        frames = list(work(iter([field(1, hello)]), timeout=30))
    assert frames and b"not UTF-8" in frames[-1], frames


def test_rule_12_a_stream_without_a_hello_is_ended(started):
    import grpc
    silence = queue.SimpleQueue()
    with grpc.insecure_channel(started[0].coordinator.grpc) as channel:
        work = channel.stream_stream("/quarry.v1.Fleet/Work")
        frames = list(work(iter(silence.get, None), timeout=60))
        silence.put(None)
    assert frames and b"no Hello came" in frames[-1], frames
