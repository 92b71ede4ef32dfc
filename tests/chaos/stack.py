"""The stack under test: PostgreSQL, two coordinators, four workers, each reached in a way of its own.

    w1  straight
    w2  through a proxy to each coordinator, which can stall, delay and cut
    w3  straight, its spool on a small tmpfs (where the suite may mount one)
    w4  from a network namespace of its own (where the suite may make one), else straight

All in one temporary folder; every process is a group of its own and is ended by its PID.
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import grpc

from tests.chaos.load import PASSING, Feeder, Files, Sampler, call
from tests.chaos.netns import Namespace
from tests.chaos.postgres import Postgres, send
from tests.chaos.proxy import Proxy
from tests.harness.admin import messages
from tests.harness.quarry import Program, children_of, process_state, until

SPOOL_BYTES = 24 << 20
SANITIZER_SIGNS = ("ERROR: AddressSanitizer", "WARNING: ThreadSanitizer", "ERROR: LeakSanitizer",
                   "runtime error:", "Assertion `")


class Stack:
    """A context manager. `options`: what __main__.Options has; `env` is the environment of each program."""

    open_ones = []  # to be closed when the suite is ended from outside

    def __init__(self, options, name="main"):
        self.options, self.name = options, name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"quarry-chaos-{name}-"))
        self.folder.chmod(0o755)
        self.postgres = self.sampler = self.namespace = None
        self.programs, self.proxies, self.mounts, self.problems = {}, {}, [], []
        self.kills = 0  # coordinators that did not end by themselves
        self.env = {}  # name -> environment of that program
        self.runs = 0
        self.acknowledged = {}  # run -> uris that a coordinator said OK to
        self.reported = set()  # sanitizer reports that were told

    # ------------------------------------------------------------ life

    def __enter__(self):
        Stack.open_ones.append(self)
        try:
            self._start()
        except BaseException:
            self.close(keep=True)
            raise
        return self

    def __exit__(self, kind, *_):
        self.close(keep=kind is not None)

    def _start(self):
        self.files = Files(self.folder / "in", self.options.seed, self.options.slow_pages)
        self.postgres = Postgres(self.folder / "pg")
        self.postgres.start(self.env.get("postgres"))
        self.namespace = Namespace.make()
        for name in ("c1", "c2"):
            self.start_coordinator(name)
        for name in ("c1", "c2"):
            self.proxies[name] = Proxy(self.address(name), self.options.seed)
        self._mount_spool()
        for name in self.worker_names:
            self.start_worker(name)
        self.sampler = Sampler(lambda: [p.http for n, p in self.programs.items() if n[0] == "c" and p.alive()])
        self.sampler.start()

    worker_names = ("w1", "w2", "w3", "w4")

    def close(self, keep=False):
        """Ends everything; with `keep` the folder stays as evidence. Problems at the end are kept in `problems`."""
        if self in Stack.open_ones:
            Stack.open_ones.remove(self)
        if self.postgres and self.postgres.process and self.postgres.process.poll() is None:
            self.postgres.thaw()
        self.end_programs()
        for proxy in self.proxies.values():
            proxy.close()
        if self.namespace:
            self.namespace.close()
        if self.postgres:
            self.postgres.stop("immediate" if keep else "fast")
        for mount in self.mounts:
            subprocess.run(["umount", "-l", mount], check=False)
        self.problems += [f"{name}: {text}" for name, text in self.new_sanitizer_reports()]
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def end_programs(self):
        """SIGTERM to all, workers first; every one has to end by itself, with status 0."""
        if self.sampler:
            self.sampler.stop()
        for name in sorted(self.programs, reverse=True):
            program = self.programs[name]
            if not program.alive():
                continue
            try:
                resume(program)
                status = program.terminate()
                if status != 0:
                    self.problems.append(f"{name} ended with {status} after SIGTERM")
            except AssertionError as late:
                program.kill9()
                self.problems.append(str(late).splitlines()[0])

    def _mount_spool(self):
        folder = self.folder / "spool-w3"
        folder.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SPOOL_BYTES}", "quarry-chaos", folder],
                              capture_output=True)
        if done.returncode == 0:
            self.mounts.append(folder)

    # ------------------------------------------------------------ programs

    def _program(self, name, argv, netns=None):
        argv = [self.options.bin / argv[0], *argv[1:]]
        argv = [*self.options.runner, *argv]
        if netns:
            argv = ["ip", "netns", "exec", netns, *argv]
        env = {"TSAN_OPTIONS": "ignore_noninstrumented_modules=1:second_deadlock_stack=1",
               "ASAN_OPTIONS": "detect_leaks=0:detect_stack_use_after_return=1", **self.env.get(name, {})}
        program = Program(name, self.folder, argv, env)
        self.programs[name] = program
        return program

    def address(self, name):
        return self.programs[name].grpc

    def addresses(self):
        """Of the coordinators that live."""
        return [p.grpc for n, p in self.programs.items() if n[0] == "c" and p.alive() and p.grpc]

    def start_coordinator(self, name):
        """Started again it keeps its addresses."""
        old = self.programs.get(name)
        host = "0.0.0.0" if self.namespace else "127.0.0.1"
        port, http = (old.grpc.rpartition(":")[2], old.http) if old else (free_port(), f"127.0.0.1:{free_port()}")
        listen = f"{host}:{port}"
        program = self._program(name, [
            "quarry-coordinator", "--database", self.postgres.url, "--listen", listen, "--http", http,
            "--instance", name, "--root", f"in={self.folder / 'in'}", "--lease-ttl", f"{self.options.ttl_s}s",
            *self.options.coordinator_flags])
        program.wait_ready()
        program.grpc = program.grpc.replace("0.0.0.0", "127.0.0.1")
        return program

    def worker_coordinators(self, name):
        """Where that worker finds the coordinators; odd ones begin with the first, even ones with the second."""
        order = ("c1", "c2") if name in ("w1", "w3") else ("c2", "c1")
        if name == "w2":
            return [self.proxies[c].address for c in order]
        if name == "w4" and self.namespace:
            return [f"{self.namespace.host_ip}:{self.address(c).rpartition(':')[2]}" for c in order]
        return [self.address(c) for c in order]

    def start_worker(self, name, ready=True):
        netns = self.namespace.name if name == "w4" and self.namespace else None
        reserve = ["--spool-reserve", "1M", "--spool-limit", "8M"] if name == "w3" else []
        program = self._program(name, [
            "quarry-worker", "--coordinator", ",".join(self.worker_coordinators(name)), "--id", name,
            "--slots", self.options.slots, "--spool", self.folder / f"spool-{name}",
            "--root", f"in={self.folder / 'in'}", "--log-level", "debug", *reserve], netns)
        return program.wait_ready() if ready else program

    def kill9(self, name):
        """SIGKILL of the program itself; its children notice by themselves."""
        self.kills += name[0] == "c"
        self.programs[name].kill9()  # `ip netns exec` and `setarch` have replaced themselves by the program

    def kill_child(self, random, seconds=0.3):
        """kill -9 of a worker's child at work; of an idle one when none is seen at work for so long. How many."""
        end = time.monotonic() + seconds
        while True:
            children = [pid for name in self.worker_names for pid in children_of(self.programs[name].pid)]
            busy = [pid for pid in children if process_state(pid) == "R"]
            if busy or not children or time.monotonic() > end:
                break
        if children:
            send(random.choice(busy or children), signal.SIGKILL)
        return len(children[:1])

    # ------------------------------------------------------------ runs

    def any_call(self, method, request, seconds=60):
        """An RPC by whichever coordinator answers first."""
        end, last = time.monotonic() + seconds, "none lives"
        while True:
            for address in self.addresses():
                try:
                    return call(address, method, request, 10)
                except grpc.RpcError as refused:
                    if refused.code() not in PASSING:
                        raise AssertionError(f"{method}: {refused.details()}") from refused
                    last = refused.details()
            if time.monotonic() > end:
                raise AssertionError(f"{method}: no coordinator answers: {last}")
            time.sleep(0.1)

    def create_run(self, name):
        pb, _ = messages()
        self.runs += 1
        reply = self.any_call("CreateRun", pb.CreateRunRequest(
            name=f"{name}-{self.runs}", source=f"chaos-{self.runs}", manual=True, again=True))
        return reply.run.id

    def feed(self, run_id, rate):
        feeder = Feeder(self.addresses, run_id, self.files, rate)
        feeder.start()
        return feeder

    def enqueue(self, run_id, uri, kind):
        pb, _ = messages()
        self.any_call("Enqueue", pb.EnqueueRequest(run_id=run_id, jobs=[pb.NewJob(uri=uri, type=kind)]))

    @staticmethod
    def sleep(seconds):
        time.sleep(seconds)

    def close_run(self, run_id):
        pb, _ = messages()
        self.any_call("CloseRun", pb.CloseRunRequest(run_id=run_id))

    def run_row(self, run_id):
        pb, _ = messages()
        return self.any_call("GetRun", pb.GetRunRequest(run_id=run_id)).run

    def wait_run(self, run_id, seconds):
        """Until the run has ended; its row. None when that took too long: jobs are lost or stuck."""
        end = time.monotonic() + seconds
        while True:
            row = self.run_row(run_id)
            if row.status not in ("active", "paused"):
                return row
            if time.monotonic() > end:
                return None
            time.sleep(0.1)

    # ------------------------------------------------------------ what the programs said

    def logs(self):
        return sorted(self.folder.glob("*.log"))

    def worker_logs(self):
        return [log for log in self.logs() if log.stem in self.worker_names]

    def cli(self, *args):
        """`quarry …`; its result, whatever it is."""
        return subprocess.run([*self.options.runner, self.options.bin / "quarry", *args], capture_output=True, text=True,
                              timeout=120, env={**os.environ, "QUARRY_COORDINATOR": self.addresses()[0]})

    def new_sanitizer_reports(self):
        """[(program, line)] of every sanitizer's or assertion's report that was not told before."""
        found = []
        for log in self.logs():
            for line in log.read_text(errors="replace").splitlines():
                if any(sign in line for sign in SANITIZER_SIGNS):
                    found.append((log.stem, line.strip()[:200]))
        found = [one for one in found if one not in self.reported]
        self.reported.update(found)
        return found

    def crashed(self):
        """Programs that ended though nobody asked them to."""
        return [p.name for p in self.programs.values() if not p.alive()]


def resume(program):
    """SIGCONT, in case a scenario failed while it was stopped."""
    if program.alive():
        send(program.pid, signal.SIGCONT)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
