"""The worker of docs/examples, made from the .proto files alone, against the real coordinator."""

import signal
import subprocess
import sys

import pytest

from tests.harness.quarry import ROOT, until


class Example:
    """docs/examples/worker.py as a process; `changed` is a line that changes the class Worker before it starts."""

    def __init__(self, stack, folder, *flags, changed=""):
        script = ROOT / "docs/examples/worker.py"
        program = [script] if not changed else ["-c", (
            f"import sys; sys.path.insert(0, {str(script.parent)!r}); import worker; from worker import *\n"
            f"{changed}\nworker.main()")]
        self.out = stack.folder / "example.out"
        self.process = subprocess.Popen(
            [sys.executable, *program, "--coordinator", stack.coordinator.grpc,
             "--id", "py1", "--root", f"in={folder}", *map(str, flags)],
            stdout=open(self.out, "w"), stderr=open(stack.folder / "example.log", "w"))
        until(lambda: "ready" in self.lines(), "the example worker to be welcomed")

    def lines(self):
        return self.out.read_text().splitlines()

    def acks(self):
        return [line.split()[2] for line in self.lines() if line.startswith("ack")]


@pytest.fixture
def start(stack_of, tmp_path):
    """start(files, flags…): (stack, run id, example worker) over that many text files."""
    running = []

    def go(files, *flags, **how):
        for i in range(files):
            (tmp_path / f"{i:03}.txt").write_text(f"text {i}\n" * (1 + 3000 * (i == 7)))
        (tmp_path / "latin.txt").write_bytes(b"5 \xb5m\n")
        stack = stack_of(roots={"in": tmp_path})
        stack.start_coordinator("--lease-ttl", "2s")
        running.append(Example(stack, tmp_path, *flags, **how))
        return stack, stack.create_run(tmp_path), running[-1]

    yield go
    for example in running:
        example.process.kill()
        example.process.wait(10)


def test_it_completes_leases(start):
    stack, run_id, example = start(40)
    run = stack.wait_run(run_id)
    assert (run["completed"], run["failed"]) == (40, 1)  # the one that is not UTF-8
    assert example.acks() == ["ACK_CODE_COMMITTED"] * 41
    assert stack.value("SELECT count(*) FROM extracted_metadata WHERE extractor = 'example'") == 40
    assert stack.value("SELECT max(chars) FROM extracted_metadata") > 60000 // 3  # it went in chunks


def test_sigterm_hands_back_what_waits_and_leaves(start):
    stack, run_id, example = start(20, "--slow", 0.5)
    until(lambda: example.acks(), "the first result")
    example.process.send_signal(signal.SIGTERM)
    assert example.process.wait(30) == 0
    assert example.lines()[-1].startswith("end END_REASON_GOODBYE")
    stack.start_worker("w1", 2)
    run = stack.wait_run(run_id)
    assert run["completed"] + run["failed"] == 21 and run["retries"] == 0


def test_the_operator_can_drain_it(start):
    stack, run_id, example = start(20, "--slow", 0.5)
    until(lambda: example.acks(), "the first result")
    stack.cli("worker", "drain", "py1")
    assert example.process.wait(30) == 0
    assert stack.run(run_id)["status"] == "active"


def test_it_obeys_a_stop(start):
    """The coordinator stops a job whose time budget is used up: here by a worker whose clock runs ahead."""
    stack, run_id, example = start(
        3, "--slow", 4, changed="Worker.age_ms = lambda self, lease_id: 10**7 * (lease_id in self.started)")
    until(lambda: any(line.startswith("stop") for line in example.lines()), "a Stop")
    until(lambda: stack.value("SELECT count(*) FROM extraction_jobs WHERE retry_count = 1") > 0, "the time-out")
    assert stack.value("SELECT count(*) FROM extracted_metadata m JOIN extraction_jobs j ON j.id = m.job_id "
                       "WHERE j.retry_count > 0") == 0
    assert "ACK_CODE_COMMITTED" not in example.acks()


def test_a_record_over_the_limit_fails_its_job_and_says_why(start):
    """A worker that does not know the limit would otherwise send it again for ever."""
    stack, run_id, example = start(1, changed=(
        "def deliver(self, result):\n"
        "    self.unacked[result.lease_id] = [result, time.monotonic()]\n"
        "    self.send(result=pb.Result(results=[pb.JobResult(\n"
        "        lease_id=result.lease_id, job_id=result.job_id, record_bytes=1 << 40)]))\n"
        "Worker.deliver = deliver"))
    until(lambda: example.acks() == ["ACK_CODE_COMMITTED"] * 2, "both results to be settled")
    events = stack.sql("SELECT DISTINCT event, detail FROM job_events WHERE job_id IS NOT NULL")
    assert len(events) == 1 and events[0][0] == "retry", events
    assert events[0][1].startswith("resource: ") and "--max-record" in events[0][1], events


FINDS = """
deliver = Worker.deliver
def finds(self, result):
    if not result.found:  # it may be delivered again
        result.found.extend(pb.FoundJob(uri=f"root://in/extra/{i:03}.txt", type="text") for i in range(300))
    deliver(self, result)
Worker.deliver = finds
"""


@pytest.mark.parametrize("asked", [True, False])
def test_what_any_worker_finds_is_added_where_the_run_asks_for_it(stack_of, tmp_path, asked):
    for name in ("top", "extra"):
        (tmp_path / name).mkdir()
    (tmp_path / "top/a.txt").write_text("a\n")
    for i in range(300):
        (tmp_path / f"extra/{i:03}.txt").write_text(f"{i}\n")
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    example = Example(stack, tmp_path, changed=FINDS)
    try:
        run_id = stack.create_run("root://in/top", *(["--follow-references"] if asked else []))
        run = stack.wait_run(run_id)
    finally:
        example.process.kill()
        example.process.wait(10)
    details = {detail for detail, in stack.sql("SELECT detail FROM job_events WHERE event = 'found.refused'")}
    if asked:  # one result brings 256, and each is told of the same 300
        assert run["completed"] == run["total"] == 257 and run["found"] == 256
        assert details == {"44 not added: resource: one file names more than 256 others"}
    else:
        assert run["completed"] == run["total"] == 1 and run["found"] == 0 and run["found_refused"] == 300
        assert len(details) == 1 and details.pop().startswith("300 not added: ")
