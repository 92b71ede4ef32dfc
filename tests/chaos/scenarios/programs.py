"""Programs that die, stand still, or lose their children."""
import signal
import time

from tests.chaos.postgres import send
from tests.chaos.scenarios import scenario


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
