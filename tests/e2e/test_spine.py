"""The spine: a folder goes in, every file ends with an outcome, and all views of it agree."""

import collections
import pathlib
import shutil
import subprocess

import pytest

from tests.harness.quarry import FINAL, SAMPLES

OPERATORS_SQL = pathlib.Path(__file__).resolve().parents[3] / "shared" / "sql" / "operators.sql"


@pytest.fixture(scope="module")
def finished(module_stack_of):
    """A stack on which one run over the samples has ended: (stack, run)."""
    stack = module_stack_of(roots={"samples": SAMPLES})
    stack.start_coordinator()
    stack.start_worker("w1", slots=2)
    return stack, stack.wait_run(stack.create_run("root://samples/"))


def by_status(stack, run):
    rows = stack.sql("SELECT status, count(*) FROM extraction_jobs WHERE run_id = %s GROUP BY 1", run["id"])
    return dict(rows)


def test_every_file_has_an_outcome(finished):
    stack, run = finished
    files = sum(1 for path in SAMPLES.rglob("*") if path.is_file())
    statuses = by_status(stack, run)
    assert sum(statuses.values()) == files
    assert set(statuses) <= set(FINAL)
    assert stack.value("SELECT count(*) FROM extraction_jobs WHERE status = 'failed' "
                       "AND (last_error IS NULL OR last_error = '')") == 0
