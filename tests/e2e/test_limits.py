"""Limits hold over the whole fleet: two coordinators on one database, a worker at each, and the audit trail says how
much ran at a time."""

import pytest

from tests.harness.quarry import until
from tests.harness.samples.text_pdf import text_pdf

JOBS = 24
PAGES = 250  # so long that both workers are at it, on a fast machine too
SLACK = "10 milliseconds"  # an event has the time its transaction began, not that of its commit


@pytest.fixture(scope="module")
def fleet(module_stack_of, tmp_path_factory):
    """Two coordinators, each with a worker of four slots."""
    folder = tmp_path_factory.mktemp("limits")
    for source in ("a", "b"):
        (folder / source).mkdir()
        for i in range(JOBS):
            (folder / source / f"{i}.pdf").write_bytes(text_pdf(PAGES))
        (folder / source).chmod(0o755)
    folder.chmod(0o755)
    stack = module_stack_of(roots={"a": folder / "a", "b": folder / "b"})
    stack.start_coordinator()
    dsn = stack.dsn()
    other = stack.start("coordinator2", "quarry-coordinator", "--database",
                        f"host={dsn['host']} dbname=quarry user=quarry", "--listen", "127.0.0.1:0", "--http",
                        "127.0.0.1:0", *stack._root_flags())
    for name, coordinator in (("w1", stack.coordinator), ("w2", other)):
        stack.start(name, "quarry-worker", "--coordinator", coordinator.grpc, "--id", name, "--slots", 4,
                    "--spool", stack.folder / f"spool-{name}", *stack._root_flags())
    return stack


@pytest.fixture
def limited(fleet):
    """Sets limits, and takes them away again."""
    made = []

    def limit(name, *how):
        made.append(name)
        return fleet.cli("limit", "set", name, *how).stderr
    yield limit
    for name in made:
        fleet.cli("limit", "remove", name)
    assert fleet.ask("limit", "list") == []
    assert fleet.value("SELECT count(*) FROM limit_holds") == 0


def leases(stack, *runs):
    """(start, end, worker) of each job's lease, from the record of hand-overs and results."""
    rows = stack.sql(
        "SELECT b.created_at, j.completed_at, s.worker_id FROM extraction_jobs j "
        "JOIN lease_batches b ON b.first_lease_id = j.settled_lease_id - (j.settled_lease_id - 1) %% 256 "
        "JOIN sessions s ON s.pk = b.session_pk "
        f"WHERE j.run_id = ANY (%s) AND j.completed_at - b.created_at > interval '{SLACK}' ORDER BY 1", list(runs))
    return rows


def most_at_a_time(rows):
    """The largest number of leases that overlap."""
    events = sorted([(start, 1) for start, _, _ in rows] + [(end, -1) for _, end, _ in rows])
    most = now = 0
    for _, step in events:
        now += step
        most = max(most, now)
    return most


def finish(stack, *runs):
    for run in runs:
        ended = stack.wait_run(run)
        assert (ended["completed"], ended["failed"]) == (JOBS, 0)
    return leases(stack, *runs)


def create(stack, source, *extra):
    return stack.create_run(f"root://{source}/", "--again", *extra)


def test_without_a_limit_more_run(fleet):
    rows = finish(fleet, create(fleet, "a"))
    assert most_at_a_time(rows) > 3 and {worker for _, _, worker in rows} == {"w1", "w2"}


def test_a_limit_of_a_type_is_held_by_both_coordinators(fleet, limited):
    assert "type=pdf: 3 running at most" in limited("type=pdf", "--running", 3)
    workers = set()
    for _ in range(5):  # whoever asks first may have all three places for the whole of a round
        rows = finish(fleet, create(fleet, "a"), create(fleet, "b"))
        assert len(rows) == 2 * JOBS and most_at_a_time(rows) <= 3
        workers |= {worker for _, _, worker in rows}
        if workers == {"w1", "w2"}:
            break
    assert workers == {"w1", "w2"}


def test_a_limit_of_a_source_leaves_others_alone(fleet, limited):
    limited("source=a", "--running", 1)
    slow, free = create(fleet, "a"), create(fleet, "b")
    finish(fleet, slow, free)
    assert most_at_a_time(leases(fleet, slow)) == 1
    assert most_at_a_time(leases(fleet, free)) > 1


def test_a_limit_of_a_run_is_its_own(fleet, limited):
    run = fleet.create_run("root://a/", "--again", "--delay", "1s")
    limited(f"run={run}", "--running", 2)
    other = create(fleet, "b")
    finish(fleet, run, other)
    assert most_at_a_time(leases(fleet, run)) <= 2


def test_a_rate_is_held_by_both_coordinators(fleet, limited):
    limited("type=pdf", "--rate", "4/s", "--burst", "2")
    shown = fleet.ask("limit", "list")
    assert [(limit["scope"], limit["name"], limit["rate"], limit["burst"]) for limit in shown] == [
        ("type", "pdf", 4, 2)]
    starts = sorted(start for start, _, _ in finish(fleet, create(fleet, "a")))
    assert len(starts) == JOBS
    for i, first in enumerate(starts):  # in any stretch of time: the burst, and what the rate gives in it
        for k in range(i + 1, len(starts)):
            seconds = (starts[k] - first).total_seconds()
            assert k - i + 1 <= 2 + 4 * (seconds + 0.25) + 1e-6, (k - i + 1, seconds)


def test_a_limit_that_is_taken_away_lets_go(fleet, limited):
    fleet.cli("limit", "set", "type=pdf", "--rate", "1/d")
    fleet.sql("UPDATE limits SET tokens = 0, filled_at = clock_timestamp()")
    run = create(fleet, "a")
    fleet.wait_listed(run)
    until(lambda: "limit_rate" in [r["code"] for r in fleet.ask("run", "why", run)["reasons"]], "the limit to be felt")
    assert fleet.run(run)["completed"] == 0
    assert "not limited any more" in fleet.cli("limit", "remove", "type=pdf").stderr
    finish(fleet, run)
    assert fleet.cli("limit", "remove", "type=pdf", code=3).stderr.startswith("quarry: ")
