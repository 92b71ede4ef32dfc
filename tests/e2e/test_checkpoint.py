"""Long jobs go on where they were interrupted: a document of 5,000 pages, interrupted after about 3,000 of them
in each way there is, becomes the same record as one that nobody interrupted; printed is what was read twice."""

import datetime
import json
import os
import pathlib
import re
import signal
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.harness.quarry import children_of, until  # noqa: E402
from tests.harness.samples.pdf import Pdf  # noqa: E402

PAGES = int(os.environ.get("QUARRY_CHECKPOINT_PAGES", 5000))
STOP_AT = PAGES * 3 // 5
EVERY = "200ms"  # a fast machine reads all of it in a second


def long_pdf(path, pages=PAGES):
    """Pages of text and drawn lines with dimensions; what takes time is shared, so that the file is small."""
    pdf = Pdf()
    font = pdf.add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    strokes = "\n".join(f"{i % 500} {i % 700} m {i % 311} {i % 533} l S" for i in range(1500))
    shared = pdf.stream(strokes.encode(), flate=True)
    first = len(pdf.objects) + 2  # the tree comes right behind
    kids = b" ".join(b"%d 0 R" % (first + 2 * i) for i in range(pages))
    tree = pdf.add(b"<< /Type /Pages /Count %d /Kids [ %s ] >>" % (pages, kids))
    for i in range(pages):
        drawing = i % 25 == 7
        text = f"BT /F1 11 Tf 50 780 Td (Page {i + 1} of the long document, with words of its own) Tj ET"
        if drawing:
            text = (f"BT /F1 12 Tf 900 60 Td (DRAWING NO: A-{i}) Tj 0 -15 Td (SCALE: 1:2) Tj 0 -15 Td "
                    f"(MATERIAL: S235JR) Tj -600 500 Td ({i % 90 + 10}.5 %%%%p0.1) Tj 100 0 Td (R{i % 40 + 2}) Tj "
                    f"100 0 Td (M{i % 9 + 4}x1) Tj ET")
        pdf.add(b"<< /Type /Page /Parent %d 0 R /MediaBox [ 0 0 %s ] /Resources << /Font << /F1 %d 0 R >> >> "
                b"/Contents [ %d 0 R %d 0 R ] >>" % (tree, b"1191 842" if drawing else b"595 842", font,
                                                     first + 2 * i + 1, shared))
        pdf.stream(text.encode())
    root = pdf.add(b"<< /Type /Catalog /Pages %d 0 R >>" % tree)
    path.write_bytes(pdf.bytes(root))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long")
    folder.chmod(0o755)
    long_pdf(folder / "long.pdf")
    return folder


WORKER = ["--checkpoint-every", EVERY, "--log-level", "debug", "--drain-grace", "0s"]


@pytest.fixture(scope="module")
def whole(module_stack_of, folder):
    """The record of a run that nobody interrupts, by the same programs with checkpoints off."""
    stack = module_stack_of(roots={"in": folder})
    stack.start_coordinator()
    stack.start_worker("w1", 1, "--checkpoint-every", "1h")
    run_id = stack.create_run(folder)
    stack.wait_run(run_id, 600)
    record = stored(stack)
    assert len(record["pages"]) == PAGES
    return record


def stored(stack):
    """All that is stored of the one file, without what differs between two extractions of it."""
    def rows(table, order):
        names = [row[0] for row in stack.sql(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER' "
            "AND column_name <> ALL (%s) ORDER BY ordinal_position", table,
            ["id", "job_id", "file_id", "run_id", "created_at", "duration_ms", "peak_memory_bytes", "search"])]
        return [dict(zip(names, row)) for row in
                stack.sql(f"SELECT {', '.join(names)} FROM {table} ORDER BY {order}")]
    return json.loads(json.dumps({
        "record": rows("extracted_metadata", "job_id"), "pages": rows("extracted_pages", "job_id, page"),
        "dimensions": rows("extracted_dimensions", "id"), "parameters": rows("extracted_parameters", "id"),
        "materials": rows("extracted_materials", "id"), "bom": rows("extracted_bom_items", "id"),
    }, default=lambda value: bytes(value).hex() if isinstance(value, memoryview) else str(value)))


@pytest.fixture
def stack(stack_of, folder):
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    return stack


def progress(worker):
    """Pages as the worker's log has them: [(lease, done, from)]."""
    return [(int(lease), int(done), int(first)) for lease, done, first in re.findall(
        r"job\.progress lease=(\d+) done=(\d+) of=\d+ from=(\d+)", worker.log.read_text())] or [(0, 0, 0)]


def wait_page(worker, page):
    until(lambda: progress(worker)[-1][1] >= page, f"page {page}", 300, every=0.02)


def finish(stack, run_id, whole, before, capsys, how, workers):
    """The run ends, the record is the same; prints what was read twice. `before`: pages read until then."""
    run = stack.wait_run(run_id, 600)
    resumed = [lease for worker in workers for lease in progress(worker) if lease[2] > 0]
    first = resumed[0][2] if resumed else 0
    facts = {"interrupted": how, "pages": PAGES, "finished_before": before, "went_on_at": first,
             "read_twice": max(before - first, 0) if resumed else 0,
             "attempts_used": stack.value("SELECT retry_count FROM extraction_jobs"),
             "leases": stack.value("SELECT count(*) FROM lease_batches WHERE job_ids <> '{}'"),
             "checkpoints": int(stack.metrics()["quarry_checkpoints_total"])}
    with capsys.disabled():
        print("\ncheckpoint: " + json.dumps(facts))
    assert run["status"] == "completed" and run["completed"] == 1
    now = stored(stack)
    for part in whole:
        assert now[part] == whole[part], part
    assert stack.value("SELECT count(*) FROM job_parts") == 0
    return facts


def test_a_worker_killed(stack, folder, whole, capsys):
    victim = stack.start_worker("w1", 1, *WORKER)
    run_id = stack.create_run(folder)
    wait_page(victim, STOP_AT)
    victim.kill9()
    before = progress(victim)[-1][1]
    other = stack.start_worker("w2", 1, *WORKER)
    facts = finish(stack, run_id, whole, before, capsys, "worker kill -9, another goes on", [other])
    assert facts["went_on_at"] > STOP_AT // 2 and facts["attempts_used"] == 0


def test_a_child_killed(stack, folder, whole, capsys):
    worker = stack.start_worker("w1", 1, *WORKER)
    run_id = stack.create_run(folder)
    wait_page(worker, STOP_AT)
    for child in children_of(worker.pid):
        os.kill(child, signal.SIGKILL)
    before = progress(worker)[-1][1]
    until(lambda: stack.value("SELECT count(*) FROM delayed"), "the failure to be stored", 60)
    stack.sql("UPDATE delayed SET run_at = now()")
    facts = finish(stack, run_id, whole, before, capsys, "child kill -9", [worker])
    assert facts["went_on_at"] > STOP_AT // 2 and facts["attempts_used"] == 1


def test_a_coordinator_killed(stack, folder, whole, capsys):
    worker = stack.start_worker("w1", 1, *WORKER)
    run_id = stack.create_run(folder)
    wait_page(worker, STOP_AT)
    stack.coordinator.kill9()
    time.sleep(1)
    stack.start_coordinator()
    facts = finish(stack, run_id, whole, STOP_AT, capsys, "coordinator kill -9, back at once", [worker])
    assert facts["leases"] == 1  # the worker never stopped


def test_a_worker_drained(stack, folder, whole, capsys):
    first = stack.start_worker("w1", 1, *WORKER)
    run_id = stack.create_run(folder)
    wait_page(first, STOP_AT)
    assert first.terminate() == 0
    before = progress(first)[-1][1]
    other = stack.start_worker("w2", 1, *WORKER)
    facts = finish(stack, run_id, whole, before, capsys, "drain, another goes on", [other])
    assert facts["went_on_at"] >= before and facts["attempts_used"] == 0  # nothing is read twice


def test_a_job_paused_and_resumed(stack, folder, whole, capsys):
    worker = stack.start_worker("w1", 1, *WORKER)
    run_id = stack.create_run(folder)
    wait_page(worker, STOP_AT)
    stack.cli("run", "pause", str(run_id))
    until(lambda: not stack.value("SELECT count(*) FROM extraction_jobs WHERE claimed_by IS NOT NULL"),
          "the job to be handed back", 30)
    before = progress(worker)[-1][1]
    stack.cli("run", "resume", str(run_id))
    facts = finish(stack, run_id, whole, before, capsys, "pause and resume", [worker])
    assert facts["went_on_at"] >= before and facts["attempts_used"] == 0


def test_progress_is_seen_within_seconds(stack_of, tmp_path, capsys):
    """How old is what people see? Compared with the times at which the worker's log has the same page. Long enough
    that a fast machine is still reading when the first progress is shown, and not read to its end."""
    folder = tmp_path / "longer"
    folder.mkdir()
    pages = PAGES * 8
    long_pdf(folder / "longer.pdf", pages)
    tmp_path.chmod(0o755)
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    worker = stack.start_worker("w1", 1, *WORKER)
    run_id = stack.create_run(folder)
    wait_page(worker, 1)

    def reached(page):
        """When the worker was at that page, by its log; seconds since 1970."""
        for stamp, done in re.findall(r"^(\S+)Z \w+ \S+ job\.progress lease=\d+ done=(\d+)", worker.log.read_text(),
                                      re.M):
            if int(done) >= page:
                return datetime.datetime.fromisoformat(stamp).replace(tzinfo=datetime.timezone.utc).timestamp()
        return time.time()

    oldest = {"job show": 0, "job list": 0, "run show": 0, "metrics": 0}
    seen = 0
    while seen < 20 and progress(worker)[-1][1] < pages:
        job = stack.ask("job", "show", "1")
        listed = stack.ask("job", "list", "--run", str(run_id))[0]
        run = stack.run(run_id)
        read = int(float(stack.metrics()["quarry_running_pages_done"]))
        now = time.time()
        shown = {"job show": job.get("progress_done", 0), "job list": listed.get("progress_done", 0),
                 "run show": run.get("working_permille", 0) * pages // 1000, "metrics": read}
        for name, page in shown.items():
            if page > 1:  # the first is shown after two seconds
                oldest[name] = max(oldest[name], now - reached(page + 1))
        seen += shown["job show"] > 0
        time.sleep(0.2)
    with capsys.disabled():
        print("\nprogress: " + json.dumps({"seconds_old_at_most": {k: round(v, 1) for k, v in oldest.items()},
                                           "looks": seen}))
    assert seen > 0 and all(oldest.values())
    stack.cli("run", "cancel", str(run_id))
