"""What people do under load: runs and jobs paused, resumed and cancelled, limits changed."""
import time

from tests.chaos.checker import limit_kept
from tests.chaos.places import Places
from tests.chaos.scenarios import scenario
from tests.harness.admin import messages
from tests.harness.quarry import until


def ask(case, method, **fields):
    """An RPC of Admin; its request is made of `fields`."""
    pb, _ = messages()
    kind = pb.DESCRIPTOR.services_by_name["Admin"].methods_by_name[method].input_type.name
    return case.stack.any_call(method, getattr(pb, kind)(**fields))


def listed(case, status, limit):
    return [job.id for job in ask(case, "ListJobs", run_id=case.run_id, status=status, limit=limit).jobs]


@scenario("run paused, then resumed", stack="network")
def run_paused(case):
    ask(case, "PauseRun", run_id=case.run_id, reason="chaos")
    time.sleep(2.5)  # a stop reaches a running extraction within two seconds
    before = case.stack.sampler.count_at(time.monotonic())
    time.sleep(case.lasting(10))
    done = case.stack.sampler.count_at(time.monotonic()) - before
    case.took_effect(done == 0, f"{done:.0f} jobs of the paused run were done")
    ask(case, "ResumeRun", run_id=case.run_id, reason="chaos")


@scenario("another run cancelled", stack="network")
def run_cancelled(case):
    other = case.stack.create_run("cancelled")
    feeder = case.stack.feed(other, 30 * case.options.rate)  # faster than they can be done
    time.sleep(2)
    case.stack.acknowledged[other] = feeder.stop()
    ask(case, "CancelRun", run_id=other, reason="chaos")
    row = until(lambda: (lambda run: run.status in ("cancelled", "completed") and run)(case.stack.run_row(other)),
                "the run to be cancelled", 60)
    case.took_effect(row.cancelled, "all jobs were done before")
    case.note = f"{row.cancelled} jobs cancelled, {row.completed} completed before"


@scenario("jobs paused, resumed, cancelled", stack="network")
def jobs_controlled(case):
    end, asked = time.monotonic() + case.lasting(20), 0
    while time.monotonic() < end:
        for status in ("pending", "processing", "paused"):
            ids = listed(case, status, 30)
            case.random.shuffle(ids)
            for method in ("PauseJobs", "ResumeJobs", "CancelJobs"):
                some, ids = ids[:5], ids[5:]
                if some:
                    asked += len(some)
                    ask(case, method, job_ids=some, reason="chaos")
        time.sleep(0.2)
    until(lambda: resume_all(case), "all paused jobs to be resumed", 60, every=0.5)
    case.took_effect(asked, "no job was there to be asked for")


@scenario("limit set, lowered, raised, removed", stack="network")
def limit_changed(case):
    """Of the run under load. Nothing begins above the limit in force; what had begun before goes on."""
    of = {"scope": "run", "name": str(case.run_id)}
    with Places(case.stack.postgres, case.run_id) as places:
        time.sleep(0.5)
        for running in (8, 2, 5, 1):
            ask(case, "SetLimit", running=running, **of)
            time.sleep(case.lasting(10) / 4)
        ask(case, "RemoveLimit", **of)
    if places.problem:
        raise places.problem
    case.problems += limit_kept(places.samples)
    looks = sum(limit == 1 for limit, _ in places.samples)
    case.took_effect(places.most(1) >= 1 and looks > 1, f"{looks} looks under a limit of 1, none with a job")
    case.note = ", ".join(f"{places.most(limit)} of {limit}" for limit in (8, 2, 5, 1)) + \
        f" at most, in {len(places.samples)} looks"


def resume_all(case):
    """True when no job of the run is paused or about to be, for two seconds."""
    for _ in range(4):
        ids = listed(case, "paused", 10000)
        if ids:
            ask(case, "ResumeJobs", job_ids=ids, reason="chaos")
            return False
        time.sleep(0.7)
    return True
