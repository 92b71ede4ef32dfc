"""Orders to a bridge: which way, drain, stop, cancel; and two of them at one coordinator."""

import signal
import threading
import time
import types

import grpc

from tests.harness import fake_coordinator as fake
from tests.harness.cad import CadStack, pb
from tests.harness.creo_peer import Peer, good
from tests.harness.quarry import until

NAMES = [f"part{i:02}.prt" for i in range(12)]


def states(stack):
    return {b["state"]["worker_id"]: b["state"] for b in stack.ask("cad", "status")["bridges"]}


def order(stack, mode, bridge=None, of=("b1", "b2")):
    """Gives it, waits until it is in force, says how long that took."""
    stack.cli("cad", "mode", mode, *(["--bridge", bridge] if bridge else []))
    begun = time.monotonic()
    until(lambda: all(states(stack)[b]["mode"] == mode for b in ([bridge] if bridge else of)), f"mode {mode}")
    print(f"mode {mode} for {bridge or 'all'}: in force after {time.monotonic() - begun:.2f} s")


def sim_calls(stack):
    _, _, sim, stubs = pb()
    with grpc.insecure_channel(stack.sim.grpc) as channel:
        return stubs.ControlStub(channel).GetFaults(sim.GetFaultsRequest(), timeout=30).calls


def test_an_order_is_in_force_with_the_next_report():
    """The documented bound, by the order of events: the mode that one report is answered with is the mode of the next."""
    modes = ["auto", "json", "json", "grpc", "auto", "json", "auto"]
    seen = []

    def report(request):
        seen.append((time.monotonic(), request.state.mode))
        return fake.bridge_pb2.BridgeOrders(mode=modes[min(len(seen), len(modes)) - 1], by="test")

    with CadStack(["wheel.prt"]) as stack, fake.FakeCoordinator(on_report=report) as coordinator:
        stack.coordinator = types.SimpleNamespace(grpc=coordinator.address)
        bridge = stack.start_bridge(ready=False)
        coordinator.stream().welcome()
        bridge.wait_ready()
        until(lambda: len(seen) > len(modes), "the bridge to report")
        assert [mode for _, mode in seen[1:len(modes) + 1]] == modes, seen
        gaps = [after[0] - before[0] for before, after in zip(seen, seen[1:])]
        print(f"an order is in force with the next report; reports come {min(gaps):.2f} to {max(gaps):.2f} s apart")
        bridge.kill9()
        stack.coordinator = None


def test_orders_decide_the_way_for_one_bridge_and_for_all():
    with CadStack(NAMES, exports=NAMES) as stack:
        stack.start_coordinator()
        stack.start_sim()
        bridges = [stack.start_bridge(name) for name in ("b1", "b2")]
        until(lambda: set(states(stack)) == {"b1", "b2"}, "both to report")

        order(stack, "json")
        before = sim_calls(stack)
        assert stack.wait_run(stack.create_run("root://cad/"))["completed"] == len(NAMES)
        assert stack.ways() == {"json": len(NAMES)} and sim_calls(stack) == before

        order(stack, "grpc", "b1")
        bridges[1].terminate()  # b1 alone: calls, while the service fails and the breaker is open
        stack.set_faults(fail_rate=1, status="unavailable")
        run = stack.create_run("root://cad/", "--again")
        until(lambda: int(states(stack)["b1"].get("calls_fault", 0)) > 8 and states(stack)["b1"]["breaker"] == "open",
              "calls to fail", 60)
        stack.set_faults()
        assert stack.wait_run(run)["completed"] == len(NAMES)
        assert stack.value("SELECT count(*) FROM cad_models WHERE run_id = %s AND extraction_mode = 'grpc'",
                           run) == len(NAMES)

        order(stack, "auto", of=("b1",))
        why = [s["why"] for s in stack.ask("cad", "status", "b1", "--switches", "50")["switches"] if s["what"] == "mode"]
        assert len(why) == 3 and all(text.startswith("ordered by ") for text in why), why


def slow(gate):
    """An answer whose head comes at once, and whose rest when the gate opens."""
    def answer(creo, request, peer):
        replies = good(creo, request)
        yield replies[0]
        while not gate.wait(0.05):
            if peer.over.is_set():
                return
        yield from replies[1:]
    return answer


def in_mid_call(peer, n):
    until(lambda: len(peer.requests) >= n, "calls to be under way")


def test_drained_in_mid_call_what_runs_is_finished():
    """SIGTERM: no new work, the calls under way end well, what stood in line goes to the other bridge."""
    gate = threading.Event()
    with CadStack(NAMES) as stack, Peer(slow(gate)) as peer:
        stack.start_coordinator()
        first = stack.start_bridge("b1", "--calls", "4", creo=f"grpc://{peer.address}", exports=False)
        run = stack.create_run("root://cad/")
        in_mid_call(peer, 4)
        first.process.send_signal(signal.SIGTERM)
        until(lambda: "worker.drain" in first.log.read_text(), "the drain to begin")
        stack.start_bridge("b2", creo=f"grpc://{peer.address}", exports=False)
        gate.set()
        assert first.wait() == 0
        run = stack.wait_run(run)
        assert run["completed"] == len(NAMES) and run["failed"] == 0, run
        assert peer.cancelled == 0 and len(peer.requests) == len(NAMES)  # nothing was done twice
        assert stack.value("SELECT max(retry_count) FROM extraction_jobs") == 0
        assert f"done={4}" in first.log.read_text().split("worker.stopped")[1]


def test_stopped_in_mid_call_the_calls_are_ended_and_the_jobs_go_on_elsewhere():
    """A second SIGTERM: now. The service sees its calls end; no job loses an attempt."""
    gate = threading.Event()
    with CadStack(NAMES) as stack, Peer(slow(gate)) as peer:
        stack.start_coordinator()
        first = stack.start_bridge("b1", "--calls", "4", creo=f"grpc://{peer.address}", exports=False)
        run = stack.create_run("root://cad/")
        in_mid_call(peer, 4)
        first.process.send_signal(signal.SIGTERM)
        until(lambda: "worker.drain" in first.log.read_text(), "the drain to begin")
        first.process.send_signal(signal.SIGTERM)
        assert first.wait() == 0
        until(lambda: peer.cancelled == 4, "the service to see its calls end")
        gate.set()
        stack.start_bridge("b2", creo=f"grpc://{peer.address}", exports=False)
        run = stack.wait_run(run)
        assert run["completed"] == len(NAMES) and run["failed"] == 0, run
        assert stack.value("SELECT max(retry_count) FROM extraction_jobs") == 0


def test_cancelled_in_mid_call_the_calls_are_ended_and_the_bridge_goes_on():
    gate = threading.Event()
    with CadStack(NAMES) as stack, Peer(slow(gate)) as peer:
        stack.start_coordinator()
        bridge = stack.start_bridge("b1", "--calls", "4", creo=f"grpc://{peer.address}", exports=False)
        run = stack.create_run("root://cad/")
        in_mid_call(peer, 4)
        stack.cli("run", "cancel", run)
        until(lambda: peer.cancelled == 4, "the service to see its calls end")
        assert stack.wait_run(run)["status"] == "cancelled"
        until(lambda: int(states(stack)["b1"].get("calls", 0)) == 0, "a report")
        assert int(states(stack)["b1"].get("calls_fault", 0)) == 0  # given up by us: says nothing about the service
        gate.set()
        assert stack.wait_run(stack.create_run("root://cad/", "--again"))["completed"] == len(NAMES)
        assert bridge.alive() and states(stack)["b1"]["breaker"] == "closed"


def test_two_bridges_have_a_breaker_each():
    """One has a service that always fails, the other a good one: the first is open and imports, the second calls."""
    with CadStack(NAMES, exports=NAMES) as stack, Peer(lambda creo, request, peer: []) as bad:
        stack.start_coordinator()
        stack.start_sim("--latency", "50ms")
        stack.start_bridge("b1", "--calls", "2", "--cool-down", "1h", creo=f"grpc://{bad.address}")
        stack.start_bridge("b2", "--calls", "2")
        until(lambda: set(states(stack)) == {"b1", "b2"}, "both to report")
        runs = 0

        def both_ways():
            nonlocal runs
            run = stack.wait_run(stack.create_run("root://cad/", "--again"))
            assert run["completed"] == len(NAMES) and run["failed"] == 0, run
            runs += 1
            one, other = states(stack)["b1"], states(stack)["b2"]
            return one["breaker"] == "open" and int(one.get("by_json", 0)) >= 5 and int(other.get("by_grpc", 0)) > 0
        until(both_ways, "both to have done models", 120)
        one, other = states(stack)["b1"], states(stack)["b2"]
        assert other["breaker"] == "closed" and int(other.get("calls_fault", 0)) == 0, other
        assert int(one.get("by_grpc", 0)) == 0, one
        assert 5 <= int(one.get("calls_fault", 0)) <= 6, one  # five in a row, one more was under way, then none
        metrics = stack.metrics()
        assert metrics['quarry_cad_breaker{worker="b1",state="open"}'] == 1
        assert metrics['quarry_cad_breaker{worker="b2",state="closed"}'] == 1
        print(f"{runs} runs: b1 {one.get('by_json')} by json, b2 {other.get('by_grpc')} by grpc")
