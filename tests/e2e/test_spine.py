"""The spine: a folder goes in, every file ends with an outcome, and all views of it agree."""

import re
import subprocess

import psycopg2
import pytest

from tests.harness.quarry import FINAL, SAMPLES, SHARED

OPERATORS_SQL = SHARED / "sql" / "operators.sql"


@pytest.fixture(scope="module")
def stack(module_stack_of):
    """A stack on which one run over the samples has ended."""
    stack = module_stack_of(roots={"samples": SAMPLES})
    stack.start_coordinator()
    stack.start_worker("w1", slots=2)
    stack.run_id = stack.create_run(SAMPLES)
    stack.wait_run(stack.run_id)
    return stack


def by_status(stack):
    return dict(stack.sql("SELECT status, count(*) FROM extraction_jobs WHERE run_id = %s GROUP BY 1",
                          stack.run_id))


def test_every_file_has_an_outcome(stack):
    files = sum(1 for path in SAMPLES.rglob("*") if path.is_file())
    statuses = by_status(stack)
    assert sum(statuses.values()) == files > 0
    assert set(statuses) <= set(FINAL)


def test_every_failure_says_why(stack):
    failed = stack.sql("SELECT id, error_class, last_error FROM extraction_jobs WHERE status = 'failed'")
    for job, error_class, message in failed:
        assert error_class and len(message) > 10, f"job {job}: {error_class}: {message}"


def test_every_completed_job_has_one_result_or_says_why_it_is_empty(stack):
    assert stack.value("SELECT count(*) FROM extraction_jobs j WHERE status = 'completed' AND NOT EXISTS "
                       "(SELECT FROM extracted_metadata m WHERE m.job_id = j.id)") == 0
    assert stack.value("SELECT count(*) FROM extraction_jobs j JOIN extracted_metadata m ON m.job_id = j.id "
                       "WHERE status = 'completed' AND m.chars = 0 AND m.entities IS NULL AND m.paper_entities IS NULL "
                       "AND j.empty_reason IS NULL") == 0


def test_the_command_line_agrees_with_sql(stack):
    statuses, run = by_status(stack), stack.run(stack.run_id)
    assert run["status"] == "completed"
    assert run["total"] == sum(statuses.values())
    for status in FINAL:
        assert run[status] == statuses.get(status, 0), status
    assert run["pending"] == run["processing"] == run["paused"] == 0
    jobs = stack.ask("job", "list", "--run", stack.run_id, "--status", "failed")
    assert len(jobs) == statuses.get("failed", 0)


def test_the_report_by_type_adds_up(stack):
    run = stack.run(stack.run_id)
    assert sum(row["total"] for row in run["types"]) == run["total"]
    for row in run["types"]:
        assert row["completed"] + row["failed"] == row["total"], row
        assert sum(row["failed_by_class"].values()) == row["failed"], row
        assert sum(row["empty_by_reason"].values()) == row["empty"], row


def test_metrics_agree_with_sql_and_promtool_finds_nothing(stack):
    metrics, statuses = stack.metrics(), by_status(stack)
    for outcome, status in (("committed", "completed"), ("failed", "failed")):
        assert metrics[f'quarry_results_total{{outcome="{outcome}"}}'] == statuses.get(status, 0)
    done = subprocess.run(["promtool", "check", "metrics"], input=stack.http("/metrics"), text=True,
                          capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_health_answers(stack):
    assert stack.http("/healthz")
    assert stack.http("/readyz")
    stack.http("/no/such/page", code=404)


def test_verify_finds_nothing_wrong(stack):
    checks = stack.ask("verify")
    assert checks and all(check["ok"] for check in checks), checks


def test_every_job_has_its_history(stack):
    for job, status in stack.sql("SELECT id, status FROM extraction_jobs ORDER BY id"):
        events = [e["event"] for e in stack.ask("job", "events", job)]
        assert events[0] == "created" and events[-1] == status and "leased" in events, (job, events)


def test_the_same_run_again_takes_only_what_is_new(stack_of, tmp_path):
    (tmp_path / "a.txt").write_text("first file\n")
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    stack.start_worker("w1")
    assert stack.wait_run(stack.create_run(tmp_path))["total"] == 1
    assert stack.wait_run(stack.create_run(tmp_path))["total"] == 0
    (tmp_path / "b.txt").write_text("second file\n")
    assert stack.wait_run(stack.create_run(tmp_path))["total"] == 1
    assert stack.wait_run(stack.create_run(tmp_path, "--again"))["total"] == 2


@pytest.mark.skipif(not OPERATORS_SQL.exists(), reason="the operators' statements are not beside the checkout")
def test_operators_statements_run_and_agree(stack):
    text = re.sub(r"--.*", "", OPERATORS_SQL.read_text())
    statements = [s for s in text.split(";") if s.strip()]
    answers = []
    for statement in statements:
        try:
            answers.append((statement, stack.sql(statement)))
        except psycopg2.Error as wrong:
            pytest.fail(f"{wrong}\n{statement}")
    assert answers[0][1] == [(13,)]
    overall = next(rows for text, rows in answers if "AS pct" in text)
    assert {status: count for status, count, _ in overall} == by_status(stack)
    by_type = next(rows for text, rows in answers if "has_params" in text)
    assert {row[0]: (row[1], row[3]) for row in by_type} == {
        row["type"]: (row["total"], row["failed"]) for row in stack.run(stack.run_id)["types"]}
    assert next(rows for text, rows in answers if "stall_time" in text) == []  # nobody holds a job any more
