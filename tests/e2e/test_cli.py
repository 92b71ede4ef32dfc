"""The `quarry` command as a user meets it: exit codes, formats, terminals and pipes.

Most tests run it against a stand-in for the Admin service (tests/harness/admin.py), which can be in any
state and fail in any way; the last ones run it against a real coordinator.
"""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import grpc
import pytest

from tests.harness.admin import Admin
from tests.harness.quarry import BIN, until

QUARRY = str(BIN / "quarry")
NOW_MS = int(time.time() * 1000)


@pytest.fixture
def admin():
    with Admin() as stand_in:
        run = stand_in.run(7, name="weekly", source="root://drawings/2026", status="active", total=40,
                           pending=20, processing=2, completed=15, failed=3, empty=1,
                           created_ms=NOW_MS - 60_000, options={"ocr": "no"})
        pb = stand_in.pb
        run.types.extend([
            pb.TypeReport(type="pdf", total=30, completed=10, failed=2, empty=1, partial=1, pending=16,
                          processing=2, failed_by_class={"invalid_input": 2},
                          empty_by_reason={"images only": 1}),
            pb.TypeReport(type="text", total=10, completed=5, failed=1, pending=4,
                          failed_by_class={"permission": 1})])
        for i in range(1, 13):
            failed = i % 4 == 0
            stand_in.job(i, run_id=7, uri=f"root://drawings/2026/größe-{i}.pdf", type="pdf",
                         status="failed" if failed else "completed", bytes=i * 1000,
                         error_class="invalid_input" if failed else "",
                         last_error="the file is empty; hint: copy it again" if failed else "",
                         created_ms=NOW_MS - 9000, finished_ms=NOW_MS - 5000)
        stand_in.workers = [pb.Worker(id="w1", host="h", status="connected", slots=4, load=0.5,
                                      types=["pdf"], roots=["drawings"])]
        stand_in.checks = [pb.Check(name="tables", ok=True, detail="14 of 14")]
        stand_in.events[4] = [pb.JobEvent(at_ms=NOW_MS, event="created"),
                              pb.JobEvent(at_ms=NOW_MS, event="failed", worker="w1", lease_id=9)]
        yield stand_in


def environment(coordinator, **extra):
    env = {name: value for name, value in os.environ.items() if not name.startswith("QUARRY_")}
    return {**env, "QUARRY_COORDINATOR": coordinator, "LC_ALL": "C.UTF-8", **extra}


def quarry(coordinator, *args, code=0, **more):
    done = subprocess.run([QUARRY, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60,
                          env=environment(getattr(coordinator, "address", coordinator)), **more)
    assert done.returncode == code, f"{args}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def frames(admin, n, **last):
    """WatchRun of run 7: n frames from nothing to all done."""
    made = []
    for i in range(n):
        run = admin.pb.Run()
        run.CopyFrom(admin.runs[7])
        run.completed, run.failed, run.processing = 37 * i // (n - 1), 3 * i // (n - 1), 0
        run.pending = 40 - run.completed - run.failed
        made.append(run)
    made[-1].status = last.get("status", "completed")
    made[-1].finished_ms = NOW_MS
    admin.frames[7] = made
    admin.runs[7].CopyFrom(made[-1])


@contextlib.contextmanager
def on_terminal(coordinator, *args, columns=80, env=None):
    """Runs it on a pseudo terminal; yields (process, read), read(seconds) gives what was written."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([QUARRY, *map(str, args)], stdin=slave, stdout=slave, stderr=slave,
                               start_new_session=True, close_fds=True,
                               env=environment(coordinator, **{"TERM": "xterm", **(env or {})}))
    os.close(slave)
    seen = bytearray()

    def read(seconds=0.0):
        end = time.monotonic() + seconds
        while select.select([master], [], [], max(0, end - time.monotonic()))[0]:
            try:
                data = os.read(master, 65536)
            except OSError:  # the last writer has closed
                break
            if not data:
                break
            seen.extend(data)
        return seen.decode()
    try:
        yield process, read
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)


def whole(process, read):
    """All it wrote until its end."""
    until(lambda: (read(0.1), process.poll() is not None)[1], "the command to end")
    return read(0.2)


# ---------------------------------------------------------------- exit codes


@pytest.mark.parametrize("args, says", [
    ([], "a verb is missing"),
    (["run"], "create, list"),
    (["rnu", "list"], "did you mean quarry run list?"),
    (["run", "show"], "run ID is missing"),
    (["run", "show", "7", "8"], "unexpected argument '8'"),
    (["job", "show", "0"], "'0' is not a job id"),
    (["job", "retry"], "which jobs?"),
    (["job", "retry", "1", "--run", "7"], "not both"),
    (["job", "retry", "--run", "7", "--class", "bad"], "no error class"),
    (["job", "list", "--status", "done"], "completed"),
    (["job", "list", "--limit", "0"], "limit"),
    (["run", "create"], "--source is missing"),
    (["run", "create", "--source", "x", "--priority", "101"], "100"),
    (["run", "create", "--source", "x", "--set", "novalue"], "novalue"),
    (["run", "create", "--source", "x", "--manual", "--wait"], "for ever"),
    (["export"], "--run is missing"),
    (["export", "--run", "7", "--format", "xml"], "jsonl"),
    (["completion", "fish"], "completion bash"),
    (["--coordinator", "nonsense", "run", "list"], "nonsense"),
    (["run", "list", "--colour"], "--colour"),
    (["-o", "yaml", "run", "list"], "yaml"),
    (["dlq", "list", "--class", "crashed"], "--class"),
    (["monitor", "--live", "--once"], "exclude each other"),
    (["monitor", "7"], "unexpected argument '7'"),
    (["run", "begin", "7", "extract"], "link, index or report"),
    (["run", "begin", "7"], "stage is missing"),
    (["run", "create", "--source", "x", "--start-at", "noon"], "--start-at 'noon' is no time"),
    (["job", "add", "--run", "7", "--at", "noon", "x"], "--at 'noon' is no time"),
])
def test_wrong_usage_is_2_and_one_line(admin, args, says):
    done = quarry(admin, *args, code=2)
    assert done.stdout == "" and done.stderr.count("\n") == 1
    assert done.stderr.startswith("quarry: ") and says in done.stderr
    assert admin.seen == []  # nothing was asked of the coordinator


def test_not_found_is_3_in_the_coordinators_words(admin):
    for args in (["run", "show", 99], ["run", "watch", 99], ["job", "show", 99], ["job", "events", 99],
                 ["worker", "drain", "nobody"], ["export", "--run", 99], ["run", "close", 99],
                 ["job", "list", "--run", 99, "--status", "failed"],
                 ["dlq", "list", "--run", 99, "--class", "crash"]):
        done = quarry(admin, *args, code=3)
        assert done.stdout == ""
        assert done.stderr.startswith("quarry: no ") and "/quarry.v1" not in done.stderr, done.stderr


def test_unreachable_is_4_with_a_hint():
    done = quarry("127.0.0.1:1", "run", "list", code=4)
    assert "127.0.0.1:1" in done.stderr and "hint:" in done.stderr
    done = quarry("127.0.0.1:1,127.0.0.1:2", "run", "list", code=4)
    assert "none of the 2 coordinators" in done.stderr


def test_denied_is_5_and_other_failures_are_1(admin):
    admin.fail["ListRuns"] = (grpc.StatusCode.PERMISSION_DENIED, "role viewer may not; hint: --token")
    assert "role viewer may not" in quarry(admin, "run", "list", code=5).stderr
    admin.fail["ListRuns"] = (grpc.StatusCode.INTERNAL, "a bug")
    assert quarry(admin, "run", "list", code=1).stderr == "quarry: a bug\n"
    admin.fail["ListRuns"] = (grpc.StatusCode.UNAVAILABLE, "the database does not answer")
    assert quarry(admin, "run", "list", code=4).stderr == "quarry: the database does not answer\n"


def test_a_silent_coordinator_costs_the_timeout(admin):
    slow = admin.ListRuns
    admin.ListRuns = lambda request, context: (admin.stopping.wait(30), slow(request, context))[1]
    done = quarry(admin, "--timeout", "300ms", "run", "list", code=1)
    assert "did not answer within 300 ms; hint:" in done.stderr
    admin.stopping.set()


def test_the_next_coordinator_of_the_list_is_asked(admin):
    done = quarry(f"127.0.0.1:1,{admin.address}", "-o", "json", "run", "list")
    assert [run["id"] for run in json.loads(done.stdout)] == [7]


def test_verify_is_0_only_when_all_holds(admin):
    assert "14 of 14" in quarry(admin, "verify").stdout
    admin.checks.append(admin.pb.Check(name="pool", ok=False, detail="too small; hint: raise it"))
    done = quarry(admin, "verify", code=1)
    assert re.search(r"^FAIL +pool +too small; hint: raise it$", done.stdout, re.M)
    assert [check["ok"] for check in json.loads(quarry(admin, "verify", "-o", "json", code=1).stdout)] == [
        True, False]


# ---------------------------------------------------------------- formats


@pytest.mark.parametrize("args, method", [
    (["run", "list"], list), (["run", "show", 7], dict), (["job", "list"], list), (["job", "show", 4], dict),
    (["job", "events", 4], list), (["job", "retry", 4, 8], dict), (["dlq", "list"], list),
    (["worker", "list"], list), (["worker", "drain", "w1"], dict), (["verify"], list), (["migrate"], dict),
    (["version"], dict), (["run", "close", 7], dict),
    (["run", "create", "--source", "root://drawings"], dict),
    (["job", "add", "--run", 7, "root://drawings/a.pdf"], dict),
    (["run", "begin", 7, "report"], dict), (["run", "list", "--active"], list),
])
def test_every_answer_is_json_and_json_lines(admin, args, method):
    whole_json = json.loads(quarry(admin, "-o", "json", *args).stdout)
    assert isinstance(whole_json, method)
    lines = [json.loads(line) for line in quarry(admin, *args, "-o", "jsonl").stdout.splitlines()]
    assert all(isinstance(line, dict) for line in lines)
    assert len(lines) == (len(whole_json) if method is list else 1)
    if args[0] != "run" or args[1] != "create":  # a second create joins the first
        assert lines == (whole_json if method is list else [whole_json])


def test_json_keeps_names_numbers_and_defaults(admin):
    run = json.loads(quarry(admin, "-o", "json", "run", "show", 7).stdout)
    assert run["options"] == {"ocr": "no"} and run["cancelled"] == 0 and run["listing"] is False
    assert run["types"][0]["failed_by_class"] == {"invalid_input": 2}
    assert run["created_ms"] == NOW_MS - 60_000


def test_run_create_says_what_was_asked_and_whether_it_joined(admin, tmp_path):
    first = json.loads(quarry(
        admin, "-o", "json", "run", "create", "--source", tmp_path, "--name", "n", "--type", "pdf,dxf",
        "--priority", "-5", "--set", "a=b=c", "--set", "d=e", "--again").stdout)
    request = admin.seen[-1][1]
    assert request.source == str(tmp_path) and list(request.types) == ["pdf", "dxf"]
    assert request.priority == -5 and dict(request.options) == {"a": "b=c", "d": "e"} and request.again
    assert first["joined"] is False
    again = quarry(admin, "run", "create", "--source", ".", cwd=tmp_path)  # the same folder by another name
    assert again.stdout == f"{first['id']}\n" and "joined" in again.stderr


def test_added_jobs_have_the_type_of_their_name(admin):
    quarry(admin, "job", "add", "--run", 7, "--priority", 3, "root://in/a.pdf", "root://in/b.txt")
    assert [(job.uri, job.type, job.priority) for job in admin.seen[-1][1].jobs] == [
        ("root://in/a.pdf", "pdf", 3), ("root://in/b.txt", "text", 3)]
    quarry(admin, "job", "add", "--run", 7, "--type", "text", "root://in/README")
    assert admin.seen[-1][1].jobs[0].type == "text"


def test_run_show_sums_up_to_the_number_of_files(admin):
    done = quarry(admin, "run", "show", 7)
    row = re.search(r"^sum +(\d+) +(\d+) +\d+ +\d+ +(\d+) +(\d+) +(\d+) +(\d+)$", done.stdout, re.M)
    total, *parts = map(int, row.groups())
    assert total == 40 == sum(parts)
    assert re.search(r"^pdf +2 +failed +invalid_input$", done.stdout, re.M)
    assert re.search(r"^pdf +1 +empty +images only$", done.stdout, re.M)
    assert "quarry dlq list --run 7" in done.stderr


def test_lists_page_on_and_say_when_there_is_more(admin):
    done = quarry(admin, "job", "list", "--limit", 5, "-o", "jsonl")
    assert len(done.stdout.splitlines()) == 5 and "--after 5" in done.stderr
    for i in range(13, 2501):
        admin.job(i, run_id=7, uri=f"root://drawings/{i}.pdf", type="pdf", status="pending")
    done = quarry(admin, "job", "list", "--limit", 2400, "-o", "json")
    assert [job["id"] for job in json.loads(done.stdout)] == list(range(1, 2401))
    assert "--after 2400" in done.stderr
    assert len(quarry(admin, "job", "list", "--limit", 99999, "-o", "jsonl").stdout.splitlines()) == 2500
    assert quarry(admin, "job", "list", "--status", "paused").stdout == ""


def test_dead_letters_with_details(admin):
    done = quarry(admin, "dlq", "list", "--run", 7, "--details")
    assert done.stdout.count("the file is empty; hint: copy it again") == 3
    assert quarry(admin, "dlq", "list", "--class", "crash").stdout == ""


def test_retry_tells_what_was_refused(admin):
    done = quarry(admin, "job", "retry", 4, 1, code=1)
    assert done.stdout == "retried: 1\n" and "quarry job show 1" in done.stderr


def test_names_from_files_cannot_forge_output(admin):
    admin.job(1, run_id=7, uri="root://in/a\x1b[2J\nFORGED  \u202e.pdf", type="pdf", status="completed")
    out = quarry(admin, "job", "list").stdout
    assert "\x1b" not in out and "\u202e" not in out and "\nFORGED" not in out
    assert json.loads(quarry(admin, "-o", "json", "job", "show", 1).stdout)["uri"].endswith("\u202e.pdf")


# ---------------------------------------------------------------- help


def verbs():
    listed = subprocess.run([QUARRY, "help"], capture_output=True, text=True, timeout=60).stdout
    return re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", listed.split("Usage:")[1].split("Every verb")[0], re.M)


def test_help_teaches_every_verb_by_example():
    assert {"run create", "job retry", "dlq list", "worker drain", "extract", "version"} <= set(verbs())
    for verb in verbs():
        done = quarry("127.0.0.1:1", *verb.split(), "--help")  # needs no coordinator
        assert f"Usage: quarry {verb}" in done.stdout and f"  quarry {verb}" in done.stdout, verb
        assert "--coordinator" in done.stdout and done.stderr == ""
        assert quarry("127.0.0.1:1", "help", *verb.split()).stdout == done.stdout
    assert "quarry run create --source URI" in quarry("127.0.0.1:1", "run", "--help").stdout


def test_version_works_without_a_coordinator(admin):
    assert re.search(r"^coordinator +0\.1\.0 at 127\.0\.0\.1:", quarry(admin, "version").stdout, re.M)
    done = quarry("127.0.0.1:1", "version")
    assert done.stdout.startswith("quarry") and "no coordinator" in done.stderr


def test_completion_completes(tmp_path):
    script = tmp_path / "quarry.bash"
    script.write_text(quarry("127.0.0.1:1", "completion", "bash").stdout)

    def complete(*words):
        ask = (f"source {script}; COMP_WORDS=({' '.join(map(repr, words))}); COMP_CWORD={len(words) - 1}; "
               "_quarry; printf '%s\\n' \"${COMPREPLY[@]}\"")
        return subprocess.run(["bash", "-euc", ask], capture_output=True, text=True, check=True,
                              timeout=60).stdout.split()
    assert complete("quarry", "ru") == ["run"]
    assert {"create", "watch"} <= set(complete("quarry", "run", ""))
    assert complete("quarry", "run", "create", "--so") == ["--source"]
    assert complete("quarry", "export", "--format", "") == ["jsonl", "csv"]
    assert complete("quarry", "job", "list", "--status", "pe") == ["pending"]
    assert complete("quarry", "run", "list", "-o", "") == ["table", "json", "jsonl"]


# ---------------------------------------------------------------- terminals and pipes


def test_watch_in_a_pipe_is_plain_lines_and_a_summary(admin):
    frames(admin, 5)
    done = quarry(admin, "run", "watch", 7)
    assert "\x1b" not in done.stdout and "\r" not in done.stdout
    assert done.stdout.startswith("run 7: 0 of 40 files (0 %)\n")
    assert "run 7 completed: 40 files in 1 min" in done.stdout
    assert done.stdout.endswith("see why: quarry dlq list --run 7\n")


def test_watch_on_a_terminal_rewrites_one_line(admin):
    frames(admin, 30)
    with on_terminal(admin.address, "run", "watch", 7) as (process, read):
        seen = whole(process, read)
    assert process.returncode == 0
    bars = [line for line in seen.split("\r") if "━" in line]
    assert len(bars) >= 5 and "\n" not in "".join(bars[:-1])
    assert all(len(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", bar).rstrip("\n")) < 80 for bar in bars)
    assert re.search(r"\d+ %  \d+/40", bars[-1]) and "/s" in bars[-1]
    assert "run 7 completed" in seen.rsplit("\x1b[K", 1)[1]  # the bar is gone before the summary


def test_dumb_terminals_and_no_color_are_respected(admin):
    with on_terminal(admin.address, "job", "list", "--limit", 2) as (process, read):
        assert "\x1b[1mJOB" in whole(process, read)
    with on_terminal(admin.address, "job", "list", "--limit", 2, env={"NO_COLOR": "1"}) as (process, read):
        assert "\x1b" not in whole(process, read)
    frames(admin, 3)
    with on_terminal(admin.address, "run", "watch", 7, env={"TERM": "dumb"}) as (process, read):
        assert "\x1b" not in whole(process, read)


def test_tables_are_cut_on_terminals_and_never_in_pipes(admin):
    uri = "root://drawings/" + "deep/" * 40 + "end.pdf"
    admin.job(1, run_id=7, uri=uri, type="pdf", status="completed")
    assert uri in quarry(admin, "job", "list", "--limit", 1).stdout
    with on_terminal(admin.address, "job", "list", "--limit", 1, columns=70,
                     env={"NO_COLOR": "1"}) as (process, read):
        seen = whole(process, read)
    assert uri not in seen and "…" in seen and "end.pdf" in seen
    assert all(len(line) <= 70 for line in seen.replace("\r", "").splitlines() if line[:1] == " ")


def test_ctrl_c_leaves_the_run_running(admin):
    frames(admin, 2000)
    with on_terminal(admin.address, "run", "watch", 7) as (process, read):
        until(lambda: "━" in read(0.1) or "─" in read(0.1), "the bar")
        process.send_signal(signal.SIGINT)
        seen = whole(process, read)
    assert process.returncode == 0
    assert "run 7 goes on; watch it again: quarry run watch 7" in seen


def test_watch_survives_a_coordinator_that_goes_away(admin):
    frames(admin, 6)
    admin.break_after = 3
    done = quarry(admin, "run", "watch", 7)
    assert "coordinator away" in done.stdout and "run 7 completed" in done.stdout


def test_watch_as_json(admin):
    frames(admin, 4)
    lines = [json.loads(line) for line in quarry(admin, "run", "watch", 7, "-o", "jsonl").stdout.splitlines()]
    assert len(lines) == 4 and lines[-1]["status"] == "completed"
    assert json.loads(quarry(admin, "run", "watch", 7, "-o", "json").stdout)["completed"] == 37


def test_wait_is_0_with_failed_files_and_1_when_the_run_failed(admin):
    frames(admin, 3)
    admin.runs[7].status = "active"  # what create joins
    last = admin.frames[7][-1]
    admin.GetRun = lambda request, context: admin.pb.RunReply(run=last)
    args = ["run", "create", "--source", "root://drawings/2026", "--wait"]
    done = quarry(admin, *args)
    assert re.search(r"^sum ", done.stdout, re.M)
    assert "3 failed" in done.stderr and "quarry dlq list --run 7" in done.stderr
    last.status, last.discover_error = "failed", "root 'drawings' is not there"
    done = quarry(admin, *args, code=1)
    assert "root 'drawings' is not there" in done.stderr
    last.status, last.pending = "completed", 2  # must not happen; must not be called success
    quarry(admin, *args, code=1)


def test_a_closed_pipe_is_no_error(admin):
    for i in range(13, 4000):
        admin.job(i, run_id=7, uri="root://drawings/" + "x" * 100, type="pdf", status="pending")
    for form in ("table", "json", "jsonl"):
        command = f"{QUARRY} job list --limit 100000 -o {form} | head -n 1; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60,
                              env=environment(admin.address))
        assert (done.returncode, done.stderr) == (0, ""), form
    frames(admin, 2000)
    command = f"{QUARRY} run watch 7 -o jsonl | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60,
                          env=environment(admin.address))
    assert done.returncode == 0 and done.stdout.count("\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("args", [
    "run list", "job list --limit 9999", "job list --limit 9999 -o json", "job list --limit 9999 -o jsonl",
    "run show 7", "run show 7 -o json", "run watch 7", "run watch 7 -o json", "export --run 7", "help",
    "completion bash", "verify", "version"])
def test_a_full_disk_is_an_error(admin, args):
    for i in range(13, 4000):  # more than any buffer holds
        admin.job(i, run_id=7, uri="root://drawings/" + "x" * 100, type="pdf", status="pending")
    admin.export = [b"x" * 100_000] * 20
    frames(admin, 3)
    with open("/dev/full", "w") as full:
        done = subprocess.run([QUARRY, *args.split()], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=60, env=environment(admin.address))
    assert done.returncode == 1 and "write standard output failed" in done.stderr


# ---------------------------------------------------------------- export


def test_export_to_a_file_appears_whole(admin, tmp_path):
    out = tmp_path / "run7.jsonl"
    done = quarry(admin, "export", "--run", 7, "--out", out)
    assert out.read_bytes() == b"".join(admin.export) and done.stdout == ""
    assert out.stat().st_mode & 0o777 == 0o666 & ~_umask()
    assert list(tmp_path.iterdir()) == [out]
    assert quarry(admin, "export", "--run", 7).stdout.encode() == b"".join(admin.export)
    assert admin.seen[-1][1].format == "jsonl"


def test_an_export_that_breaks_leaves_the_old_file(admin, tmp_path):
    out = tmp_path / "run7.csv"
    out.write_text("old")
    admin.fail["Export.end"] = (grpc.StatusCode.INTERNAL, "the disk is gone")
    done = quarry(admin, "export", "--run", 7, "--format", "csv", "--out", out, code=1)
    assert "the disk is gone" in done.stderr
    assert out.read_text() == "old" and list(tmp_path.iterdir()) == [out]
    done = quarry(admin, "export", "--run", 7, "--out", tmp_path / "no" / "such", code=1)
    assert "No such file or directory" in done.stderr


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ---------------------------------------------------------------- extract


def test_extract_runs_the_worker_beside_it(tmp_path):
    (tmp_path / "quarry").symlink_to(QUARRY)  # a link is not an installation: the program's own folder counts
    other = tmp_path / "bin"
    other.mkdir()
    (other / "quarry").write_bytes((BIN / "quarry").read_bytes())
    (other / "quarry").chmod(0o755)
    worker = other / "quarry-worker"
    worker.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 1\n')
    worker.chmod(0o755)

    def extract(*args):
        return subprocess.run([other / "quarry", "extract", *args], capture_output=True, text=True, timeout=60)
    done = extract("--jobs", "3", "-o", "jsonl", "a.pdf", "--", "-b.pdf")
    assert done.stdout.split() == ["--extract", "-o", "jsonl", "--jobs", "3", "--", "a.pdf", "-b.pdf"]
    assert done.returncode == 1  # the worker's own
    assert extract("a.pdf").stdout.split() == ["--extract", "-o", "json", "--", "a.pdf"]
    worker.unlink()
    done = subprocess.run([other / "quarry", "extract", "a.pdf"], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PATH": "/nowhere"})
    assert done.returncode == 1 and "quarry-worker" in done.stderr and "hint:" in done.stderr


# ---------------------------------------------------------------- a real coordinator


def test_a_session_with_a_real_coordinator(stack_of, tmp_path):
    for i in range(20):
        (tmp_path / f"t{i}.txt").write_text(f"text number {i}\n")
    (tmp_path / "blank.txt").write_text(" \n")
    (tmp_path / "empty.pdf").write_text("")
    tmp_path.chmod(0o755)
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    stack.start_worker("w1", slots=2)

    done = stack.cli("run", "create", "--source", tmp_path, "--name", "all", "--wait")
    assert re.search(r"^sum +22 +21 +1 +0 +1 +0 +0 +0$", done.stdout, re.M), done.stdout
    assert "1 failed" in done.stderr and "quarry dlq list --run 1" in done.stderr
    run = stack.run(1)
    assert run["total"] == 22 == sum(kind["total"] for kind in run["types"])
    assert [kind["failed_by_class"] for kind in run["types"] if kind["type"] == "pdf"] == [
        {"invalid_input": 1}]
    assert "run 1 completed: 22 files" in stack.cli("run", "watch", 1).stdout
    assert [found["id"] for found in stack.ask("run", "list")] == [1]

    dead, = stack.ask("dlq", "list", "--run", 1)
    assert dead["error_class"] == "invalid_input" and dead["uri"].endswith("empty.pdf")
    assert stack.ask("job", "show", dead["id"])["status"] == "failed"
    assert [event["event"] for event in stack.ask("job", "events", dead["id"])][0] == "created"
    assert stack.ask("job", "retry", "--run", 1, "--class", "invalid_input")["retried"] == 1
    stack.wait_run(1)
    assert "retried" in [event["event"] for event in stack.ask("job", "events", dead["id"])]
    assert len(stack.ask("job", "list", "--run", 1, "--status", "completed")) == 21

    out = stack.folder / "run1.jsonl"
    stack.cli("export", "--run", 1, "--out", out)
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(record["status"] for record in records) == ["completed"] * 21 + ["failed"]
    assert len(stack.cli("export", "--run", 1, "--format", "csv").stdout.splitlines()) == 23

    assert "FAIL" not in stack.cli("verify").stdout
    assert "nothing to do" in stack.cli("migrate").stdout
    assert stack.ask("version")["coordinator"]["postgres_version"]
    assert [worker["id"] for worker in stack.ask("worker", "list")] == ["w1"]
    assert stack.cli("worker", "drain", "w1", "--grace", "1s").stdout.startswith("w1: no more work")

    by_hand = int(stack.cli("run", "create", "--manual", "--name", "by hand").stdout)
    stack.cli("job", "add", "--run", by_hand, "root://in/t1.txt", "root://in/t2.txt")
    stack.cli("run", "close", by_hand)
    stack.start_worker("w2", slots=1)
    assert stack.wait_run(by_hand)["completed"] == 2


def test_watch_outlives_a_killed_coordinator(stack_of, tmp_path):
    (tmp_path / "a.txt").write_text("a\n")
    tmp_path.chmod(0o755)
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    stack.create_run("root://in/")  # no worker: it stays active
    with open(stack.folder / "watch.out", "w") as out:
        watch = subprocess.Popen([QUARRY, "run", "watch", "1"], stdout=out, stderr=out,
                                 env=environment(stack.coordinator.grpc))
    try:
        seen = stack.folder / "watch.out"
        until(lambda: "run 1: " in seen.read_text(), "the first line")
        stack.coordinator.kill9()
        until(lambda: "coordinator away" in seen.read_text(), "the watch to notice")
        stack.start_coordinator()
        stack.start_worker("w1")
        assert watch.wait(60) == 0, seen.read_text()
        assert "run 1 completed: 1 files" in seen.read_text()
    finally:
        if watch.poll() is None:
            watch.kill()
        watch.wait()
