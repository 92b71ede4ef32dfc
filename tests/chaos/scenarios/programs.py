"""Programs that die, stand still, or lose their children."""
import signal
import time

from tests.chaos.postgres import Held, send
from tests.chaos.scenarios import scenario
from tests.harness.quarry import until


@scenario("both coordinators kill -9, back")
def coordinators_killed(case):
    for name in ("c1", "c2"):
        case.stack.kill9(name)
    time.sleep(case.lasting(5))
    for name in ("c1", "c2"):
        case.stack.start_coordinator(name)


@scenario("one of two coordinators kill -9")
def one_coordinator_killed(case):
    """The end of the fault is the kill itself: the other one must take over without help."""
    name = case.random.choice(("c1", "c2"))
    case.stack.kill9(name)
    case.after = lambda: case.stack.start_coordinator(name)


@scenario("worker kill -9, back")
def worker_killed(case):
    name = case.random.choice(case.stack.worker_names)
    case.stack.kill9(name)
    time.sleep(case.lasting(20))
    case.stack.start_worker(name)


@scenario("worker SIGSTOP 60 s")
def worker_stopped(case):
    program = case.stack.programs[case.random.choice(case.stack.worker_names)]
    send(program.pid, signal.SIGSTOP)
    time.sleep(case.lasting(60))
    send(program.pid, signal.SIGCONT)


@scenario("children SIGKILL in a loop")
def children_killed(case):
    """Each kill costs its job an attempt, and a second one by chance a dead letter: failed is not lost."""
    end, killed = time.monotonic() + case.lasting(30), 0
    while time.monotonic() < end:
        killed += case.stack.kill_child(case.random)
        time.sleep(0.3)
    case.took_effect(killed, "no child was there to be killed")
    case.note = f"{killed} children killed"


PAIRS = 12  # documents that belong together: what link has to find, once each


@scenario("coordinator kill -9 in link, index and report")
def stages_killed(case):
    """Of a run of its own: when the work of a stage is written and only its counter is missing, which a lock
    holds up, whoever does it is killed. Nothing of that may stay; the other coordinator does it again."""
    uris = case.stack.files.pairs("stages", PAIRS)
    other = case.stack.create_run("stages")
    held = {stage: Held(case.stack.postgres) for stage in ("link", "index", "report")}
    try:
        for stage, hold in held.items():
            hold.run("SELECT pg_advisory_lock(hashtextextended('quarry stage ' || %s::bigint || ' ' || %s::text, 0))",
                     other, stage)  # what stage_lock.sql takes
        for uri, kind in uris:
            case.stack.enqueue(other, uri, kind)
        case.stack.acknowledged[other] = [uri for uri, _ in uris]
        case.stack.close_run(other)
        killed = [kill_in_stage(case, other, stage, hold) for stage, hold in held.items()]
    finally:
        for hold in held.values():
            hold.close()
    row = case.stack.wait_run(other, 60)
    groups, attempts = Held(case.stack.postgres).rows(
        "SELECT (SELECT count(*) FROM document_groups WHERE run_id = %s), "
        "ARRAY(SELECT attempts FROM stage_jobs WHERE run_id = %s ORDER BY id)", other, other)[0]
    case.took_effect(len(attempts) == 3 and min(attempts) >= 2, f"attempts of the stages: {attempts}")
    if not row or row.status != "completed":
        case.problems.append(f"the run of its own is {row.status if row else 'not at its end'}")
    if groups != PAIRS:
        case.problems.append(f"{groups} groups of documents, there are {PAIRS}")
    case.note = f"killed: {' '.join(killed)}; attempts of the stages: {attempts}"


def kill_in_stage(case, run, stage, advisory):
    """When a coordinator has the stage's work and waits for the counter behind it. Which one it was."""
    who = until(lambda: advisory.rows(
        "SELECT c.instance FROM stage_jobs j JOIN coordinators c ON c.id = j.coordinator_id "
        "WHERE j.run_id = %s AND j.stage = %s AND j.status = 'processing'", run, stage),
        f"{stage} to be taken", 60)[0][0]
    counter = Held(case.stack.postgres)
    counter.begin("SELECT FROM run_stages WHERE run_id = %s AND stage = %s FOR UPDATE", run, stage)
    advisory.close()
    until(lambda: case.stack.postgres.waiting_for(counter.pid), f"the counter of {stage} to be waited for", 30)
    case.stack.kill9(who)
    counter.close()
    case.stack.start_coordinator(who)
    return who
