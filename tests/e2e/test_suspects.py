"""Rule 7 on real programs: a file that takes whole agents with it is convicted, its neighbours are not."""

import contextlib
import os
import pathlib
import signal

import pytest

from tests.harness.quarry import children_of, process_state, until
from tests.harness.samples.text_pdf import text_pdf

KILLER = "killer.pdf"
NEIGHBOURS = 12


@pytest.fixture
def folder(tmp_path):
    (tmp_path / KILLER).write_bytes(text_pdf(6000))  # takes long enough to be seen at work
    slow = text_pdf(300)
    for i in range(NEIGHBOURS):
        (tmp_path / f"neighbour-{i:02}.pdf").write_bytes(slow)
    return tmp_path


def open_files(child):
    """Names of the files that a child has open: the one it works on, and the next, which waits in its pipe."""
    try:
        links = os.listdir(f"/proc/{child}/fd")
    except OSError:  # it has ended
        return set()
    names = set()
    for link in links:
        try:
            target = os.readlink(f"/proc/{child}/fd/{link}")
        except OSError:
            continue
        if target.endswith(".pdf"):
            names.add(pathlib.Path(target).name)
    return names


def files_at_work(worker):
    """Names of the files that the worker's children have open."""
    return set().union(*(open_files(child) for child in children_of(worker.pid)))


@contextlib.contextmanager
def stopped(worker):
    """Stops the worker's children while it is looked at what they have open: {pid: names}."""
    children = children_of(worker.pid)
    for child in children:
        os.kill(child, signal.SIGSTOP)  # not reaped, so the number is still its own, or nobody's
    try:
        for child in children:
            until(lambda: (process_state(child) or "T") in "tT", "a child to stop", 10, every=0.001)
        yield {child: open_files(child) for child in children}
    finally:
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGCONT)


def wait_alone(stack, run_id, files):
    """With the children stopped: waits until what is open beside the killer is known to have been answered before.

    A child closes a file behind its answer, so a neighbour can be open when the killer has begun, and not be at work.
    """
    for name in set().union(*files.values()) - {KILLER}:
        until(lambda: stack.value("SELECT status FROM extraction_jobs j JOIN cloud_files f ON f.id = j.cloud_file_id "
                                  "WHERE run_id = %s AND uri LIKE %s", run_id, f"%/{name}") == "completed",
              f"{name}, open beside the killer, to have been answered", 20)


def test_rule_7_a_file_that_kills_agents_is_convicted_after_killing_alone(stack_of, folder, capsys):
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator("--lease-ttl", "2s")
    worker = stack.start_worker("w1", 3)
    run_id = stack.create_run(folder)
    deaths = []  # how many children had files open when the agent died

    def step():
        nonlocal worker
        if KILLER in files_at_work(worker):
            with stopped(worker) as files:
                if KILLER in set().union(*files.values()):
                    if len(deaths) == 2:
                        wait_alone(stack, run_id, files)
                    worker.kill9()
                    deaths.append(sum(names != set() for names in files.values()))
                    worker = stack.start_worker("w1", 3)
        return stack.run(run_id)["status"] == "completed"

    until(step, "the run to end", 240, every=0.01)
    job = stack.value("SELECT id FROM extraction_jobs j WHERE run_id = %s AND status = 'failed'", run_id)
    events = [event["event"] for event in stack.ask("job", "events", job)]
    with capsys.disabled():
        print(f"\nsuspects: deaths={len(deaths)} busy={deaths} events={events}")
    assert len(deaths) == 3
    assert events.count("suspect") == 2 and events.count("alone") == 1 and events[-1] == "convicted"
    letter, = stack.ask("dlq", "list", "--run", run_id)
    assert letter["id"] == job and letter["error_class"] == "crash" and letter["retry_count"] == 0
    assert "alone" in letter["last_error"] and letter["uri"].endswith(KILLER)
    assert stack.sql("SELECT DISTINCT status, retry_count, coalesce(suspects, 0), alone FROM extraction_jobs "
                     "WHERE run_id = %s AND id <> %s", run_id, job) == [("completed", 0, 0, None)]
    assert stack.run(run_id)["failed"] == 1 and stack.run(run_id)["retries"] == 0
    metrics = stack.metrics()
    assert metrics["quarry_convictions_total"] == 1 and metrics["quarry_suspects_total"] >= 2

    stack.cli("job", "retry", job)  # alone from the start: one more death is enough
    until(lambda: KILLER in files_at_work(worker), "the killer at work again", 30, every=0.01)
    worker.kill9()
    worker = stack.start_worker("w1", 3)
    until(lambda: stack.value("SELECT status FROM extraction_jobs WHERE id = %s", job) == "failed",
          "the second conviction", 30)


def test_rule_7_a_crash_takes_its_own_job_and_runs_once_more_alone(stack_of, folder):
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    worker = stack.start_worker("w1", 3)
    run_id = stack.create_run(folder)
    crashes = 0

    def step():
        nonlocal crashes
        if KILLER in files_at_work(worker):
            with stopped(worker) as files:
                # beside another file it may be the one that waits, and the neighbour would take the blame
                child = next((pid for pid, names in files.items() if names == {KILLER}), None)
                if child:
                    if crashes == 1:
                        wait_alone(stack, run_id, files)
                    os.kill(child, signal.SIGSEGV)
                    crashes += 1
            if child:
                until(lambda: KILLER not in open_files(child), "the child to be gone", 10, every=0.001)
        return stack.run(run_id)["status"] == "completed"

    until(step, "the run to end", 240, every=0.01)
    assert worker.alive() and crashes == 2
    letter, = stack.ask("dlq", "list", "--run", run_id)
    assert letter["error_class"] == "crash" and letter["retry_count"] == 1 and letter["uri"].endswith(KILLER)
    run = stack.run(run_id)
    assert run["completed"] == NEIGHBOURS and run["retries"] == 1 and run["infra_losses"] == 0
    assert stack.sql("SELECT DISTINCT status, retry_count, alone FROM extraction_jobs WHERE run_id = %s AND id <> %s",
                     run_id, letter["id"]) == [("completed", 0, None)]
