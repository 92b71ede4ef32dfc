"""The load of the chaos suite: files, a feeder that keeps jobs coming, a sampler that watches the rate.

The feeder remembers which jobs a coordinator has acknowledged: nothing the database says afterwards can hide
one that was lost. Jobs come at a fixed rate, below what the stack can do, so that a rate which is reached
again after a fault means the system, and not the machine, has recovered.
"""
import os
import random
import threading
import time
import urllib.request

import grpc

from tests.harness.admin import messages
from tests.harness.samples.dxf import Dxf
from tests.harness.samples.text_pdf import text_pdf

# of 100 jobs; slow ones take a third of a second of a core or more, and are one in 100
MIX = [("noop", 55), ("text", 30), ("pdf", 8), ("dxf", 7)]
SLOW_EVERY = 100
VARIANTS = 4  # different files of each kind: equal ones must give equal rows
LINKS_MAX = 20000  # hard links to one file, below what file systems allow


class Files:
    """Files below one root, made when they are first named: hard links to a few originals."""

    def __init__(self, folder, seed, slow_pages=1500):
        self.folder, self.seed = folder, seed
        self.made = set()
        folder.mkdir()
        originals = folder / "originals"
        originals.mkdir()
        self.originals = {}
        for variant in range(VARIANTS):
            for kind, data in (("text", self._text(variant)), ("pdf", text_pdf(2 + variant, variant)),
                               ("dxf", self._dxf(variant)), ("slow", text_pdf(slow_pages + 20 * variant, variant))):
                path = originals / f"{kind}-{variant}"
                path.write_bytes(data)
                self.originals[kind, variant] = path

    @staticmethod
    def _text(variant):
        return b"".join(b"line %d of text %d: shaft, flange, bearing\n" % (i, variant) for i in range(40 + variant))

    @staticmethod
    def _dxf(variant):
        drawing = Dxf("AC1015")
        for i in range(20 + variant):
            drawing.model.append(drawing.line(0, i, 100 + variant, i))
        drawing.model.append(drawing.circle(10, 10, 5 + variant))
        return drawing.bytes()

    def job(self, number):
        """(uri, type) of job `number` of a run; the same for every run and for one seed."""
        pick = random.Random(self.seed * 1000003 + number)
        kind = pick.choices([name for name, _ in MIX], [share for _, share in MIX])[0]
        if number % SLOW_EVERY == SLOW_EVERY // 2:
            kind = "slow"
        if kind == "noop":
            return f"root://in/noop/{number}", "noop"
        name = f"{number // LINKS_MAX}/{number:07}.{ {'text': 'txt', 'slow': 'pdf'}.get(kind, kind) }"
        if name not in self.made:
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            os.link(self._original(kind, pick.randrange(VARIANTS), number // LINKS_MAX), path)
            self.made.add(name)
        return f"root://in/{name}", "pdf" if kind == "slow" else kind

    def pairs(self, folder, n):
        """[(uri, type)] of n drawings, each beside a text of the same name."""
        (self.folder / folder).mkdir()
        jobs = []
        for i in range(n):
            for kind, ending in (("dxf", "dxf"), ("text", "txt")):
                name = f"{folder}/pair-{i:02}.{ending}"
                (self.folder / name).write_bytes(self.originals[kind, i % VARIANTS].read_bytes())
                jobs.append((f"root://in/{name}", kind))
        return jobs

    def _original(self, kind, variant, generation):
        """A copy of the original for each generation, so that no file has too many links."""
        path = self.originals[kind, variant]
        copy = path.with_name(f"{path.name}-{generation}")
        if not copy.exists():
            copy.write_bytes(path.read_bytes())
        return copy


class Feeder(threading.Thread):
    """Enqueues `rate` jobs a second to a run, by whichever coordinator answers, until stop()."""

    BATCH_MAX = 2000

    def __init__(self, addresses, run_id, files, rate):
        super().__init__(daemon=True)
        self.addresses, self.run_id, self.files, self.rate = addresses, run_id, files, rate
        self.acknowledged = []  # uris a coordinator said OK to
        self.failures = 0
        self.stopping = threading.Event()
        self.problem = None

    def stop(self, seconds=60):
        """No more jobs; waits until what was sent is acknowledged. Returns the uris."""
        self.stopping.set()
        self.join(seconds)
        assert not self.is_alive(), "the feeder did not end: no coordinator answers Enqueue"
        if self.problem:
            raise self.problem
        return self.acknowledged

    def run(self):
        try:
            self._run()
        except Exception as problem:  # told to stop()'s caller
            self.problem = problem

    def _run(self):
        pb, _ = messages()
        number, begun, given = 0, time.monotonic(), 0
        while not self.stopping.is_set():
            due = min(int((time.monotonic() - begun) * self.rate) - given, self.BATCH_MAX)
            if due > 0:
                jobs = [self.files.job(number + i) for i in range(due)]
                self._enqueue([pb.NewJob(uri=uri, type=kind) for uri, kind in jobs])
                self.acknowledged += [uri for uri, _ in jobs]
                number += due
                # what could not be enqueued during a fault is not made up for: the rate stays the rate
                given = int((time.monotonic() - begun) * self.rate)
            self.stopping.wait(0.05)

    def _enqueue(self, jobs):
        """Until a coordinator has said OK: jobs are unique by uri, so asking twice is harmless."""
        pb, _ = messages()
        while True:
            for address in list(self.addresses()):
                try:
                    call(address, "Enqueue", pb.EnqueueRequest(run_id=self.run_id, jobs=jobs), seconds=5)
                    return
                except grpc.RpcError as refused:
                    if refused.code() not in PASSING:
                        raise
                    self.failures += 1
            time.sleep(0.1)


# what a fault may answer; anything else is an answer
PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED,
           grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.ABORTED)

_channels = {}


def call(address, method, request, seconds=20):
    """One RPC of Admin."""
    _, stubs = messages()
    if address not in _channels:
        _channels[address] = grpc.insecure_channel(address, options=[
            ("grpc.min_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 300),
            ("grpc.initial_reconnect_backoff_ms", 100)])
    return getattr(stubs.AdminStub(_channels[address]), method)(request, timeout=seconds)


COUNTED = ("committed", "failed")


class Sampler(threading.Thread):
    """Watches the coordinators' /metrics, which never ask the database: results stored, over all their lives."""

    EVERY_S = 0.1

    def __init__(self, http_addresses):
        super().__init__(daemon=True)
        self.addresses = http_addresses
        self.series = []  # (monotonic time, results stored so far)
        self.totals = {}  # metric -> sum over all lives, as far as they were seen
        self.last = {}  # (address, metric) -> value
        self.stopping = threading.Event()
        self.lock = threading.Lock()

    def stop(self):
        self.stopping.set()
        self.join(10)

    def run(self):
        while not self.stopping.is_set():
            self.look()
            self.stopping.wait(self.EVERY_S)

    def look(self, timeout_s=0.5):
        for address in list(self.addresses()):
            try:
                with urllib.request.urlopen(f"http://{address}/metrics", timeout=timeout_s) as answer:
                    self._take(address, answer.read().decode())
            except (OSError, ValueError):
                continue
        with self.lock:
            self.series.append((time.monotonic(), sum(
                self.totals.get('quarry_results_total{outcome="%s"}' % name, 0) for name in COUNTED)))

    def _take(self, address, text):
        for line in text.splitlines():
            if not line.startswith("quarry_") or "_total" not in line:
                continue
            name, _, value = line.rpartition(" ")
            value = float(value)
            before = self.last.get((address, name), 0)
            self.totals[name] = self.totals.get(name, 0) + (value - before if value >= before else value)
            self.last[address, name] = value

    def outcome(self, name):
        return int(self.totals.get('quarry_results_total{outcome="%s"}' % name, 0))

    def count_at(self, when):
        """Results stored at that time, interpolated."""
        with self.lock:
            before = (self.series[0][0], self.series[0][1]) if self.series else (when, 0)
            for at, count in reversed(self.series):
                if at <= when:
                    before = (at, count)
                    break
            after = next(((at, count) for at, count in self.series if at > when), before)
        if after[0] <= before[0]:
            return before[1]
        return before[1] + (after[1] - before[1]) * (when - before[0]) / (after[0] - before[0])

    def rate(self, begin, end):
        return (self.count_at(end) - self.count_at(begin)) / max(end - begin, 1e-6)
