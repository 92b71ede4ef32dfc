"""kill -9 of a coordinator with a private PostgreSQL, and of that PostgreSQL: the next start goes on from there.

Everything else that dies, stands still or is cut off: tests/chaos.
"""

import json

import pytest

from tests.harness.quarry import until
from tests.harness.samples.text_pdf import text_pdf

FILES = 300
TTL = "2s"  # what a silent worker held returns after this


@pytest.fixture
def folder(tmp_path):
    pdf = text_pdf(30)
    for i in range(FILES):
        if i % 3 == 0:
            (tmp_path / f"{i:04}.pdf").write_bytes(pdf)
        else:
            (tmp_path / f"{i:04}.txt").write_text(f"text number {i}\n" * 50)
    return tmp_path


@pytest.fixture
def stack(stack_of, folder):
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator("--lease-ttl", TTL)
    for kind, share in (("pdf", 3), ("text", 1.5)):  # five seconds of work, however fast the machine is
        stack.cli("limit", "set", f"type={kind}", "--rate", f"{FILES / share / 5:.0f}/s")
    return stack


def done(stack, run_id):
    return stack.value("SELECT count(*) FROM extraction_jobs WHERE run_id = %s "
                       "AND status IN ('completed', 'failed')", run_id)


def wait_done(stack, run_id, least):
    """Until that many jobs have ended; the run must not be over by then."""
    until(lambda: done(stack, run_id) >= least, f"{least} jobs to end", 120, every=0.01)
    assert done(stack, run_id) < FILES, "the run was over before anything was killed"


def check(stack, run_id, capsys, what):
    """The invariants, by SQL; prints the figures."""
    run = stack.wait_run(run_id)
    facts = {
        "killed": what,
        "jobs": stack.value("SELECT count(*) FROM extraction_jobs WHERE run_id = %s", run_id),
        "not_ended": stack.value("SELECT count(*) FROM extraction_jobs WHERE run_id = %s "
                                 "AND status NOT IN ('completed', 'failed')", run_id),
        "failed": run["failed"],
        "completed_without_result": stack.value(
            "SELECT count(*) FROM extraction_jobs j WHERE status = 'completed' AND NOT EXISTS "
            "(SELECT FROM extracted_metadata m WHERE m.job_id = j.id)"),
        "results_without_job": stack.value(
            "SELECT count(*) FROM extracted_metadata m WHERE NOT EXISTS "
            "(SELECT FROM extraction_jobs j WHERE j.id = m.job_id AND j.status = 'completed')"),
        "results_twice": stack.value(
            "SELECT count(*) FROM (SELECT file_id FROM extracted_metadata WHERE run_id = %s "
            "GROUP BY file_id HAVING count(*) > 1) twice", run_id),
        "pages_missing": stack.value(
            "SELECT count(*) FROM extracted_metadata m WHERE m.pages <> "
            "(SELECT count(*) FROM extracted_pages p WHERE p.job_id = m.job_id AND p.page > 0)"),
        "stale_rejected": int(stack.metrics()['quarry_results_total{outcome="stale"}']),
        "infra_losses": run["infra_losses"],
        "retries": run["retries"],
    }
    # Leases handed out; a job may have ended before its second one was started.
    starts = stack.sql("SELECT starts, count(*) FROM (SELECT j.id, count(*) AS starts FROM extraction_jobs j "
                       "JOIN lease_batches b ON j.id = ANY (b.job_ids) WHERE j.run_id = %s GROUP BY 1) s "
                       "GROUP BY 1 ORDER BY 1", run_id)
    facts["starts_per_job"] = {str(n): jobs for n, jobs in starts}
    with capsys.disabled():
        print("\nchaos: " + json.dumps(facts))
    assert facts["jobs"] == FILES
    assert run["status"] == "completed" and facts["not_ended"] == 0
    for name in ("completed_without_result", "results_without_job", "results_twice", "pages_missing"):
        assert facts[name] == 0, name
    assert sum(jobs for _, jobs in starts) == FILES
    return facts


def test_kill_the_coordinator(stack, folder, capsys):
    stack.start_worker("w1", 2)
    stack.start_worker("w2", 2)
    run_id = stack.create_run(folder)
    for share in (10, 2):
        wait_done(stack, run_id, FILES // share)
        stack.coordinator.kill9()
        stack.start_coordinator("--lease-ttl", TTL)
    facts = check(stack, run_id, capsys, "coordinator, twice")
    assert facts["failed"] == 0 and facts["retries"] == 0


def test_kill_the_database(stack, folder, capsys):
    stack.start_worker("w1", 2)
    run_id = stack.create_run(folder)
    wait_done(stack, run_id, FILES // 4)
    stack.kill_postgres()
    stack.coordinator.wait()  # its own server is gone for good
    stack.start_coordinator("--lease-ttl", TTL)
    facts = check(stack, run_id, capsys, "database server")
    assert facts["failed"] == 0 and facts["retries"] == 0
