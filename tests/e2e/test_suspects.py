"""Rule 7 on real programs: a file that takes whole agents with it is convicted, its neighbours are not."""

import os
import pathlib

import pytest

from tests.harness.quarry import children_of, until
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


def files_at_work(worker):
    """Names of the files that the worker's children have open."""
    names = set()
    for child in children_of(worker.pid):
        for link in pathlib.Path(f"/proc/{child}/fd").glob("*"):
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.endswith(".pdf"):
                names.add(pathlib.Path(target).name)
    return names


def test_rule_7_a_file_that_kills_agents_is_convicted_after_killing_alone(stack_of, folder, capsys):
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator("--lease-ttl", "2s")
    worker = stack.start_worker("w1", 3)
    run_id = stack.create_run(folder)
    deaths = []  # what was at work when the agent died

    def step():
        nonlocal worker
        busy = files_at_work(worker)
        if KILLER in busy:
            worker.kill9()
            deaths.append(busy)
            worker = stack.start_worker("w1", 3)
        return stack.run(run_id)["status"] == "completed"

    until(step, "the run to end", 240, every=0.01)
    job = stack.value("SELECT id FROM extraction_jobs j WHERE run_id = %s AND status = 'failed'", run_id)
    events = [event["event"] for event in stack.ask("job", "events", job)]
    with capsys.disabled():
        print(f"\nsuspects: deaths={len(deaths)} beside={[len(names) - 1 for names in deaths]} events={events}")
    assert len(deaths) == 3 and deaths[-1] == {KILLER}
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
    seen = []  # what was at work beside the file whose child died

    def step():
        for child in children_of(worker.pid):
            for link in pathlib.Path(f"/proc/{child}/fd").glob("*"):
                try:
                    if os.readlink(link).endswith(KILLER):
                        busy = files_at_work(worker)
                        os.kill(child, 11)
                        seen.append(busy)
                        until(lambda: KILLER not in files_at_work(worker), "the child to be gone", 10, every=0.01)
                        break
                except OSError:
                    continue
        return stack.run(run_id)["status"] == "completed"

    until(step, "the run to end", 240, every=0.01)
    assert worker.alive() and len(seen) == 2 and seen[-1] == {KILLER}
    letter, = stack.ask("dlq", "list", "--run", run_id)
    assert letter["error_class"] == "crash" and letter["retry_count"] == 1 and letter["uri"].endswith(KILLER)
    run = stack.run(run_id)
    assert run["completed"] == NEIGHBOURS and run["retries"] == 1 and run["infra_losses"] == 0
