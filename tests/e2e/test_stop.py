"""Rule 10 with real programs: pause, resume and cancel reach a running extraction.

Times from the verb to the end of the work are printed, never asserted beyond what the rule promises
to people (the fence after two seconds); on a loaded machine the figures say more than a limit.
"""

import json
import os
import signal
import time

import pytest

from tests.harness.quarry import Stack, children_of, process_stat, until
from tests.harness.samples.text_pdf import text_pdf

PAGES = 6000  # some 20 s of work


def busy_child(worker):
    """The worker's child that computes."""
    def cpu(pid):
        fields = process_stat(pid)[1]
        return int(fields[11]) + int(fields[12]) if fields else -1
    before = {pid: cpu(pid) for pid in children_of(worker.pid)}
    time.sleep(0.25)
    used = {pid: cpu(pid) - ticks for pid, ticks in before.items()}
    best = max(used, key=used.get, default=None)
    return best if best is not None and used[best] > 2 else None


def lets_go(pid, worker):
    """Whether the child has ended, or sits idle."""
    return process_stat(pid)[1] is None or pid not in children_of(worker.pid)


class Running:
    """A run of one long job that a worker is in the middle of."""

    def __init__(self, stack, worker, source="root://in/", *extra):
        self.stack, self.worker = stack, worker
        until(lambda: stack.value("SELECT count(*) = 0 FROM runs WHERE status = 'active'"),
              "the run before to end", 30)  # a run of the same source would be joined
        self.run = stack.create_run(source, "--again", *extra)
        self.child = until(lambda: busy_child(worker), "a child at work", 60)
        self.job = stack.value("SELECT id FROM extraction_jobs WHERE run_id = %s", self.run)

    def timed(self, *verb):
        """Seconds from the verb's start to the child's end, and to the lease's end."""
        begin = time.monotonic()
        self.stack.cli(*verb)
        until(lambda: lets_go(self.child, self.worker), "the child to end", 30, every=0.005)
        child = time.monotonic() - begin
        until(lambda: self.stack.ask("run", "show", self.run) and not self.leased(), "the lease to end", 30,
              every=0.02)
        return child, time.monotonic() - begin

    def leased(self):
        return self.stack.value(
            "SELECT count(*) FROM live_batches l JOIN lease_batches b USING (first_lease_id) "
            "CROSS JOIN unnest(b.job_ids) WITH ORDINALITY o (id, ord) JOIN extraction_jobs j USING (id) "
            "WHERE j.run_id = %s AND j.status IN ('pending', 'processing') "
            "AND NOT (o.ord - 1)::smallint = ANY (b.gone)", self.run)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "long.pdf").write_bytes(text_pdf(PAGES))
    tmp_path.chmod(0o755)
    return tmp_path


def second_coordinator(stack, name="coordinator2"):
    """Another coordinator on the database of the first."""
    dsn = stack.dsn()
    return stack.start(name, "quarry-coordinator", "--database",
                       f"host={dsn['host']} dbname=quarry user=quarry", "--listen", "127.0.0.1:0", "--http",
                       "127.0.0.1:0", *stack._root_flags())


def status_of(stack, job):
    return stack.value("SELECT status FROM extraction_jobs WHERE id = %s", job)


def say(what, child, lease):
    print(json.dumps({"stop": what, "to_child_end_s": round(child, 2), "to_lease_end_s": round(lease, 2)}))


def test_pause_resume_cancel_of_a_run(stack_of, folder):
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    worker = stack.start_worker("w1", 1)
    running = Running(stack, worker)

    say("run pause", *running.timed("run", "pause", running.run, "--reason", "a test"))
    shown = stack.run(running.run)
    assert (shown["status"], shown["gate"], shown["gate_reason"]) == ("paused", "paused", "a test")
    assert status_of(stack, running.job) == "pending"
    assert stack.value("SELECT retry_count + infra_losses FROM extraction_jobs WHERE id = %s", running.job) == 0
    time.sleep(1.5)
    assert busy_child(worker) is None  # behind the gate

    stack.cli("run", "resume", running.run)
    running.child = until(lambda: busy_child(worker), "it to go on", 30)
    say("run cancel", *running.timed("run", "cancel", running.run))
    ended = stack.wait_run(running.run)
    assert (ended["status"], ended["cancelled"], ended["pending"]) == ("cancelled", 1, 0)
    assert ended["finished_ms"] > 0
    assert status_of(stack, running.job) == "cancelled"
    assert stack.cli("run", "watch", running.run, code=1).stderr.count("ended cancelled") == 1
    events = [event["event"] for event in stack.ask("job", "events", running.job)]
    assert events.count("leased") == 2 and events[-1] == "cancelled"
    metrics = stack.metrics()
    assert metrics["quarry_stops_sent_total"] >= 2
    assert metrics['quarry_leases{state="stopping"}'] == 0
    assert stack.cli("run", "resume", running.run, code=1).stderr.count("is cancelled") == 1


def test_pause_resume_cancel_of_a_job(stack_of, folder):
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    worker = stack.start_worker("w1", 1)
    running = Running(stack, worker)

    say("job pause", *running.timed("job", "pause", running.job))
    assert status_of(stack, running.job) == "paused"
    assert stack.run(running.run)["paused"] == 1
    assert "hint: quarry job retry" not in stack.cli("job", "pause", running.job).stdout  # it was before
    stack.cli("job", "resume", running.job)
    running.child = until(lambda: busy_child(worker), "it to go on", 30)
    done = stack.cli("job", "cancel", running.job, "--wait").stdout
    assert "cancelled" in done and "let go" in done
    assert status_of(stack, running.job) == "cancelled"
    assert stack.wait_run(running.run)["status"] == "completed"  # every job of it has ended
    refused = stack.cli("job", "pause", running.job, code=1)
    assert "it is cancelled" in refused.stderr
    stack.cli("job", "retry", running.job)
    running.child = until(lambda: busy_child(worker), "it to begin again", 30)
    say("job cancel", *running.timed("job", "cancel", running.job))
    assert stack.cli("job", "cancel", 123456, code=3).stderr.count("no such job") == 1


def test_a_stop_reaches_a_worker_of_another_coordinator(stack_of, folder):
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    other = second_coordinator(stack)
    worker = stack.start("w1", "quarry-worker", "--coordinator", other.grpc, "--id", "w1", "--slots", 1,
                         "--spool", stack.folder / "spool-w1", *stack._root_flags(), "--label", "rack=7")
    running = Running(stack, worker)
    assert stack.ask("worker", "list") == []  # it is not with the one that is asked
    shown = stack.ask("worker", "show", "w1")
    assert shown["worker"]["coordinator"] == other.grpc
    assert [lease["job_id"] for lease in shown["leases"]] == [running.job]
    say("run pause, other coordinator", *running.timed("run", "pause", running.run))
    stack.cli("run", "resume", running.run)
    running.child = until(lambda: busy_child(worker), "it to go on", 30)
    say("job cancel, other coordinator", *running.timed("job", "cancel", running.job))
    assert status_of(stack, running.job) == "cancelled"

    # a drain, too; and it can be undone while something still runs
    again = Running(stack, worker)
    stack.cli("worker", "drain", "--label", "rack=7", "--grace", "60s")
    until(lambda: stack.ask("worker", "show", "w1")["worker"]["status"] == "draining", "the drain to be known")
    until(lambda: "worker.drain" in worker.tail(), "the worker to drain")
    stack.cli("worker", "resume", "w1")
    until(lambda: "worker.resume" in worker.tail(), "the worker to work again")
    stack.cli("run", "cancel", again.run, "--wait")
    assert worker.alive()
    assert stack.cli("worker", "resume", "w1", code=3)
    third = Running(stack, worker)
    stack.cli("run", "cancel", third.run, "--wait")


def test_a_silent_worker_is_fenced(stack_of, folder):
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    worker = stack.start_worker("w1", 1)
    running = Running(stack, worker)
    for pid in (running.child, worker.pid):  # the child too: its work must not be over before the fence
        os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    try:
        stack.cli("job", "cancel", running.job, "--wait")
        fenced = time.monotonic() - begin
        assert status_of(stack, running.job) == "cancelled"
    finally:
        for pid in (worker.pid, running.child):
            os.kill(pid, signal.SIGCONT)
    until(lambda: lets_go(running.child, worker), "the child to end", 30, every=0.005)
    print(json.dumps({"stop": "job cancel, agent stopped", "to_lease_end_s": round(fenced, 2)}))
    assert stack.metrics()["quarry_stops_fenced_total"] == 1
    assert stack.value("SELECT count(*) FROM extracted_metadata WHERE job_id = %s", running.job) == 0
    stack.cli("job", "retry", running.job)
    until(lambda: busy_child(worker), "it to begin again", 60)
    stack.cli("job", "cancel", running.job, "--wait")


def test_a_run_of_many_files_is_closed(stack_of, tmp_path):
    for i in range(3000):
        (tmp_path / f"f{i}.txt").write_text(f"{i}\n")
    tmp_path.chmod(0o755)
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    run = stack.create_run("root://in/")
    stack.wait_listed(run)
    stack.cli("run", "pause", run, "--wait")
    assert "PAUSED" in stack.cli("run", "list").stdout
    begin = time.monotonic()
    stack.cli("run", "cancel", run, "--wait")
    print(json.dumps({"stop": "run cancel --wait, 3,000 files", "s": round(time.monotonic() - begin, 2)}))
    ended = stack.run(run)
    assert (ended["status"], ended["cancelled"], ended["total"]) == ("cancelled", 3000, 3000)
    worker = stack.start_worker("w1", 2)
    again = stack.create_run("root://in/")  # cancelled files are not done: a new run takes them
    assert again != run
    assert stack.wait_run(again)["completed"] == 3000
    assert worker.alive()
