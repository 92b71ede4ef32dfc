"""Real programs for end-to-end tests: a coordinator with its own PostgreSQL, workers, the CLI.

    with Stack(roots={"in": folder}) as stack:
        stack.start_coordinator()
        stack.start_worker("w1", slots=2)
        run = stack.create_run("root://in/")
        stack.wait_run(run)
        assert stack.value("SELECT count(*) FROM extraction_jobs WHERE status = 'failed'") == 0

Every program listens on a free loopback port, every wait has an end, every process is ended by its
PID when the Stack closes. Binaries come from $QUARRY_BIN, by default build/bin of this checkout.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("QUARRY_BIN", ROOT / "build" / "bin"))
SAMPLES = ROOT / "tests" / "samples"
SHARED = pathlib.Path(os.environ.get("QUARRY_SHARED", ROOT.parent / "shared"))  # corpus, operators' SQL

READY_S = 60  # until a program says it is ready
END_S = 60  # until a program asked to end has ended
RUN_S = 240  # until a small run is finished
FINAL = ("completed", "failed", "cancelled")


def until(probe, what, seconds=30.0, every=0.05):
    """Calls probe until it returns something true; returns that. Fails the test after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s for {what}")
        time.sleep(every)


def process_stat(pid):
    """(name, fields after the name) of /proc/PID/stat; (None, None) when it is gone or a zombie."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None, None
    fields = text.rpartition(")")[2].split()
    return (None, None) if fields[0] == "Z" else (text[text.index("(") + 1:text.rindex(")")], fields)


def process_name(pid):
    return process_stat(pid)[0]


def process_state(pid):
    """"R" running, "S" sleeping, …; None when it is gone."""
    fields = process_stat(pid)[1]
    return fields[0] if fields else None


def children_of(pid):
    """PIDs of the direct children of a process."""
    pids = [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]
    return [child for child in pids if (process_stat(child)[1] or [0, 0])[1] == str(pid)]


class Program:
    """One process; stdout and stderr go to files in the Stack's folder, which outlive a restart."""

    def __init__(self, name, folder, argv, env=None):
        self.name = name
        self.argv = [str(a) for a in argv]
        self.out = folder / f"{name}.out"
        self.log = folder / f"{name}.log"
        self.grpc = self.http = None
        with open(self.out, "wb") as out, open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                env={**os.environ, **(env or {})}, start_new_session=True)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def wait_ready(self):
        """Waits for the line `ready grpc=HOST:PORT http=HOST:PORT` and keeps its addresses."""
        def probe():
            line = re.search(r"^ready\b.*\n", self.out.read_text(errors="replace"), re.M)
            if line is None and not self.alive():
                raise AssertionError(f"{self.name} ended with {self.process.returncode} before it was "
                                     f"ready:\n{self.tail()}")
            return line
        found = dict(re.findall(r"(\w+)=(\S+)", until(probe, f"{self.name} to be ready", READY_S)[0]))
        self.grpc, self.http = found.get("grpc"), found.get("http")
        return self

    def wait(self, seconds=END_S):
        """Waits for the end; returns the exit status (negative: killed by that signal)."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {seconds} s:\n{self.tail()}") from None

    def terminate(self, seconds=END_S):
        """SIGTERM, which drains; returns the exit status."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill9(self):
        if self.alive():
            self.process.kill()
        return self.wait()

    def tail(self, lines=60):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Stack:
    """The programs of one test in a temporary folder. A context manager."""

    open_ones = []  # for the logs in the report of a failed test

    def __init__(self, roots=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quarry-e2e-"))
        self.folder.chmod(0o755)  # as root, the database server runs as another user
        self.roots = {name: pathlib.Path(path) for name, path in (roots or {"samples": SAMPLES}).items()}
        self.programs = []
        self.coordinator = None
        self._connection = None
        Stack.open_ones.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Ends what still runs, workers first, and removes the folder."""
        Stack.open_ones.remove(self)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        problems = []
        for program in reversed(self.programs):
            try:
                program.terminate()
            except AssertionError as late:
                program.kill9()
                problems.append(str(late))
        self._stop_orphaned_postgres()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not problems, "\n".join(problems)

    def postgres_pid(self):
        """PID of the private database server; None when it does not run."""
        try:
            pid = int((self.cluster / "data" / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if process_name(pid) == "postgres" else None

    def _stop_orphaned_postgres(self):
        """A coordinator that was killed and not started again leaves its server."""
        pid = self.postgres_pid()
        if pid:
            os.kill(pid, signal.SIGQUIT)
            until(lambda: process_name(pid) is None, "the orphaned database server to end")

    # -------------------------------------------------------------- programs

    @property
    def cluster(self):
        return self.folder / "postgres"

    def _root_flags(self):
        return [arg for name, path in self.roots.items() for arg in ("--root", f"{name}={path}")]

    def start(self, name, *argv, ready=True, env=None):
        """Starts BIN/argv[0] under a name of its own; its log is kept over restarts."""
        program = Program(name, self.folder, [BIN / argv[0], *argv[1:]], env)
        self.programs = [p for p in self.programs if p.alive()] + [program]
        return program.wait_ready() if ready else program

    def start_coordinator(self, *extra, env=None):
        """The coordinator with its private PostgreSQL; started again it keeps its addresses."""
        old = self.coordinator
        self.coordinator = self.start(
            "coordinator", "quarry-coordinator", "--embedded-postgres", self.cluster,
            "--listen", old.grpc if old else "127.0.0.1:0", "--http", old.http if old else "127.0.0.1:0",
            *self._root_flags(), *extra, env=env)
        return self.coordinator

    def start_worker(self, name="w1", slots=2, *extra, env=None):
        """A worker with a spool of its own, which it finds again when started under the same name."""
        return self.start(
            name, "quarry-worker", "--coordinator", self.coordinator.grpc, "--id", name,
            "--slots", slots, "--spool", self.folder / f"spool-{name}", *self._root_flags(), *extra, env=env)

    def kill_postgres(self):
        """kill -9 of the database server and its backends, as a power cut would."""
        pid = self.postgres_pid()
        for victim in [pid, *children_of(pid)]:
            os.kill(victim, signal.SIGKILL)
        self._connection.close()
        until(lambda: process_name(pid) is None, "the database server to be gone")

    def logs(self):
        """Ends of all logs, for the report of a failed test."""
        return "\n".join(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-80:])
                         for log in sorted(self.folder.glob("*.log")))

    # -------------------------------------------------------------- asking

    def cli(self, *args, code=0, seconds=120):
        """Runs `quarry`; the exit status must be `code` (None: any)."""
        done = subprocess.run(
            [BIN / "quarry", *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=seconds, env={**os.environ, "QUARRY_COORDINATOR": self.coordinator.grpc})
        assert code is None or done.returncode == code, (
            f"quarry {' '.join(map(str, args))}: exit {done.returncode}, not {code}\n"
            f"{done.stdout}{done.stderr}")
        return done

    def ask(self, *args, code=0):
        """`quarry -o json …`, parsed."""
        return json.loads(self.cli("-o", "json", *args, code=code).stdout)

    def create_run(self, source, *extra):
        """Creates a run, returns its id."""
        answer = self.ask("run", "create", "--source", source, *extra)
        return answer.get("run", answer)["id"]

    def run(self, run_id):
        """The run as `quarry run show` has it."""
        answer = self.ask("run", "show", run_id)
        return answer.get("run", answer)

    def wait_listed(self, run_id):
        """Waits until all files of the run are known."""
        return until(lambda: not self.run(run_id)["listing"], f"run {run_id} to be listed")

    def wait_run(self, run_id, seconds=RUN_S):
        """Waits until the run has ended; returns it."""
        def ended():
            found = self.run(run_id)
            return found if found["status"] not in ("active", "paused") else None
        return until(ended, f"run {run_id} to end", seconds, every=0.2)

    def http(self, path, code=200):
        """GET path from the coordinator; the body as text."""
        try:
            with urllib.request.urlopen(f"http://{self.coordinator.http}{path}", timeout=10) as answer:
                status, body = answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            status, body = refused.code, refused.read().decode()
        assert status == code, f"GET {path}: {status}, not {code}\n{body}"
        return body

    def metrics(self):
        """{'name{label="x"}': value} of /metrics."""
        samples = re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", self.http("/metrics"), re.M)
        return {name: float(value) for name, value in samples}

    # -------------------------------------------------------------- SQL

    def connect(self):
        """A new connection to the private cluster over its unix socket."""
        return psycopg2.connect(**self.dsn())

    def dsn(self):
        """Line 5 of postmaster.pid is the folder of the socket."""
        socket_folder = (self.cluster / "data" / "postmaster.pid").read_text().splitlines()[4]
        return {"host": socket_folder, "dbname": "quarry", "user": "quarry"}

    def sql(self, statement, *values):
        """Runs one statement in a transaction of its own; rows, or [] where it has none."""
        if self._connection is None or self._connection.closed:
            self._connection = self.connect()
            self._connection.autocommit = True
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []
        except psycopg2.OperationalError:
            self._connection.close()  # the server went away; the next call connects anew
            raise

    def value(self, statement, *values):
        """The first column of the only row."""
        rows = self.sql(statement, *values)
        assert len(rows) == 1, f"{len(rows)} rows: {statement}"
        return rows[0][0]
