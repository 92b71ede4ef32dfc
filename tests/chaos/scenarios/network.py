"""The network between workers and coordinators: a proxy that stalls and cuts, a cable that swallows packets."""
import time

from tests.chaos.scenarios import scenario


def proxies(case):
    found = case.stack.proxies.values()
    case.took_effect(any(proxy.pipes for proxy in found), "nobody uses the proxies")
    return found


@scenario("proxy: stalled, both ways", stack="network")
def proxy_stalled(case):
    cut = proxies(case)
    for proxy in cut:
        proxy.stall("both")
    time.sleep(case.lasting(30))
    for proxy in cut:
        proxy.flow()


@scenario("proxy: half open, one way then the other", stack="network")
def proxy_half_open(case):
    for direction in ("up", "down"):
        cut = proxies(case)
        for proxy in cut:
            proxy.stall(direction)
        time.sleep(case.lasting(20))
        for proxy in cut:
            proxy.flow()
        time.sleep(0.5)


@scenario("proxy: resets, half closes, delays", stack="network")
def proxy_flapping(case):
    cut, end = proxies(case), time.monotonic() + case.lasting(30)
    while time.monotonic() < end:
        for proxy in cut:
            proxy.delay(0.2)
            case.random.choice((proxy.reset, lambda: proxy.close_half("up"), lambda: proxy.close_half("down")))()
        time.sleep(0.3 + case.random.random())
    for proxy in cut:
        proxy.flow()


@scenario("cable cut, both ways", needs=("namespace",), stack="network")
def cable_cut(case):
    case.took_effect(case.stack.namespace.answers(), "the cable carried nothing before")
    case.stack.namespace.cut("both")
    case.took_effect(not case.stack.namespace.answers(), "packets still arrive")
    time.sleep(case.lasting(30))
    case.stack.namespace.mend()


@scenario("cable half open, one way then the other", needs=("namespace",), stack="network")
def cable_half_open(case):
    for direction in ("up", "down"):
        case.stack.namespace.cut(direction)
        case.took_effect(not case.stack.namespace.answers(), "packets still arrive")
        time.sleep(case.lasting(20))
        case.stack.namespace.mend()
        time.sleep(0.5)
