"""The chaos suite: real programs, real faults, and a checker that proves what became of every job.

    ./dev test chaos                       every scenario, about a minute of load in all
    ./dev test chaos --minutes 40          long enough for full-length faults; prints the table
    ./dev test chaos --only database       scenarios with "database" in their name
    ./dev test chaos --build tsan          the programs of another preset (dev: ASan and UBSan)
    ./dev test chaos --seed 7              what is chosen by chance, chosen again
    ./dev test chaos --list
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback

from tests.chaos import scenarios, table
from tests.chaos.checker import Told, check
from tests.chaos.clocks import ClockStack
from tests.chaos.history import History
from tests.chaos.stack import Stack
from tests.harness.quarry import ROOT

FULL_MINUTES = 45  # from here on nothing is shortened
BUILDS = {"release": "build/bin", "dev": "build/dev/bin", "tsan": "build/tsan/bin"}
STACKS = {"programs": Stack, "network": Stack, "clocks": ClockStack}  # a scenario names its own


def arguments():
    flags = argparse.ArgumentParser(prog="./dev test chaos", description=__doc__,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--minutes", type=float, default=1.0, metavar="N", help="how long all of it should take")
    flags.add_argument("--only", default="", metavar="TEXT", help="scenarios whose name has this")
    flags.add_argument("--build", choices=BUILDS, default="release", help="programs to run")
    flags.add_argument("--seed", type=int, default=0, help="0: a new one, which is printed")
    flags.add_argument("--rate", type=float, default=0, help="jobs a second (default: by build and length)")
    flags.add_argument("--keep", action="store_true", help="keep logs and database dump also when all is well")
    flags.add_argument("--list", action="store_true", help="list the scenarios")
    return flags.parse_args()


class Options:
    """What the stacks and scenarios need to know."""

    def __init__(self, flags):
        self.seed = flags.seed or random.SystemRandom().randrange(1, 1 << 31)
        self.build = flags.build
        self.bin = pathlib.Path(os.environ.get("QUARRY_BIN", ROOT / BUILDS[flags.build]))
        self.runner = self._runner()
        self.sanitized = slow = flags.build != "release"
        self.scale = min(1.0, flags.minutes / FULL_MINUTES)
        self.short = flags.minutes < 8
        self.ttl_s = (4 if slow else 2) if self.short else 8
        self.before_s = max(2.5, 60 * self.scale)
        self.rate = flags.rate or (25 if slow else 60 if self.short else 120)
        self.hold_s = 2.5 if self.short else 10.0
        self.slots = 3
        self.slow_pages = 200 if slow else 500
        self.coordinator_flags = ["--statement-timeout", "5s" if self.short else "30s"]
        self.may_fail = ()
        self.drain_s = 60 + 4 * self.ttl_s + 150 * self.scale

    def _runner(self):
        """TSan of gcc 12 needs fewer random bits in addresses than some kernels use."""
        if self.build != "tsan":
            return []
        bare = ["setarch", os.uname().machine, "-R"]
        return bare if subprocess.run([*bare, "true"], capture_output=True).returncode == 0 else []


def say(text):
    print(text, flush=True)


def end_early(*_):
    """Killed: no process and no mount may stay behind, and the threads that use them do not count any more."""
    for stack in list(Stack.open_ones):
        stack.close(keep=True)
        say(f"ended early; evidence: {stack.folder}")
    os._exit(1)


# ---------------------------------------------------------------- one scenario


def run_case(scenario, stack, options, rng):
    row = table.Row(scenario.title)
    missing = [what for what in scenario.needs if not getattr(stack, what)]
    if missing:
        row.skipped = f"this machine gives no {', '.join(missing)}"
        return row
    run_id = stack.create_run(scenario.name)
    case = scenarios.Case(stack, options, rng, run_id, say)
    feeder = stack.feed(run_id, options.rate)
    time.sleep(1.0 + options.before_s)  # a second to get going
    begin = time.monotonic()
    row.rate = stack.sampler.rate(begin - options.before_s, begin)
    scenario.run(case)
    end = time.monotonic()
    row.fault_s = end - begin
    while row.recovery_s is None and time.monotonic() - end < table.GIVE_UP_S:
        time.sleep(0.2)
        row.recovery_s = table.recovered_after(stack.sampler, end, row.rate, time.monotonic(),
                                               options.hold_s)
    case.after()
    acknowledged = feeder.stop()
    stack.close_run(run_id)
    if stack.wait_run(run_id, options.drain_s) is None:
        row.problems.append(f"the run had not ended {options.drain_s:.0f} s after its last job came")
    row.note = case.note
    stack.acknowledged[run_id] = acknowledged
    judge(row, stack, run_id, case)
    return row


def judge(row, stack, run_id, case):
    """What the database, the logs and the programs say about that run."""
    connection = stack.postgres.connect()
    report = check(History.load(connection), acknowledged=stack.acknowledged, told=Told(stack.worker_logs()),
                   only_run=run_id)
    connection.close()
    row.figures = report.figures
    row.problems += [f"{name}: {text}" for name, text in report.violations[:10]]
    if report.violations[10:]:
        row.problems.append(f"and {len(report.violations) - 10} violations more")
    row.problems += [f"{name} is not running" for name in stack.crashed()]
    row.problems += case.problems
    row.problems += [f"{name}: {text}" for name, text in stack.new_sanitizer_reports()]
    row.judge(4 * stack.options.slots if stack.options.short else 0)


# ---------------------------------------------------------------- one stack


def final_check(stack, rows):
    """The whole database once more, when nothing happens any more."""
    row = table.Row("the whole history")
    connection = stack.postgres.connect()
    metrics = None
    if stack.kills == 0:
        stack.sampler.look(10)
        metrics = {"committed": stack.sampler.outcome("committed")}
    report = check(History.load(connection), acknowledged=stack.acknowledged, told=Told(stack.worker_logs()),
                   metrics=metrics)
    connection.close()
    row.problems += [f"{name}: {text}" for name, text in report.violations[:10]]
    verify = stack.cli("verify")
    if verify.returncode != 0:
        row.problems.append(f"quarry verify: {verify.stdout[-500:]}{verify.stderr[-300:]}")
    connections = stack.postgres.connections()
    if connections > 16:
        row.problems.append(f"two coordinators hold {connections} connections, allowed are 8 each")
    if row.problems:
        rows.append(row)
    return report


def evidence(stack, seed):
    """Keeps logs and a dump of the database; returns where."""
    folder = pathlib.Path(f"/tmp/quarry-chaos-evidence-{seed}-{stack.name}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for log in [*stack.logs(), stack.postgres.log]:
        shutil.copy(log, folder)
    with open(folder / "history.dump", "wb") as out:
        subprocess.run([stack.postgres.bin / "pg_dump", "-Fc", "-h", stack.postgres.folder, "-U", "quarry", "quarry"],
                       stdout=out, stderr=subprocess.DEVNULL, timeout=300)
    return folder


def run_stack(name, chosen, options, keep):
    rows, kept = [], None
    try:
        with STACKS[name](options, name) as stack:
            for scenario in chosen:
                rng = random.Random(f"{options.seed} {scenario.name}")
                try:
                    row = run_case(scenario, stack, options, rng)
                except Exception as broken:
                    row = table.Row(scenario.title)
                    row.problems.append(f"{type(broken).__name__}: {broken}")
                    traceback.print_exc()
                    rows.append(row)
                    say(table.line(row.cells()))
                    kept = evidence(stack, options.seed)
                    break  # the stack may be in any state
                rows.append(row)
                say(table.line(row.cells()))
                for problem in row.problems:
                    say(f"    {problem}")
            else:
                final_check(stack, rows)
            if kept is None and (keep or any(row.verdict == "FAILED" for row in rows)):
                kept = evidence(stack, options.seed)
        if stack.problems:  # at the very end of its programs
            rows.append(table.Row("the end of the programs"))
            rows[-1].problems = stack.problems
    except Exception as broken:
        row = table.Row(f"stack {name}")
        row.problems.append(f"{type(broken).__name__}: {broken}")
        traceback.print_exc()
        rows.append(row)
    return rows, kept


def run_all(chosen, options, keep):
    """The stacks side by side in the short form, one after the other in the long one, which measures."""
    groups = {name: [s for s in chosen if s.stack == name] for name in STACKS}
    groups = {name: mine for name, mine in groups.items() if mine}
    with concurrent.futures.ThreadPoolExecutor(len(groups) if options.short else 1) as threads:
        results = list(threads.map(lambda name: run_stack(name, groups[name], options, keep), groups))
    return [row for rows, _ in results for row in rows], [folder for _, folder in results if folder]


def main():
    flags = arguments()
    catalog = scenarios.load()
    chosen = [s for s in catalog if flags.only in s.name or flags.only in s.title]
    if flags.list:
        for s in catalog:
            say(f"{s.name:<26}{s.title}")
        return 0
    if not chosen:
        sys.exit(f"./dev test chaos: no scenario has '{flags.only}' in its name; hint: ./dev test chaos --list")
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, end_early)
    options = Options(flags)
    begun = time.monotonic()
    say(f"chaos: seed {options.seed}, {options.build} programs, ttl {options.ttl_s} s, {options.rate:.0f} jobs/s, "
        f"{len(chosen)} scenarios")
    say(table.head())
    rows, kept = run_all(chosen, options, flags.keep)
    for row in rows:
        if row.verdict == "FAILED":
            say(f"{row.name}:\n" + "\n".join(f"    {problem}" for problem in row.problems))
        elif row.skipped:
            say(f"{row.name}: skipped, {row.skipped}")
    for folder in kept:
        say(f"evidence: {folder}")
    failed = sum(row.verdict == "FAILED" for row in rows)
    if failed:
        say(f"again: ./dev test chaos --seed {options.seed} --minutes {flags.minutes:g} --build {options.build}")
    say(table.summary(rows, seed=options.seed, build=options.build, ttl_s=options.ttl_s, jobs_per_s=options.rate,
                      seconds=round(time.monotonic() - begun)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
