"""Why a job or a run is not running: the reasons, made with real programs and told by `job why` and `run why`.

States that real programs pass through too quickly (a stage nobody has taken up, or whose work fails, a suspect)
are in tests/unit/coordinator/db/why_test.c.
"""

import os
import pwd
import signal
import socket
import time

import pytest

from tests.harness.quarry import children_of, until
from tests.harness.samples.text_pdf import text_pdf

N = 6
ME = f"{pwd.getpwuid(os.geteuid()).pw_name}@{socket.gethostname()}"


@pytest.fixture
def stack(stack_of, tmp_path):
    for i in range(N):
        (tmp_path / f"f{i}.txt").write_text(f"file {i}\n")
    (tmp_path / "long").mkdir()
    (tmp_path / "long" / "long.pdf").write_bytes(text_pdf(6000))
    for path in (tmp_path, tmp_path / "long"):
        path.chmod(0o755)
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    return stack


def texts(stack, *extra):
    """A listed run over the small files; its jobs by id."""
    run = stack.create_run("root://in/", "--type", "text", *extra)
    stack.wait_listed(run)
    return run, [row[0] for row in stack.sql(
        "SELECT id FROM extraction_jobs WHERE run_id = %s ORDER BY id", run)]


def why(stack, what, number):
    """(codes, {code: reason}, reply)"""
    reply = stack.ask(what, "why", number)
    return [r["code"] for r in reply["reasons"]], {r["code"]: r for r in reply["reasons"]}, reply


def hold(worker):
    """Its children stand still, so that what it takes stays with it."""
    for pid in children_of(worker.pid):
        os.kill(pid, signal.SIGSTOP)


def let_go(worker):
    for pid in children_of(worker.pid):
        os.kill(pid, signal.SIGCONT)


def running_job(stack, run):
    """A job of the run that a worker holds."""
    def probe():
        for (job,) in stack.sql("SELECT id FROM extraction_jobs WHERE run_id = %s ORDER BY id", run):
            if why(stack, "job", job)[0] == ["running"]:
                return job
        return None
    return until(probe, "a job to run")


def test_no_worker_no_type_no_root(stack, tmp_path):
    run, jobs = texts(stack)
    codes, by_code, _ = why(stack, "job", jobs[0])
    assert codes[0] == "no_workers" and "no worker is connected" in by_code["no_workers"]["text"]
    worker = stack.start_worker("w1", 1, "--types", "pdf")
    codes, by_code, _ = why(stack, "job", jobs[0])
    assert codes[0] == "no_type" and "none of 1 workers does type text" in by_code["no_type"]["text"]
    worker.terminate()
    elsewhere = stack.start("w2", "quarry-worker", "--coordinator", stack.coordinator.grpc, "--id", "w2", "--slots", 1,
                            "--spool", stack.folder / "spool-w2", "--root", f"other={tmp_path}")
    codes, by_code, _ = why(stack, "job", jobs[0])
    assert codes[0] == "no_root" and by_code["no_root"]["subject"] == "in"
    codes, by_code, reply = why(stack, "run", run)
    assert codes == ["no_root", "stage_not_begun"] and by_code["no_root"]["count"] == N
    assert reply["phase"] == "extract"
    assert elsewhere.alive()


def test_paused_by_whom_and_why(stack):
    run, jobs = texts(stack)
    stack.start_worker("w1", 1, "--types", "pdf")
    stack.cli("job", "pause", jobs[0], "--reason", "a bad scan")
    codes, by_code, _ = why(stack, "job", jobs[0])
    assert codes[0] == "paused" and "with quarry job pause: a bad scan;" in by_code["paused"]["text"]
    assert by_code["paused"]["since_ms"] > 0 and f"it was paused by {ME} with" in by_code["paused"]["text"]
    assert [e["by"] for e in stack.ask("job", "events", jobs[0]) if e["event"] == "paused"] == [ME]
    assert f"a bad scan (by {ME})" in stack.cli("job", "events", jobs[0]).stdout
    stack.cli("run", "pause", run, "--reason", "the share moves")
    codes, by_code, _ = why(stack, "job", jobs[1])
    assert codes[0] == "run_paused" and "with quarry run pause: the share moves;" in by_code["run_paused"]["text"]
    shown = stack.run(run)
    assert (shown["gate_reason"], shown["gate_by"]) == ("the share moves", ME)
    assert f"by         {ME}" in stack.cli("run", "show", run).stdout
    codes, by_code, _ = why(stack, "run", run)
    assert codes[:2] == ["run_paused", "paused"] and by_code["paused"]["count"] == 1
    stack.cli("run", "cancel", run, "--reason", "wrong folder", "--wait")
    assert why(stack, "job", jobs[1])[1]["finished"]["text"] == "it is cancelled"
    assert why(stack, "run", run)[0] == ["finished"]


def test_a_pause_of_what_runs_keeps_its_reason(stack):
    worker = stack.start_worker("w1", 1)
    run = stack.create_run("root://in/long/")
    job = running_job(stack, run)
    stack.cli("job", "pause", job, "--reason", "in the way", "--wait")
    codes, by_code, _ = why(stack, "job", job)
    assert ME in by_code["paused"]["text"]
    assert codes[0] == "paused" and "with quarry job pause: in the way;" in by_code["paused"]["text"]
    assert worker.alive()


def test_delayed_start_is_told_listed_and_kept(stack):
    stack.start_worker("w1", 2)
    begin = time.time()
    run, jobs = texts(stack, "--delay", "4s")
    codes, by_code, reply = why(stack, "job", jobs[0])
    assert codes == ["delayed_start"] and reply["expected_start_ms"] == by_code["delayed_start"]["until_ms"]
    assert by_code["delayed_start"]["until_ms"] >= (begin + 4) * 1000
    codes, by_code, _ = why(stack, "run", run)
    assert codes == ["run_delayed", "delayed_start", "stage_not_begun"]
    assert by_code["delayed_start"]["count"] == N
    assert "starts " in stack.cli("run", "show", run).stdout
    stack.cli("job", "pause", jobs[1])  # paused and resumed it waits like the others
    stack.cli("job", "resume", jobs[1])
    assert why(stack, "job", jobs[1])[0] == ["delayed_start"]
    shown = stack.run(run)
    assert (shown["total"], shown["completed"]) == (N, 0)
    assert stack.wait_run(run)["completed"] == N
    assert stack.value("SELECT min(b.created_at) >= (SELECT start_at FROM runs WHERE id = %s) FROM lease_batches b "
                       "WHERE b.job_ids && %s::bigint[]", run, jobs)


def test_start_at_takes_a_time_and_refuses_none(stack):
    run = stack.create_run("root://in/", "--start-at", "2027-01-31T22:00Z")
    assert stack.run(run)["start_at_ms"] == 1801432800000
    assert "2027" in stack.cli("run", "show", run).stdout
    assert "is no time" in stack.cli("run", "create", "--source", "root://in/", "--start-at", "soon", code=2).stderr
    assert "within 366 days" in stack.cli("run", "create", "--source", "root://in/long/", "--start-at",
                                          "2100-01-01T00:00", code=1).stderr


def test_limits_turns_position_and_the_end(stack):
    worker = stack.start_worker("w1", 1)
    stack.cli("limit", "set", "type=text", "--running", 1)
    until(lambda: children_of(worker.pid), "children")
    hold(worker)
    run, jobs = texts(stack)
    held = running_job(stack, run)
    codes, by_code, _ = why(stack, "job", held)
    assert codes == ["running"] and by_code["running"]["subject"] == "w1"
    waiting = jobs[-1] if jobs[-1] != held else jobs[-2]
    codes, by_code, reply = why(stack, "job", waiting)
    assert codes == ["limit_running", "behind"], reply
    assert (by_code["limit_running"]["count"], by_code["limit_running"]["limit"]) == (1, 1)
    assert reply["position"] == by_code["behind"]["count"] + 1 == N - 1
    assert why(stack, "run", run)[0] == ["leased", "limit_running", "stage_not_begun"]

    # other runs of the same priority take turns, of a higher one go first
    other, _ = texts(stack, "--name", "other", "--set", "ocr=off")
    assert "turns" in why(stack, "job", waiting)[0]
    stack.cli("run", "set", other, "--priority", 10)
    codes, by_code, reply = why(stack, "job", waiting)
    assert "urgent" in codes and by_code["urgent"]["count"] == N and reply["position"] == 2 * N - 1

    stack.cli("limit", "set", "type=text", "--rate", "1/h")
    stack.sql("UPDATE limits SET tokens = 0, filled_at = clock_timestamp()")
    codes, by_code, _ = why(stack, "job", waiting)
    assert "limit_rate" in codes and by_code["limit_rate"]["until_ms"] > time.time() * 1000
    stack.cli("limit", "remove", "type=text")
    let_go(worker)
    for ended in (run, other):
        assert stack.wait_run(ended)["completed"] == N
    assert why(stack, "job", waiting)[0] == ["finished"]


def test_expected_time_comes_from_what_was_done(stack):
    worker = stack.start_worker("w1", 1)
    run, jobs = texts(stack)
    until(lambda: stack.run(run)["completed"] == N, "the first")
    stack.wait_run(run)
    again = stack.ask("run", "create", "--manual", "--name", "again")["id"]
    stack.cli("job", "add", "--run", again, *[f"root://in/f{i}.txt" for i in range(3)])
    until(lambda: stack.run(again)["completed"] == 3, "some to be done")
    hold(worker)
    stack.cli("job", "add", "--run", again, *[f"root://in/f{i}.txt" for i in range(3, N)])
    jobs = [r[0] for r in stack.sql("SELECT id FROM extraction_jobs WHERE run_id = %s ORDER BY id", again)]
    last = jobs[-1]
    running_job(stack, again)
    reply = until(lambda: (lambda r: r if r["position"] == 1 or r["position"] == 2 else None)(
        stack.ask("job", "why", last)), "it to wait in line")
    assert reply["rate"] > 0 and reply["expected_start_ms"] > time.time() * 1000 - 60000
    assert "in about" in stack.cli("job", "why", last).stdout
    let_go(worker)


def test_backing_off_until(stack, tmp_path):
    """A child that is killed costs an attempt; the next waits."""
    worker = stack.start_worker("w1", 1)
    run = stack.create_run("root://in/long/")
    job = running_job(stack, run)
    for pid in children_of(worker.pid):
        os.kill(pid, signal.SIGKILL)
    def backing_off():
        codes, by_code, reply = why(stack, "job", job)
        return (by_code["backoff"], reply) if "backoff" in codes else None
    reason, reply = until(backing_off, "the job to back off", every=0.01)
    assert reason["text"].startswith("attempt 1 failed (")
    assert reply["expected_start_ms"] in (0, reason["until_ms"])
    stack.cli("run", "cancel", run, "--wait")


def test_a_job_shows_the_key_it_was_added_with(stack):
    run = stack.ask("run", "create", "--manual", "--name", "keys")["id"]
    stack.cli("job", "add", "--run", run, "--key", "part 4711", "root://in/f0.txt")
    job = stack.value("SELECT id FROM extraction_jobs WHERE run_id = %s", run)
    assert stack.ask("job", "show", job)["dedupe"] == "part 4711"
    assert "key       part 4711" in stack.cli("job", "show", job).stdout
    assert "added: 0, already in the run: 1" in stack.cli("job", "add", "--run", run, "--key", "part 4711",
                                                          "root://in/f1.txt").stdout
