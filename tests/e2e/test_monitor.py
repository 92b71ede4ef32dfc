"""`quarry monitor`: on terminals of several sizes, in pipes, as JSON, and against a real installation."""

import json
import re
import signal
import subprocess

import grpc
import pytest

from tests.e2e.test_cli import (QUARRY, admin, environment, on_terminal, quarry,  # noqa: F401 (a fixture)
                                whole)
from tests.harness.quarry import until

ESCAPE = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|([^\x1b])", re.S)


class Screen:
    """What a terminal shows after the escapes that the command is meant to use; any other fails the test."""

    def __init__(self, columns=80, rows=24):
        self.columns, self.rows = columns, rows
        self.lines, self.row, self.column, self.cursor = [""] * rows, 0, 0, True

    def feed(self, text):
        at = 0
        for found in ESCAPE.finditer(text):
            assert found.start() == at, repr(text[at:at + 20])
            at = found.end()
            number, what, char = found.groups()
            if char is None:
                self._escape(number, what)
            elif char == "\r":
                self.column = 0
            elif char == "\n":
                self.row += 1
                if self.row == self.rows:
                    self.lines, self.row = self.lines[1:] + [""], self.rows - 1
            else:
                assert self.column < self.columns, f"wider than the terminal: {self.lines[self.row]}"
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[:self.column] + char + line[self.column + 1:]
                self.column += 1
        return self

    def _escape(self, number, what):
        if what == "A":
            assert int(number) <= self.row, "up beyond the first line"
            self.row -= int(number)
        elif what == "K":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif what == "J" and number == "":
            self.lines[self.row] = self.lines[self.row][:self.column]
            self.lines[self.row + 1:] = [""] * (self.rows - self.row - 1)
        elif what == "J" and number == "2":
            self.lines = [""] * self.rows
        elif what == "H":
            self.row = self.column = 0
        elif number == "?25":
            self.cursor = what == "h"
        else:
            assert what == "m", (number, what)

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")


def live(admin, *args, columns=80, looks=4):  # noqa: F811
    """The screen after some looks and Ctrl-C, and what was written."""
    with on_terminal(admin.address, "monitor", "--every", "200ms", *args, columns=columns) as (process, read):
        until(lambda: (read(0.05), sum(m == "GetMonitor" for m, _ in admin.seen) >= looks)[1], "some looks")
        process.send_signal(signal.SIGINT)
        seen = whole(process, read)
    assert process.returncode == 0, seen
    return Screen(columns).feed(seen), seen


def test_a_terminal_is_redrawn_in_place(admin):  # noqa: F811
    screen, seen = live(admin)
    assert seen.count("quarry   here") >= 3 and screen.text.count("quarry   here") == 1
    assert "rate     12.5/s" in screen.text and "leases   0 offered, 2 active" in screen.text
    assert re.search(r"^ *7 +active +45 % .* 40 .* 3 .*weekly", screen.text, re.M), screen.text
    assert re.search(r"^w1 +connected", screen.text, re.M)
    assert screen.cursor and not screen.text.endswith("^C")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(admin, columns):  # noqa: F811
    admin.alerts = [admin.pb.Alert(code="no_type", text="run 7: " + "long " * 100)]
    screen, _ = live(admin, columns=columns, looks=3)
    assert "! run 7: long" in screen.text


def test_more_than_the_terminal_has_lines_is_cut_and_counted(admin):  # noqa: F811
    admin.workers = [admin.pb.Worker(id=f"w{i}", status="connected", slots=1) for i in range(50)]
    screen, _ = live(admin)
    assert re.search(r"… \d+ more$", screen.text) and "quarry   here" in screen.text.splitlines()[0]
    assert "w49" in quarry(admin, "monitor").stdout


def test_a_picture_that_shrinks_leaves_nothing_behind(admin):  # noqa: F811
    admin.alerts = [admin.pb.Alert(code="no_type", text=f"alert {i}") for i in range(5)]
    with on_terminal(admin.address, "monitor", "--every", "200ms") as (process, read):
        until(lambda: "alert 4" in read(0.1), "the alerts")
        admin.alerts = []
        count = len(admin.seen)
        until(lambda: (read(0.05), len(admin.seen) > count + 2)[1], "more looks")
        process.send_signal(signal.SIGINT)
        screen = Screen().feed(whole(process, read))
    assert "alert" not in screen.text


def test_a_coordinator_that_goes_away_is_waited_for(admin):  # noqa: F811
    with on_terminal(admin.address, "monitor", "--every", "200ms") as (process, read):
        until(lambda: "12.5/s" in read(0.1), "the first look")
        admin.fail["GetMonitor"] = (grpc.StatusCode.UNAVAILABLE, "away")
        until(lambda: "does not answer for" in read(0.1), "it to be said")
        assert "12.5/s" in Screen().feed(read(0.1)).text  # the last picture stays
        del admin.fail["GetMonitor"]
        count = len(admin.seen)
        until(lambda: (read(0.05), len(admin.seen) > count + 2)[1], "it to be back")
        process.send_signal(signal.SIGTERM)
        screen = Screen().feed(whole(process, read))
    assert process.returncode == 0 and "does not answer" not in screen.text and screen.cursor


def test_once_json_and_pipes(admin, tmp_path):  # noqa: F811
    with on_terminal(admin.address, "monitor", "--once") as (process, read):
        seen = whole(process, read)
    assert process.returncode == 0 and seen.count("quarry   here") == 1 and "\x1b[?25l" not in seen
    in_pipe = quarry(admin, "monitor").stdout
    assert in_pipe.count("quarry   here") == 1 and "\x1b" not in in_pipe
    shown = json.loads(quarry(admin, "monitor", "-o", "json").stdout)
    assert shown["rate"] == 12.5 and shown["runs"][0]["id"] == 7 and shown["leases"]["active"] == 2
    for _ in range(2):
        quarry(admin, "monitor", "--export", tmp_path / "looks.jsonl")
    lines = (tmp_path / "looks.jsonl").read_text().splitlines()
    assert [json.loads(line)["rate"] for line in lines] == [12.5, 12.5]
    assert "No such file" in quarry(admin, "monitor", "--export", tmp_path / "no" / "such", code=1).stderr
    assert "NOT_FOUND" not in quarry(admin, "monitor", "--run", 99, code=3).stderr


def test_alerts_alone(admin):  # noqa: F811
    assert quarry(admin, "monitor", "--alerts").stdout == "no alerts\n"
    admin.alerts = [admin.pb.Alert(code="no_type", text="run 7: 3 jobs of type dwg wait", run_id=7)]
    assert quarry(admin, "monitor", "--alerts").stdout == "! run 7: 3 jobs of type dwg wait\n"


@pytest.mark.parametrize("form", ["table", "json", "jsonl"])
def test_a_closed_pipe_ends_it(admin, form):  # noqa: F811
    command = (f"{QUARRY} monitor --live --every 200ms -o {form} | head -n 3 > /dev/null; "
               "exit ${PIPESTATUS[0]}")
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60,
                          env=environment(admin.address))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_dumb_terminal_gets_one_look(admin):  # noqa: F811
    with on_terminal(admin.address, "monitor", env={"TERM": "dumb"}) as (process, read):
        assert "\x1b" not in whole(process, read)


# ---------------------------------------------------------------- a real installation


@pytest.fixture
def stack(stack_of, tmp_path):
    for i in range(20):
        (tmp_path / f"{i}.txt").write_text(f"file {i}\n")
    (tmp_path / "a.pdf").write_text("no PDF\n")
    tmp_path.chmod(0o755)
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    return stack


def test_what_no_worker_can_do_is_said_everywhere(stack):
    until(lambda: "no worker is connected" in stack.http("/health", code=503), "the database to be asked")
    stack.start_worker("w1", 2, "--types", "text")
    until(lambda: stack.metrics().get("quarry_workers_fleet") == 1, "the worker to be known")
    assert stack.http("/health").startswith("ok: 1 workers")
    run = stack.create_run("root://in/")
    until(lambda: stack.run(run)["completed"] == 20, "what can be done")
    unserved = until(lambda: stack.run(run)["unserved"], "it to be known")
    assert [(u["type"], u["root"], u["code"], u["jobs"]) for u in unserved] == [("pdf", "in", "no_type", 1)]
    says = "1 job of type pdf waits: none of 1 workers does it"
    assert f"nobody     {says}" in stack.cli("run", "show", run).stdout
    assert f"run {run}: {says}, for " in stack.http("/health", code=503)
    metrics = stack.metrics()
    assert metrics['quarry_jobs_unserved{type="pdf"}'] == 1 and metrics["quarry_runs_unserved"] == 1
    shown = stack.ask("monitor")
    assert [(a["code"], a["run_id"]) for a in shown["alerts"]] == [("no_type", run)]
    assert f"! run {run}: {says}" in stack.cli("monitor", "--alerts").stdout
    watch = subprocess.Popen([QUARRY, "run", "watch", str(run)], stdout=subprocess.PIPE, text=True,
                             env=environment(stack.coordinator.grpc))
    assert any(says in watch.stdout.readline() for _ in range(3))

    stack.start_worker("w2", 1)  # does all types
    out, _ = watch.communicate(timeout=60)
    assert f"run {run} completed" in out and watch.returncode == 0
    until(lambda: stack.metrics()["quarry_runs_unserved"] == 0, "it to be over")
    assert stack.http("/health").startswith("ok: 2 workers")
    assert stack.run(run)["unserved"] == []


def test_a_missing_root_is_said_with_its_name(stack, tmp_path):
    stack.start("w1", "quarry-worker", "--coordinator", stack.coordinator.grpc, "--id", "w1", "--slots", 1,
                "--spool", stack.folder / "spool-w1", "--root", f"other={tmp_path}")
    run = stack.create_run("root://in/", "--type", "text")
    unserved = until(lambda: [u for u in stack.run(run)["unserved"] if u["code"] == "no_root"], "it to be known")
    assert unserved[0]["text"] == "20 jobs of type text wait: no worker that does it has the root 'in'"
    stack.cli("run", "pause", run)  # nobody expects anything of it
    assert stack.run(run)["unserved"] == []
    until(lambda: stack.metrics()["quarry_runs_unserved"] == 0, "it to be known")


def test_the_figures_are_those_of_the_run(stack):
    stack.start_worker("w1", 2)
    run = stack.create_run("root://in/")
    held = stack.create_run("root://in/", "--type", "text", "--delay", "1h")
    stack.wait_run(run)
    shown = stack.ask("monitor")
    assert [r["id"] for r in shown["runs"]] == [held] and shown["runs_active"] == 1
    assert (shown["jobs"]["completed"], shown["jobs"]["failed"], shown["jobs"]["pending"]) == (20, 1, 20)
    assert shown["rate"] > 0
    assert [(w["id"], w["status"]) for w in shown["workers"]] == [("w1", "connected")]
    assert [(c["workers"], c["slots"]) for c in shown["coordinators"]] == [(1, 2)]
    table = stack.cli("monitor", "--details").stdout
    assert "1 coordinator, 1 workers, 2 slots" in table and re.search(rf"^ *{held} +active .* waits ", table, re.M)
    one = stack.ask("monitor", "--run", run)["runs"][0]
    assert (one["completed"], one["rate"] > 0) == (20, True)
    assert [stage["status"] for stage in one["stages"]] == ["done"] * 5
    assert "stage         extract   done" in stack.cli("monitor", "--run", run, "--details").stdout or \
        "extract   done" in stack.cli("monitor", "--run", run, "--details").stdout


def test_a_stage_begun_early_is_extra(stack):
    stack.start_worker("w1", 2, "--types", "text")
    run = stack.create_run("root://in/")
    until(lambda: stack.run(run)["completed"] == 20, "what can be done")
    assert "comes" in stack.cli("run", "begin", run, "report").stdout
    report = until(lambda: stack.run(run)["report"], "the interim report")
    assert json.loads(report)["types"]["text"]["completed"] == 20
    assert [s["status"] for s in stack.run(run)["stages"]][-1] == "waiting"
    stack.start_worker("w2", 1)
    ended = stack.wait_run(run)
    assert json.loads(ended["report"])["types"]["pdf"]["failed"] == 1
    assert stack.cli("run", "begin", run, "report", code=3).stderr.count("is over") == 1


def test_a_job_that_waits_for_too_long_is_said(tmp_path, stack_of):
    (tmp_path / "a.pdf").write_text("no PDF\n")
    tmp_path.chmod(0o755)
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator("--oldest-job", "1h")
    stack.start_worker("w1", 1, "--types", "text")
    run = stack.create_run("root://in/")
    until(lambda: stack.run(run)["unserved"], "the job to be there")
    assert stack.metrics()["quarry_jobs_oldest_seconds"] < 3600
    assert "the oldest job" not in stack.http("/health", code=503)
    stack.sql("UPDATE extraction_jobs SET created_at = now() - interval '2 hours' WHERE run_id = %s", run)
    says = until(lambda: alerts(stack).get("job_old"), "it to be noticed")["text"]
    assert re.fullmatch(r"the oldest job waits for 72\d\d s, longer than the 3600 s of --oldest-job", says)
    assert "longer than the 3600 s of --oldest-job; hint: " in stack.http("/health", code=503)
    assert stack.metrics()["quarry_jobs_oldest_seconds"] >= 7200
    assert "waits for 72" in stack.cli("monitor", "--alerts").stdout


def alerts(stack):
    return {alert["code"]: alert for alert in stack.ask("monitor")["alerts"]}


def test_silent_workers_halted_runs_and_stuck_leases_are_alerts(stack):
    assert until(lambda: alerts(stack), "the database to be asked")["no_workers"]["text"] == "no worker is connected"
    worker = stack.start_worker("w1", 1, "--types", "text")
    until(lambda: "no_workers" not in alerts(stack), "the worker to be known")
    run = stack.create_run("root://in/", "--type", "pdf")
    stack.wait_listed(run)
    job = stack.value("SELECT id FROM extraction_jobs WHERE run_id = %s", run)
    stack.sql("UPDATE extraction_jobs SET claimed_by = 'w9', claimed_at = now() - interval '20 minutes' WHERE id = %s",
              job)  # as the mirror of a lease that nobody ends
    assert "1 jobs are with their workers for longer than 15 minutes" in until(
        lambda: alerts(stack).get("leases_stuck"), "it to be noticed")["text"]
    assert "longer than 15 minutes" in stack.http("/health", code=503)
    assert stack.metrics()["quarry_leases_stuck"] == 1
    stack.sql("UPDATE extraction_jobs SET claimed_by = NULL, claimed_at = NULL WHERE id = %s", job)
    stack.sql("UPDATE runs SET gate = 'paused', status = 'paused', gate_reason = 'paused itself: 30 of 100 files' "
              "WHERE id = %s", run)
    halted = alerts(stack)["run_halted"]
    assert halted["run_id"] == run and halted["text"] == f"run {run} paused itself: 30 of 100 files"
    worker.kill9()
    assert "worker w1 is not heard of" in until(lambda: alerts(stack).get("worker_silent"), "silence", 30)["text"]
