"""The database: restarted, frozen, its connections ended."""
import time

from tests.chaos.scenarios import scenario


@scenario("PostgreSQL immediate restart")
def database_restarted(case):
    case.stack.postgres.stop("immediate")
    time.sleep(case.lasting(2))
    case.stack.postgres.start()


@scenario("PostgreSQL frozen 150 s")
def database_frozen(case):
    case.stack.postgres.freeze()
    time.sleep(case.lasting(150))
    case.stack.postgres.thaw()


@scenario("backends ended in a loop")
def backends_ended(case):
    end = time.monotonic() + case.lasting(30)
    ended = 0
    while time.monotonic() < end:
        ended += case.stack.postgres.terminate_backends()
        time.sleep(0.2 + 0.3 * case.random.random())
    case.took_effect(ended, "no connection was there to be ended")
    case.note = f"{ended} connections ended"


@scenario("cluster epoch renewed under load")
def epoch_renewed(case):
    """As after a restore: the coordinators end by themselves; what the workers hold of the epoch before is void."""
    case.stack.postgres.renew_epoch()
    for name in ("c1", "c2"):
        status = case.stack.programs[name].wait()
        case.stack.kills += 1  # its counters are not asked any more
        case.took_effect(status > 0, f"{name} ended with {status}")
    for name in ("c1", "c2"):
        case.stack.start_coordinator(name)
