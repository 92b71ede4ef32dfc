"""Clocks that jump: of a worker, a coordinator, the database (a stack of its own, clocks.py)."""
import time

from tests.chaos.scenarios import scenario

HOUR = 3600


def step(case, name):
    """An hour ahead, then an hour behind, then right again, a while apart."""
    for offset in (HOUR, -HOUR, 0):
        case.stack.set_clock(name, offset)
        off = case.stack.seconds_off(name)
        assert abs(off - offset) <= 2, f"the clock of {name} is {off} s off instead of {offset}"
        if name == "postgres":
            off = case.stack.postgres.seconds_off()
            assert abs(off - offset) <= 2, f"the server's clock is {off} s off instead of {offset}"
        time.sleep(case.lasting(20) / 2)


@scenario("worker's clock, an hour both ways", needs=("library",), stack="clocks")
def worker_clock(case):
    step(case, "w1")


@scenario("coordinator's clock, an hour both ways", needs=("library",), stack="clocks")
def coordinator_clock(case):
    step(case, "c1")


@scenario("database's clock, an hour both ways", needs=("library",), stack="clocks")
def database_clock(case):
    step(case, "postgres")
