"""kill -9 in mid-run: the run finishes, no job is lost, none has its result twice."""

import json
import signal

import pytest

from tests.harness.quarry import children_of, until

FILES = 300
TTL = "2s"  # what a silent worker held returns after this


def small_pdf(pages):
    """A PDF of that many pages, each with lines of text; enough work that a run can be caught midway."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>",
               b"<< /Type /Pages /Count %d /Kids [%s] >>"
               % (pages, b" ".join(b"%d 0 R" % (4 + 2 * i) for i in range(pages))),
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    for page in range(pages):
        lines = b"".join(b"(page %d line %d of a part list with words) Tj T* " % (page, i) for i in range(60))
        stream = b"BT /F1 9 Tf 11 TL 40 750 Td " + lines + b"ET"
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
                       b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * page))
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, xref)
    return bytes(out)


@pytest.fixture
def folder(tmp_path):
    pdf = small_pdf(30)
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


def test_kill_a_worker(stack, folder, capsys):
    victim = stack.start_worker("w1", 2)
    stack.start_worker("w2", 2)
    run_id = stack.create_run(folder)
    wait_done(stack, run_id, FILES // 10)
    victim.kill9()
    facts = check(stack, run_id, capsys, "worker")
    assert facts["failed"] == 0 and facts["retries"] == 0  # the loss of a worker is no attempt


def test_kill_a_worker_that_comes_back(stack, folder, capsys):
    victim = stack.start_worker("w1", 2)
    run_id = stack.create_run(folder)
    for share in (10, 4, 2):
        wait_done(stack, run_id, FILES // share)
        victim.kill9()
        victim = stack.start_worker("w1", 2)
    facts = check(stack, run_id, capsys, "worker, three times")
    assert facts["failed"] == 0 and facts["retries"] == 0


def test_a_frozen_worker_brings_its_results_too_late(stack, folder, capsys):
    frozen = stack.start_worker("w1", 2)
    stack.start_worker("w2", 2)
    run_id = stack.create_run(folder)
    wait_done(stack, run_id, FILES // 10)
    frozen.process.send_signal(signal.SIGSTOP)
    stack.wait_run(run_id)  # w2 does what w1 held, once that has run out
    frozen.process.send_signal(signal.SIGCONT)
    until(lambda: stack.metrics()['quarry_results_total{outcome="stale"}'] > 0, "a stale result")
    facts = check(stack, run_id, capsys, "nothing: a worker frozen")
    assert facts["failed"] == 0 and facts["retries"] == 0


def test_kill_a_child(stack, folder, capsys):
    worker = stack.start_worker("w1", 2)
    run_id = stack.create_run(folder)
    for share in (10, 4, 2):
        wait_done(stack, run_id, FILES // share)
        stack.kill_child(worker)
    facts = check(stack, run_id, capsys, "child, three times")
    assert worker.alive()
    assert facts["infra_losses"] == 0


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
