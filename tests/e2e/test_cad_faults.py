"""A Creo service that fails: the breaker opens and closes, runs end complete through exports, nothing is lost."""

import time

import pytest

from tests.harness.cad import CadStack
from tests.harness.creo_peer import Peer, good
from tests.harness.quarry import until

NAMES = [f"part{i:03}.prt" for i in range(240)]


def switches(stack, bridge="bridge"):
    """(from, to) of a bridge's breaker, oldest first."""
    answer = stack.ask("cad", "status", bridge, "--switches", "200")
    return [(s["before"], s["after"]) for s in reversed(answer["switches"]) if s["what"] == "breaker"]


def state(stack, bridge="bridge"):
    return next(b["state"] for b in stack.ask("cad", "status")["bridges"] if b["state"]["worker_id"] == bridge)


def nothing_lost(stack, run, n):
    assert run["status"] == "completed" and run["completed"] == n and run["failed"] == 0, run
    assert stack.value("SELECT count(*) FROM cad_models WHERE run_id = %s AND status = 'completed' "
                       "AND extraction_mode IN ('grpc', 'json')", run["id"]) == n


def test_at_thirty_percent_it_opens_and_healed_it_closes():
    """The run ends complete through exports; each switch is in `cad status`, the events, the metrics and the log."""
    with CadStack(NAMES, exports=NAMES) as stack:
        stack.start_coordinator()
        stack.start_sim("--fail-rate", "0.3", "--seed", "5")
        bridge = stack.start_bridge("bridge", "--cool-down", "2s")
        run = stack.wait_run(stack.create_run("root://cad/"))
        nothing_lost(stack, run, len(NAMES))
        until(lambda: ("closed", "open") in switches(stack), "the opening to be reported")
        ways = stack.ways()
        print(f"30 % faults: ways {ways}, switches {switches(stack)}")
        assert ways["json"] > 0 and ways["grpc"] > 0, ways
        assert stack.value("SELECT count(*) FROM extracted_metadata WHERE source = 'fallback'") == ways["json"]

        stack.set_faults()
        stack.create_run("root://cad/", "--again", "--name", "healed")

        def closed():
            run_id = max(r["id"] for r in stack.ask("run", "list"))
            if stack.run(run_id)["status"] == "completed" and state(stack)["breaker"] != "closed":
                stack.create_run("root://cad/", "--again", "--name", f"probes {time.time()}")
            return state(stack)["breaker"] == "closed"
        until(closed, "the breaker to close again", 120, every=0.3)
        seen = switches(stack)
        assert seen[-2:] == [("open", "half-open"), ("half-open", "closed")], seen
        assert stack.value("SELECT count(*) FROM cad_switches WHERE what = 'breaker'") == len(seen)
        assert bridge.log.read_text().count(" cad.switch ") == len(seen)
        until(lambda: stack.metrics()['quarry_cad_switches_total{worker="bridge"}'] == len(seen), "the metric to follow")
        metrics = stack.metrics()
        assert metrics['quarry_cad_breaker{worker="bridge",state="closed"}'] == 1
        assert metrics['quarry_cad_calls_total{worker="bridge",outcome="fault"}'] > 0
        print(f"healed: switches {seen}")


def test_creo_down_from_the_start_the_run_completes_through_exports():
    with CadStack(NAMES[:40], exports=NAMES[:40]) as stack:
        stack.start_coordinator()
        dead = stack.start_sim().grpc
        stack.sim.kill9()
        stack.start_bridge(creo=f"grpc://{dead}")
        run = stack.wait_run(stack.create_run("root://cad/"))
        nothing_lost(stack, run, 40)
        assert stack.ways() == {"json": 40}
        print(f"Creo down from the start: {run['completed']} of 40 completed, ways {stack.ways()}")
        until(lambda: switches(stack)[:1] == [("closed", "open")], "the start open to be reported")
        assert "not reachable at start" in stack.cli("cad", "status").stdout


def test_kill_9_of_simulator_and_bridge_in_mid_run():
    """Every job ends completed, whoever dies meanwhile; two bridges, each with a breaker of its own."""
    with CadStack(NAMES, exports=NAMES) as stack:
        stack.start_coordinator("--lease-ttl", "2s")
        stack.start_sim("--latency", "200ms", "--fail-rate", "0.1")
        for name in ("b1", "b2"):
            stack.start_bridge(name, "--cool-down", "1s", "--calls", "4")
        run_id = stack.create_run("root://cad/")
        deaths = 0
        for _ in range(2):
            done = stack.run(run_id)["completed"]
            until(lambda: stack.run(run_id)["completed"] > done + 10 or stack.run(run_id)["status"] != "active",
                  "some models to be done", 60)
            if stack.run(run_id)["status"] != "active":
                break
            for victim in ("sim", "b1", "b2"):
                next(p for p in stack.programs if p.name == victim and p.alive()).kill9()
                deaths += 1
            stack.start_sim("--latency", "200ms", "--fail-rate", "0.1")
            for name in ("b1", "b2"):
                stack.start_bridge(name, "--cool-down", "1s", "--calls", "4")
        run = stack.wait_run(run_id)
        nothing_lost(stack, run, len(NAMES))
        assert deaths >= 3
        print(f"{deaths} times kill -9: {run['completed']} of {len(NAMES)} completed, ways {stack.ways()}")


# ---------------------------------------------------------------- a foreign peer

def test_a_service_by_python_grpcio_is_called():
    """Another implementation of the protocol: what it says is stored, in millimetres and kilograms."""
    with CadStack(["wheel.prt.12"]) as stack, Peer(lambda creo, request, peer: good(creo, request)) as peer:
        stack.start_coordinator()
        stack.start_bridge(creo=f"grpc://{peer.address}", exports=False)
        run = stack.wait_run(stack.create_run("root://cad/"))
        nothing_lost(stack, run, 1)
        assert [(r.model, r.revision, r.root, r.location) for r in peer.requests] == [
            ("wheel.prt", 12, "cad", "root://cad/wheel.prt.12")]
        source, volume, mass, bbox, unit, revision = stack.sql(
            "SELECT source, volume, mass, bbox, length_unit, revision FROM cad_models")[0]
        assert source == f"creo 9.0 (python) at {peer.address}" and (unit, revision) == ("inch", "12")
        assert volume == pytest.approx(2 * 25.4 ** 3) and mass == pytest.approx(0.45359237)
        assert bbox == pytest.approx([0, 0, 0, 25.4, 50.8, 76.2])
        assert stack.sql("SELECT name, value, set_name FROM extracted_parameters") == [
            ("DESCRIPTION", "by grpcio", "designated")]


def forever(creo, request, peer):
    yield good(creo, request)[0]
    peer.over.wait(120)


BAD = {
    "garbage": (lambda creo, request, peer: [b"\xff\xff\xff\x07 no message"], "no message of this service"),
    "another model": (lambda creo, request, peer: good(creo, request, model="other.prt"), "is about 'other.prt'"),
    "nothing": (lambda creo, request, peer: [], "the answer is empty"),
    "half": (lambda creo, request, peer: good(creo, request, end=False), "ends in the middle"),
    "a lying end": (lambda creo, request, peer: good(creo, request, lie=1), "the end counts 4 parts"),
    "no head": (lambda creo, request, peer: [creo.ExtractReply(number=1, mass=creo.MassProperties())], "without a head"),
    "a gap": (lambda creo, request, peer: good(creo, request)[::2], "where 2 should"),
    "forever": (forever, "Deadline"),
}


@pytest.mark.parametrize("part", (0, 1))
def test_a_bad_answer_is_the_services_fault_and_the_export_serves(part):
    """Recognised, said in the record, counted as a fault; the job is done through its export. Four at a time: five in
    a row would open the breaker."""
    bad = {f"bad{i}.prt": BAD[what] for i, what in enumerate(sorted(BAD)) if i % 2 == part}

    def answer(creo, request, peer):
        return bad[request.model][0](creo, request, peer)
    with CadStack(bad, exports=bad) as stack, Peer(answer) as peer:
        stack.start_coordinator()
        stack.start_bridge("bridge", "--call-deadline", "3s", creo=f"grpc://{peer.address}")
        run = stack.wait_run(stack.create_run("root://cad/"))
        nothing_lost(stack, run, len(bad))
        rows = stack.sql("SELECT m.name, m.extraction_mode, m.source, e.notes::text FROM cad_models m "
                         "JOIN extracted_metadata e USING (job_id)")
        for name, mode, source, notes in rows:
            assert (mode, source) == ("json", f"json:{name}.json")
            assert "cad.fallback" in notes and bad[name][1] in notes, notes
        until(lambda: int(state(stack).get("calls_fault", 0)) == len(bad), "the faults to be reported")


def test_a_model_creo_does_not_have_is_no_fault_of_the_service():
    with CadStack(["gone.prt", "wheel.prt"]) as stack:
        described = stack.files / "described"
        described.mkdir()
        (described / "gone.prt.json").write_text('{"absent": true}')
        stack.start_coordinator()
        stack.start_sim("--models", described)
        stack.start_bridge(exports=False)
        run = stack.wait_run(stack.create_run("root://cad/"))
        assert (run["completed"], run["failed"]) == (1, 1), run
        assert stack.sql("SELECT error_class, message FROM dead_letters")[0][0] == "invalid_input"
        until(lambda: int(state(stack).get("calls_model", 0)) == 1, "the call to be reported")
        assert int(state(stack).get("calls_fault", 0)) == 0
