"""The history checker: were jobs lost, done twice, or changed by a lease that did not hold them?

It proves that from the audit trail and the counters, never from a unique key alone. Every job's events are
walked through the table of legal paths below; the leases that were handed out must be used up exactly by that
walk. What the workers were told (their logs) and what the feeder was told (acknowledged jobs) must be in the
database; equal files must have equal rows.

    report = check(History.load(connection), told=workers_logs, acknowledged={run: uris}, only_run=None)
    report.violations    # [(name, text)], empty when all is well
    report.figures       # jobs, lost, doubled, starts, …
"""
import collections
import re

from tests.chaos.history import RESULT_TABLES

FINAL = ("completed", "failed", "cancelled")

# event -> (states it may come in, the state it leads to); None: stays. `lease`: it ends that lease.
# "leased" is no event: a hand-over is a row of lease_batches, and shows when something ends it.
PATHS = {
    "created": (("none",), "pending", False),
    "returned": (("leased",), "pending", True),
    "released": (("leased",), "pending", True),
    "expired": (("leased",), "pending", True),
    "retry": (("leased",), "pending", True),
    "failed": (("leased",), "failed", True),
    "completed": (("leased",), "completed", True),
    "paused": (("leased", "pending"), "paused", None),
    "cancelled": (("leased", "pending", "paused"), "cancelled", None),
    "resumed": (("paused", "pending"), "pending", False),  # pending: a request to pause was withdrawn in time
    "retried": (("failed", "cancelled"), "pending", False),
    "convicted": (("pending",), "failed", False),  # names the lease that died, which was returned before
}
STAGES = ("extract", "link", "index", "report")
COUNTERS = ("total", "open", "completed", "failed", "paused", "cancelled", "empty", "partial", "infra_losses", "retries")

# said of a job, without changing its state
REMARKS = {"suspect", "alone", "stop_requested", "dlq.purged", "found", "found.refused"}


# why a lease was returned when a person had asked for it
STOPPED = ("its run was stopped", "asked to stop, and not heard of in time")


class Report:
    def __init__(self):
        self.violations = []
        self.figures = {}

    def add(self, name, text):
        self.violations.append((name, text))

    def names(self):
        return sorted({name for name, _ in self.violations})

    def text(self, most=5):
        """A line a violation, at most so many of each name."""
        seen, lines = collections.Counter(), []
        for name, text in self.violations:
            seen[name] += 1
            if seen[name] <= most:
                lines.append(f"  {name}: {text}")
        lines += [f"  {name}: and {n - most} more" for name, n in seen.items() if n > most]
        return "\n".join(lines)


def check(history, acknowledged=None, told=None, metrics=None, only_run=None, unfinished=()):
    """acknowledged {run: [uri]}; told: Told, the workers' side; metrics {outcome: count}, of coordinators that
    all lived to be asked; only_run: figures and violations of that run alone; unfinished: runs that may have jobs left."""
    report = Report()
    jobs = {i: j for i, j in history.jobs.items() if only_run in (None, j.run_id)}
    leases = _leases(history, jobs, report)
    _lost(jobs, acknowledged or {}, unfinished, report, only_run)
    _paths(history, jobs, leases, report)
    _results(history, jobs, leases, report, only_run)
    _queues(history, jobs, report)
    _counters(history, jobs, report, only_run, unfinished)
    _found(history, jobs, report)
    if told:
        _told(told, jobs, leases, report)
    if metrics is not None and only_run is None:
        _metrics(jobs, metrics, report)
    _figures(history, jobs, leases, told, report)
    return report


# ---------------------------------------------------------------- hand-overs


def _leases(history, jobs, report):
    """job -> its leases, oldest first. Each id is given once, and to one job."""
    given, seen = collections.defaultdict(list), {}
    for lease in history.leases:
        if lease.id in seen:
            report.add("lease_twice", f"lease {lease.id} was given to job {seen[lease.id]} and job {lease.job_id}")
        seen[lease.id] = lease.job_id
        if lease.job_id in jobs:
            given[lease.job_id].append(lease)
        elif lease.job_id not in history.jobs:
            report.add("lease_of_nothing", f"lease {lease.id} of job {lease.job_id}, which is not there")
    return given


def _lost(jobs, acknowledged, unfinished, report, only_run):
    by_run = collections.defaultdict(collections.Counter)
    for job in jobs.values():
        by_run[job.run_id][job.uri] += 1
        if job.status not in FINAL and job.run_id not in unfinished:
            report.add("lost", f"job {job.id} ({job.uri}) is {job.status} and nobody works on it any more")
    lost = 0
    for run, uris in acknowledged.items():
        if only_run not in (None, run):
            continue
        for uri in uris:
            if uri not in by_run[run]:
                lost += 1
                report.add("lost", f"run {run}: '{uri}' was acknowledged to who enqueued it and has no job")
        for uri, n in by_run[run].items():
            if n > 1:
                report.add("enqueued_twice", f"run {run}: '{uri}' has {n} jobs")
    report.figures["lost"] = lost + sum(
        job.status not in FINAL and job.run_id not in unfinished for job in jobs.values())


# ---------------------------------------------------------------- the walk


def _paths(history, jobs, leases, report):
    doubled = 0
    for job in jobs.values():
        events = history.events.get(job.id, [])
        doubled += sum(e.event == "completed" for e in events) > 1
        problem = _walk(job, events, leases.get(job.id, []))
        if problem:
            report.add(problem[0], f"job {job.id} ({job.status}): {problem[1]}; its events: "
                       + " ".join(f"{e.event}{f'({e.lease_id})' if e.lease_id else ''}" for e in events)
                       + "; its leases: " + " ".join(f"{l.id}{' gone' if l.gone else ''}" for l in leases.get(job.id, [])))
    report.figures["doubled"] = doubled
    if doubled:
        report.add("doubled", f"{doubled} jobs have more than one committed result in the audit trail")


def _walk(job, events, leases):
    """The job's events, one after the other, and the leases they end. (name, text) of the first thing that is not legal."""
    state, waiting = "none", list(leases)
    for event in events:
        if event.event in REMARKS:
            continue
        if event.event not in PATHS:
            return "unknown_event", f"event '{event.event}' is not in the checker's table"
        before, after, ends = PATHS[event.event]
        if ends is None:
            ends = event.lease_id is not None
        if ends:
            problem = _end_lease(job, event, state, waiting)
            if problem:
                return problem
            state = "leased"
        if state not in before or (not ends and state == "leased"):
            return "path", f"'{event.event}' (event {event.id}) came while it was {state}"
        state = after
    if state == "none":
        return "path", "it was never created"
    if state != job.status and not (state == "pending" and job.status == "processing"):
        return "path", f"the events lead to {state}"
    if waiting and job.status in FINAL:
        return "lease_open", f"lease {waiting[0].id} was handed out and never ended"
    if len(waiting) > 1:
        return "lease_open", f"leases {[l.id for l in waiting]} are held at the same time"
    return None


def _end_lease(job, event, state, waiting):
    """The next lease of the job must be the one that the event ends."""
    lease_id = event.lease_id if event.lease_id is not None else job.settled_lease_id
    if state != "pending":
        return "path", f"'{event.event}' (event {event.id}) ends a lease while it was {state}"
    if not waiting:
        return "path", f"'{event.event}' (event {event.id}) ends lease {lease_id}, and no lease was left"
    lease = waiting.pop(0)
    if lease.id != lease_id:
        return "path", f"'{event.event}' (event {event.id}) ends lease {lease_id} while lease {lease.id} held the job"
    if lease.gone == (event.event == "completed"):
        return "gone_mark", (f"lease {lease.id} ended as '{event.event}' and is "
                             f"{'' if lease.gone else 'not '}marked gone")
    return None


# ---------------------------------------------------------------- results


def _results(history, jobs, leases, report, only_run):
    for job_id, (run, _) in history.results.items():
        if only_run not in (None, run):
            continue
        job = jobs.get(job_id)
        if job is None or job.status != "completed":
            report.add("result_without_job", f"result rows of job {job_id}, which is {job.status if job else 'not there'}")
    for job_id, tables in history.children.items():
        if job_id not in history.results and (only_run is None or job_id in jobs):
            report.add("result_without_job", f"job {job_id} has rows in {', '.join(tables)} and no record")
    for job in jobs.values():
        if job.status != "completed":
            continue
        if job.type != "noop" and job.id not in history.results:
            report.add("completed_without_result", f"job {job.id} ({job.uri}) is completed and has no record")
        if job.settled_lease_id not in {lease.id for lease in leases.get(job.id, [])}:
            report.add("result_of_no_lease", f"job {job.id} was settled by lease {job.settled_lease_id}, "
                       "which never held it")
    _equal_files(history, jobs, report)


def _equal_files(history, jobs, report):
    """Equal files have equal rows: a result stored twice shows where no unique key forbids it."""
    counts = collections.defaultdict(collections.Counter)
    rows = {}
    for job_id, (_, sha) in history.results.items():
        if sha is None or (job_id in jobs and jobs[job_id].partial):
            continue
        rows[job_id] = tuple(history.children.get(job_id, {}).get(table, 0) for table in RESULT_TABLES)
        counts[sha][rows[job_id]] += 1
    for job_id, found in rows.items():
        usual = counts[history.results[job_id][1]].most_common(1)[0][0]
        if job_id in jobs and found != usual:
            report.add("result_rows", f"job {job_id} has {dict(zip(RESULT_TABLES, found))} rows, "
                       f"equal files have {dict(zip(RESULT_TABLES, usual))}")


def _queues(history, jobs, report):
    """Where a job waits must fit its state."""
    for name, waiting in (("ready", history.ready), ("delayed", history.delayed)):
        for job_id, n in waiting.items():
            if job_id in jobs and jobs[job_id].status in FINAL:
                report.add("queued_final", f"job {job_id} is {jobs[job_id].status} and still in {name}")
            if n > 1:
                report.add("queued_twice", f"job {job_id} is {n} times in {name}")
    for job in jobs.values():
        purged = any(event.event == "dlq.purged" for event in history.events.get(job.id, []))
        if (job.status == "failed") != (job.id in history.dead) and not purged:
            report.add("dead_letter", f"job {job.id} is {job.status} and has {'a' if job.id in history.dead else 'no'} dead letter")


# ---------------------------------------------------------------- counters


def _extracted(history, jobs):
    """(run, stage) -> what the counters of each run's first stage must be, by its rows and events."""
    found = collections.defaultdict(collections.Counter)
    for job in jobs.values():
        c = found[job.run_id, "extract"]
        c["total"] += 1
        c[job.status] += 1
        c["open"] += job.status not in FINAL
        c["empty"] += job.status == "completed" and bool(job.empty_reason)
        c["partial"] += job.status == "completed" and bool(job.partial)
        c["infra_losses"] += job.infra_losses
        for event in history.events.get(job.id, []):
            c["retries"] += event.event == "retry" or _failed_while_stopped(event)
    return found


def _counters(history, jobs, report, only_run, unfinished):
    """The counters of every stage of each run against its rows."""
    found = _extracted(history, jobs)
    for job in history.stage_jobs:
        if only_run in (None, job.run_id):
            c = found[job.run_id, job.stage]
            c["total"] += 1
            c[job.status] += 1
            c["open"] += job.status not in FINAL
    for stage in history.stages:
        if only_run not in (None, stage.run_id):
            continue
        c = found.pop((stage.run_id, stage.stage), collections.Counter())
        for name in COUNTERS:
            if name == "open" and stage.run_id in unfinished:
                continue
            if getattr(stage, name) != c[name]:
                report.add("counter", f"run {stage.run_id}, {stage.stage}: {name} is counted {getattr(stage, name)}, "
                           f"the rows say {c[name]}")
    for run, stage in found:
        report.add("counter", f"run {run} has jobs of {stage} and no counters")
    _runs(history, report, only_run, unfinished)


def _runs(history, report, only_run, unfinished):
    """Each run has ended, once, and in the end every stage was done for the last epoch of the one before."""
    stages = {(stage.run_id, stage.stage): stage for stage in history.stages}
    newest = {(job.run_id, job.stage): job for job in history.stage_jobs}
    for run, status in history.runs.items():
        if only_run not in (None, run) or run in unfinished:
            continue
        ends = [e for e in history.run_events.get(run, []) if e in ("run.completed", "run.failed", "run.cancelled")]
        if status in ("active", "paused"):
            report.add("run_open", f"run {run} is still {status}")
        elif len(ends) != 1 + history.run_events.get(run, []).count("run.reopened"):
            report.add("run_ends", f"run {run} is {status} and ended {len(ends)} times")
        for before, stage in zip(STAGES, STAGES[1:]):
            if status not in ("completed", "failed"):
                break
            done, wanted = newest.get((run, stage)), stages.get((run, before))
            if not done or not wanted or done.superseded or done.input_epoch != wanted.epoch:
                report.add("stage_done", f"run {run} is {status}; the last work of {stage} is {done}, "
                           f"{before} is {wanted}")
        if status in ("completed", "failed") and run not in history.reports:
            report.add("stage_done", f"run {run} is {status} and has no report")


def _found(history, jobs, report):
    """Jobs that others found: by a completed one, in its run, once, as many as its history says."""
    children = collections.Counter(job.parent_id for job in jobs.values() if job.parent_id is not None)
    for job in jobs.values():
        if job.parent_id is None:
            if job.depth is not None:
                report.add("found_depth", f"job {job.id} was listed and is {job.depth} steps from a listed one")
            continue
        parent = history.jobs.get(job.parent_id)
        if parent is None or parent.run_id != job.run_id or parent.status != "completed":
            report.add("found_unfenced", f"job {job.id} was found by job {job.parent_id}, which is "
                       f"{parent.status if parent else 'not there'}")
        elif job.depth != (parent.depth or 0) + 1:
            report.add("found_depth", f"job {job.id} is {job.depth} steps from a listed one, its parent {parent.depth or 0}")
    for job_id in jobs:
        said = [event for event in history.events.get(job_id, []) if event.event == "found"]
        new = sum(int(event.detail.split(" new", 1)[0]) for event in said)
        if new != children[job_id] or len(said) > 1:
            report.add("found_count", f"job {job_id} has {children[job_id]} found jobs, its {len(said)} events say {new}")
    report.figures["found"] = sum(children.values())


def _metrics(jobs, metrics, report):
    """Each commit is counted once by the coordinator that made it; exact only while none was killed."""
    completed = sum(job.status == "completed" for job in jobs.values())
    if metrics["committed"] != completed:
        report.add("metrics", f"the coordinators counted {metrics['committed']} committed results, the rows say {completed}")


# ---------------------------------------------------------------- limits


def limit_kept(samples):
    """What is wrong with [(limit or None, leases that live)], each pair from one snapshot of the database, in order.

    Never more leases than the limit. What had begun when it was lowered goes on: as long as there are more than
    the limit, all of them are from that time."""
    problems, limit, older = [], None, frozenset()

    def most(limit, leases):
        return float("inf") if limit is None else max(limit, len(leases & older))

    for number, (now, leases) in enumerate(samples):
        allowed = most(now, leases)
        if now != limit:  # changed since the sample before: what is there now had begun under either
            allowed = max(allowed, most(limit, leases)) if number else float("inf")
            limit, older = now, leases
        if len(leases) > allowed:
            problems.append(f"{len(leases)} leases live under a limit of {now} (sample {number}, {allowed} are allowed)")
    return problems


# ---------------------------------------------------------------- what the workers were told


class Told:
    """What the workers' logs say: starts, and the answers to their results."""

    LINE = re.compile(r" (job\.start|result\.committed|result\.unused) (.*)")
    FIELD = re.compile(r"(\w+)=(\"[^\"]*\"|\S+)")

    def __init__(self, logs=()):
        self.starts = []  # lease, of each job whose work began
        self.committed, self.stale, self.duplicate = [], [], []  # (lease, job)
        for log in logs:
            with open(log, errors="replace") as lines:
                for line in lines:
                    found = self.LINE.search(line)
                    if found:
                        self._take(found[1], dict(self.FIELD.findall(found[2])))

    def _take(self, what, fields):
        lease = int(fields["lease"])
        if what == "job.start":
            self.starts.append(lease)
        elif what == "result.committed":
            self.committed.append((lease, int(fields["job"])))
        elif fields.get("answer") == "stale":
            self.stale.append((lease, int(fields["job"])))
        else:
            self.duplicate.append((lease, int(fields["job"])))


def _told(told, jobs, leases, report):
    held = {lease.id: job_id for job_id, given in leases.items() for lease in given}
    settled = {job.settled_lease_id: job for job in jobs.values() if job.settled_lease_id is not None}
    ended = {lease.id for given in leases.values() for lease in given if lease.gone}
    for lease, job_id in told.committed:
        if job_id not in jobs:
            continue
        if lease not in settled and lease not in ended:
            report.add("ack_is_true", f"a worker was told that lease {lease} of job {job_id} is committed; "
                       f"the job is {jobs[job_id].status} by lease {jobs[job_id].settled_lease_id}")
    for lease, job_id in told.stale:
        if lease in settled and settled[lease].status == "completed" and job_id in jobs:
            report.add("ack_is_true", f"a worker was told that lease {lease} is stale, and it completed job {job_id}")
    begun = collections.Counter(told.starts)
    for lease, n in begun.items():
        if lease in held and n > 1:
            report.add("started_twice", f"lease {lease} of job {held[lease]} was started {n} times")


def _figures(history, jobs, leases, told, report):
    f = report.figures
    f["jobs"] = len(jobs)
    f["failed"] = sum(job.status == "failed" for job in jobs.values())
    given = collections.Counter(len(leases.get(job, [])) for job in jobs)
    f["leases_per_job"] = {str(n): given[n] for n in sorted(given)}
    if told:
        held = {lease.id: job_id for job_id, mine in leases.items() for lease in mine}
        starts = collections.Counter(held[lease] for lease in told.starts if lease in held)
        noops = {(lease, job_id) for lease, job_id in told.committed + told.stale + told.duplicate
                 if job_id in jobs and jobs[job_id].type == "noop"}
        starts.update(job_id for _, job_id in noops)  # a noop has no start to log: a lease with an answer had one
        f["starts"] = {str(n): c for n, c in sorted(collections.Counter(starts.values()).items())}
        begun = sum(starts.values())
        f["starts_mean"] = round(begun / max(len(starts), 1), 4)
        f["needless"] = sum(_needless(history.events.get(job, []), n) for job, n in starts.items())
        f["starts_again"] = round(f["needless"] / max(begun, 1), 4)
        f["stale"] = sum(job in jobs for _, job in told.stale)
        f["duplicate"] = sum(job in jobs for _, job in told.duplicate)


def _failed_while_stopped(event):
    """An attempt that failed when somebody had asked for a pause: it ends as paused, and says why it failed."""
    return event.event == "paused" and event.lease_id is not None and event.detail is not None


def _needless(events, starts):
    """Starts that an attempt's own failure, or a person, did not ask for: work that was done twice."""
    wanted = 1 + sum(e.event in ("retry", "retried", "resumed", "released") or _failed_while_stopped(e)
                     or e.event == "returned" and e.detail in STOPPED for e in events)
    return max(0, starts - wanted)
