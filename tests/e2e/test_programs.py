"""Programs refuse what they cannot do in one clear line with a hint and the documented exit code."""

import socket
import subprocess

import pytest

from tests.harness.quarry import BIN


def run(*argv, env=None):
    return subprocess.run([BIN / argv[0], *map(str, argv[1:])], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=60, env=env)


def refused(done, code, *says):
    """One line that says what to do, on stderr; nothing on stdout."""
    assert done.returncode == code, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    for part in says:
        assert part in done.stderr, done.stderr


@pytest.fixture
def taken_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("program", ["quarry", "quarry-coordinator", "quarry-worker"])
def test_help_and_version(program):
    assert f"Usage: {program} " in run(program, "--help").stdout
    assert run(program, "--version").stdout.startswith(program + " ")


@pytest.mark.parametrize("argv, says", [
    (["quarry-coordinator"], "no database is given"),
    (["quarry-coordinator", "--frobnicate"], "--frobnicate"),
    (["quarry-coordinator", "--embedded-postgres", "x", "--database", "y"], "exclude each other"),
    (["quarry-coordinator", "--embedded-postgres", "x", "--lease-ttl", "1parsec"], "lease-ttl"),
    (["quarry-coordinator", "--embedded-postgres", "x", "--listen", "nonsense"], "nonsense"),
    (["quarry-coordinator", "--embedded-postgres", "x", "--root", "no-equals-sign"], "no-equals-sign"),
    (["quarry-worker", "--slots", "0"], "slots"),
    (["quarry-worker", "--frobnicate"], "--frobnicate"),
    (["quarry", "frobnicate"], "frobnicate"),
    (["quarry", "run", "show", "seven"], "seven"),
    (["quarry", "-o", "xml", "run", "list"], "xml"),
])
def test_wrong_use_is_exit_2(argv, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(run(*argv), 2, says)
    assert list(tmp_path.iterdir()) == []


def test_no_coordinator_is_exit_4(taken_port):
    refused(run("quarry", "--coordinator", "127.0.0.1:1", "run", "list"), 4, "127.0.0.1:1", "hint:")


def test_a_taken_port_is_told(taken_port, tmp_path):
    for flag in ("--listen", "--http"):
        other = "--http" if flag == "--listen" else "--listen"
        done = run("quarry-coordinator", "--embedded-postgres", tmp_path / "pg", flag,
                   f"127.0.0.1:{taken_port}", other, "127.0.0.1:0")
        refused(done, 1, str(taken_port), "hint:")
        assert not (tmp_path / "pg").exists()


@pytest.mark.parametrize("url, says", [
    ("postgresql://127.0.0.1:1/quarry", "127.0.0.1"),
    ("postgresql:///quarry?host=/no/such/folder", "/no/such/folder"),
])
def test_no_database_is_exit_4(url, says):
    refused(run("quarry-coordinator", "--database", url, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"),
            4, says, "hint:")


def test_unknown_things_are_exit_3(stack_of, tmp_path):
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    for args in (["run", "show", 99], ["job", "show", 99], ["job", "events", 99]):
        refused(stack.cli(*args, code=3), 3, "99")


def test_a_worker_waits_for_its_coordinator(stack_of, tmp_path):
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    stack.coordinator.terminate()
    worker = stack.start("w1", "quarry-worker", "--coordinator", stack.coordinator.grpc, "--id", "w1",
                         "--spool", stack.folder / "spool", "--root", f"in={tmp_path}", ready=False)
    stack.start_coordinator()
    worker.wait_ready()
    assert worker.terminate() == 0


def test_sigterm_ends_all_programs_with_0(stack_of, tmp_path):
    stack = stack_of(roots={"in": tmp_path})
    coordinator = stack.start_coordinator()
    worker = stack.start_worker("w1")
    assert worker.terminate() == 0
    assert coordinator.terminate() == 0
    assert not stack.postgres_pid()
