"""The history checker finds what is wrong: violations are planted in copies of a real, finished database."""
import argparse
import types

import pytest

from tests.chaos.__main__ import Options
from tests.chaos.checker import Told, check, limit_kept
from tests.chaos.history import History
from tests.chaos.stack import Stack

JOBS_S = 60  # jobs a second, for a few seconds


@pytest.fixture(scope="module")
def finished():
    """A run in which a worker was killed and a file could not be read; coordinators and workers have ended."""
    options = Options(argparse.Namespace(seed=11, build="release", minutes=1, rate=JOBS_S))
    with Stack(options, "checker") as stack:
        run_id = stack.create_run("checker")
        (stack.folder / "in" / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing more")
        feeder = stack.feed(run_id, JOBS_S)
        stack.sleep(2)
        stack.kill9("w1")
        stack.start_worker("w1")
        stack.sleep(1)
        stack.enqueue(run_id, "root://in/broken.pdf", "pdf")
        uris = feeder.stop() + ["root://in/broken.pdf"]
        stack.close_run(run_id)
        assert stack.wait_run(run_id, 120), "the run did not end"
        stack.sampler.look(10)
        metrics = {"committed": stack.sampler.outcome("committed")}
        stack.end_programs()
        told = Told(stack.worker_logs())
        yield types.SimpleNamespace(stack=stack, run=run_id, uris=uris, told=told, metrics=metrics, copies=0)


def report_of(finished, plant=None, told=None, metrics=None):
    """Checks a copy of the database after `plant`, a list of statements, was done to it."""
    finished.copies += 1
    name = f"copy{finished.copies}"
    postgres = finished.stack.postgres
    admin = postgres.connect("postgres")
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE quarry")
    copy = postgres.connect(name)
    try:
        with copy.cursor() as cursor:
            cursor.execute("ALTER TABLE extraction_jobs DISABLE TRIGGER USER")
            for statement in plant or []:
                cursor.execute(statement)
                assert cursor.rowcount != 0, f"nothing was planted by: {statement}"
        return check(History.load(copy), acknowledged={finished.run: finished.uris}, told=told or finished.told,
                     metrics=metrics)
    finally:
        copy.close()
        with admin.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")
        admin.close()


def test_a_clean_history_has_no_violations(finished):
    report = report_of(finished, metrics=finished.metrics)
    assert not report.violations, report.text()
    assert report.figures["lost"] == 0 and report.figures["doubled"] == 0
    assert report.figures["jobs"] == len(finished.uris) and report.figures["failed"] == 1


# a job that completed with a record; one that completed in its first lease; the failed one
DONE = "(SELECT min(job_id) FROM extracted_metadata JOIN extraction_jobs j ON j.id = job_id WHERE j.status = 'completed')"
FAILED = "(SELECT min(job_id) FROM dead_letters)"

PLANTS = {
    "a job is gone": (
        [f"DELETE FROM extraction_jobs WHERE id = {DONE}"],
        {"lost", "counter", "result_without_job", "lease_of_nothing"}),
    "a job never ends": (
        [f"UPDATE extraction_jobs SET status = 'pending' WHERE id = {DONE}"],
        {"lost", "path", "counter", "result_without_job"}),
    "a second committed result": (
        [f"INSERT INTO job_events (event, run_id, job_ids) SELECT 'completed', run_id, ARRAY[id] FROM extraction_jobs "
         f"WHERE id = {DONE}"], {"doubled", "path"}),
    "a result row twice": (
        [f"INSERT INTO extracted_pages (job_id, page, text) SELECT job_id, page + 1000, text FROM extracted_pages "
         f"WHERE job_id = {DONE}"], {"result_rows"}),
    "a result of a failed job": (
        [f"INSERT INTO extracted_metadata (job_id, file_id, run_id) SELECT id, file_id, run_id FROM extraction_jobs "
         f"WHERE id = {FAILED}"], {"result_without_job"}),
    "a result without its record": (
        [f"DELETE FROM extracted_metadata WHERE job_id = {DONE}"], {"completed_without_result", "result_without_job"}),
    "a result of a lease that did not hold the job": (
        [f"UPDATE extraction_jobs SET settled_lease_id = settled_lease_id + 1000000 WHERE id = {DONE}"],
        {"result_of_no_lease", "path", "ack_is_true"}),
    "completed counted once too often": (["UPDATE run_stages SET completed = completed + 1"], {"counter"}),
    "open is not zero": (["UPDATE run_stages SET open = open + 1"], {"counter"}),
    "losses not counted": (["UPDATE run_stages SET infra_losses = infra_losses + 1"], {"counter"}),
    "a stage counted twice": (["UPDATE run_stages SET completed = completed + 1 WHERE stage = 'link'"], {"counter"}),
    "the work of a stage is gone": (["DELETE FROM stage_jobs WHERE stage = 'index'"], {"counter", "stage_done"}),
    "a stage not done for the last epoch": (
        ["UPDATE run_stages SET epoch = epoch + 1 WHERE stage = 'extract'"], {"stage_done"}),
    "a stage that closed without writing": (
        ["UPDATE stage_jobs SET superseded = true WHERE stage = 'report'"], {"stage_done"}),
    "a run without its report": (["DELETE FROM run_reports"], {"stage_done"}),
    "the event of a completion is missing": (
        [f"UPDATE job_events SET job_ids = array_remove(job_ids, {DONE}) WHERE event = 'completed' "
         f"AND {DONE} = ANY (job_ids)"], {"path"}),
    "the event of a creation is missing": (
        [f"UPDATE job_events SET job_ids = array_remove(job_ids, {DONE}) WHERE event = 'created' "
         f"AND {DONE} = ANY (job_ids)"], {"path"}),
    "the event of a failure is missing": ([f"DELETE FROM job_events WHERE job_id = {FAILED}"], {"path"}),
    "a lease is given to two jobs": (
        ["INSERT INTO lease_batches (first_lease_id, session_pk, claimed_by, job_ids) "
         f"SELECT first_lease_id + cardinality(job_ids) - 1, session_pk, claimed_by, ARRAY[{DONE}] FROM lease_batches "
         f"WHERE NOT {DONE} = ANY (job_ids) AND cardinality(job_ids) > 1 LIMIT 1"], {"lease_twice", "lease_open"}),
    "a lease that nobody ended": (
        ["INSERT INTO lease_batches (first_lease_id, session_pk, claimed_by, job_ids) "
         f"SELECT max(first_lease_id) + 256, 1, 1, ARRAY[{DONE}] FROM lease_batches"], {"lease_open"}),
    "a lease that ended is not marked": (
        ["UPDATE lease_batches SET gone = '{}' WHERE gone <> '{}'"], {"gone_mark"}),
    "a step that is not legal": (
        [f"INSERT INTO job_events (event, run_id, job_id) SELECT 'retried', run_id, id FROM extraction_jobs "
         f"WHERE id = {DONE}"], {"path"}),
    "an event that nobody knows": (
        [f"INSERT INTO job_events (event, run_id, job_id) SELECT 'frobnicated', run_id, id FROM extraction_jobs "
         f"WHERE id = {DONE}"], {"unknown_event"}),
    "a failed job without a dead letter": (["DELETE FROM dead_letters"], {"dead_letter"}),
    "a finished job still waits": (
        [f"INSERT INTO delayed (job_id, run_at, queue_id, rank) SELECT id, now(), queue_id, 0 FROM extraction_jobs "
         f"WHERE id = {DONE}"], {"queued_final"}),
    "a job found by one that did not complete": (
        [f"UPDATE extraction_jobs SET parent_job_id = {FAILED}, depth = 1 WHERE id = {DONE}"],
        {"found_unfenced", "found_count"}),
    "found jobs that are not there": (
        [f"INSERT INTO job_events (event, run_id, job_id, detail) SELECT 'found', run_id, id, '2 new, 0 already in the run' "
         f"FROM extraction_jobs WHERE id = {DONE}"], {"found_count"}),
    "a listed job that has a depth": (
        [f"UPDATE extraction_jobs SET depth = 2 WHERE id = {DONE}"], {"found_depth"}),
    "a run that ended twice": (
        ["INSERT INTO job_events (event, run_id) SELECT 'run.completed', max(id) FROM runs"], {"run_ends"}),
    "a run that did not end": (["UPDATE runs SET status = 'active'"], {"run_open"}),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_violation_is_reported(finished, plant):
    statements, expected = PLANTS[plant]
    found = set(report_of(finished, statements).names())
    assert found == expected, f"{plant}: reported {sorted(found)}"


def test_what_a_worker_was_told_must_be_true(finished):
    lease, job = finished.told.committed[0]
    told = Told()
    told.committed = [(lease + 1_000_000, job)]
    assert report_of(finished, told=told).names() == ["ack_is_true"]
    told = Told()
    told.stale = [(lease, job)]
    assert report_of(finished, told=told).names() == ["ack_is_true"]


def test_a_lease_that_is_started_twice_is_reported(finished):
    told = Told()
    told.starts = [finished.told.starts[0]] * 2
    assert report_of(finished, told=told).names() == ["started_twice"]


def test_commits_that_the_coordinators_did_not_count_are_reported(finished):
    metrics = {"committed": finished.metrics["committed"] - 1}
    assert report_of(finished, metrics=metrics).names() == ["metrics"]


LIMITS = {
    "never above": ([(3, "ab"), (3, "abc"), (3, "bcd")], 0),
    "lowered: what had begun goes on": ([(4, "abcd"), (2, "abcd"), (2, "bcd"), (2, "cd"), (2, "de")], 0),
    "set: what had begun goes on": ([(None, "abcdef"), (2, "abcdef"), (2, "ef"), (2, "fg")], 0),
    "removed, and set again": ([(1, "a"), (None, "abcd"), (2, "abcd"), (2, "d")], 0),
    "raised": ([(1, "a"), (3, "abc")], 0),
    "one too many": ([(2, "ab"), (2, "abc")], 1),
    "one begins above the lowered limit": ([(4, "abcd"), (2, "abcd"), (2, "bcde")], 1),
    "one takes the place of one that had begun": ([(4, "abcd"), (2, "abcd"), (2, "abce")], 1),
    "above the higher of both when it changes": ([(2, "ab"), (3, "abcd")], 1),
}


@pytest.mark.parametrize("case", LIMITS)
def test_leases_above_a_limit_are_reported(case):
    samples, expected = LIMITS[case]
    found = limit_kept([(limit, frozenset(leases)) for limit, leases in samples])
    assert len(found) == expected, found
