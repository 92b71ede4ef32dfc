"""What a Creo service may do to a bridge: start slowly, crash, stay away, never stop sending."""

import pathlib

from tests.harness.cad import CadStack
from tests.harness.creo_peer import Peer, good
from tests.harness.quarry import BIN, until

NAMES = [f"part{i:02}.prt" for i in range(40)]
MIB = 1 << 20
SIM_CRASHED = 70  # its exit status


def state(stack, bridge="bridge"):
    return next(b["state"] for b in stack.ask("cad", "status")["bridges"] if b["state"]["worker_id"] == bridge)


def switches(stack, bridge="bridge"):
    """(from, to) of a bridge's breaker, oldest first."""
    answer = stack.ask("cad", "status", bridge, "--switches", "200")
    return [(s["before"], s["after"]) for s in reversed(answer["switches"]) if s["what"] == "breaker"]


def events(stack, job):
    return [row[0] for row in stack.sql("SELECT event FROM job_events WHERE job_id = %s ORDER BY id", job)]


def peak_mib(program):
    status = pathlib.Path(f"/proc/{program.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def test_a_service_that_starts_slowly_is_waited_for():
    """It listens and serves nothing yet: the bridge starts open, the job waits, and is done when the service is up."""
    with CadStack(["wheel.prt.1"]) as stack:
        stack.start_coordinator()
        stack.start_sim("--slow-start", "1h")
        bridge = stack.start_bridge("bridge", "--cool-down", "1s", exports=False)
        assert "cad.unreachable" in bridge.log.read_text() and "still starting" in bridge.log.read_text()
        run_id = stack.create_run("root://cad/")
        until(lambda: stack.value("SELECT count(*) FROM job_events WHERE event = 'waits'") >= 1, "the job to wait")
        stack.sim.terminate()
        stack.start_sim("--slow-start", "2s")
        run = stack.wait_run(run_id)
        assert (run["completed"], run["failed"]) == (1, 0), run
        assert stack.ways() == {"grpc": 1}
        assert stack.sql("SELECT retry_count, infra_losses FROM extraction_jobs") == [(0, 0)]
        until(lambda: ("half-open", "closed") in switches(stack) or state(stack)["breaker"] == "half-open",
              "probes to pass")
        print(f"slow start: switches {switches(stack)}")


def test_a_service_that_crashes_leaves_the_run_to_the_exports():
    """It ends in its tenth call, with others under way; the bridge goes on, and uses it again when it is back."""
    with CadStack(NAMES, exports=NAMES) as stack:
        stack.start_coordinator()
        stack.start_sim("--crash-after", "10", "--latency", "50ms")
        bridge = stack.start_bridge("bridge", "--cool-down", "1s", "--calls", "4")
        run = stack.wait_run(stack.create_run("root://cad/"))
        assert run["status"] == "completed" and run["completed"] == len(NAMES) and run["failed"] == 0, run
        assert stack.sim.wait() == SIM_CRASHED
        assert bridge.alive()
        ways = stack.ways()
        assert ways["json"] + ways.get("grpc", 0) == len(NAMES) and ways.get("grpc", 0) < 10, ways
        until(lambda: ("closed", "open") in switches(stack), "the opening to be reported")
        print(f"crash after 10 calls: ways {ways}, switches {switches(stack)}")
        stack.start_sim()
        until(lambda: stack.wait_run(stack.create_run("root://cad/", "--again")) and
              state(stack)["breaker"] == "closed", "the breaker to close again", 120)
        assert bridge.alive() and stack.ways()["grpc"] > ways.get("grpc", 0)


def test_at_the_end_of_the_wait_limit_a_job_fails_once_and_for_all():
    """No service, no export that is good: jobs wait and lose no attempt; at the limit they are dead letters that say
    what was missing. A retry by hand tries again."""
    with CadStack(["broken.prt", "wheel.prt"]) as stack:
        (stack.exports / "broken.prt.json").write_text('{"name": "broken.prt", "parameters": [{"na')
        stack.start_coordinator()
        stack.start_sim().kill9()
        stack.start_bridge("bridge", "--cool-down", "1s", "--wait-limit", "3s")
        run = stack.wait_run(stack.create_run("root://cad/"))
        assert (run["completed"], run["failed"]) == (0, 2), run
        rows = {name: rest for name, *rest in stack.sql(
            "SELECT f.name, j.id, d.error_class, d.message, j.retry_count, j.infra_losses FROM dead_letters d "
            "JOIN extraction_jobs j ON j.id = d.job_id JOIN cloud_files f ON f.id = j.file_id")}
        for name, (job, error, message, retries, losses) in rows.items():
            seen = events(stack, job)
            print(f"{name}: {error}: {message}; events {seen}")
            assert (retries, losses) == (0, 0) and "retry" not in seen
            assert seen.count("waits") >= 1 and seen[-1] == "failed", seen
            assert "while this waited" in message and "hint: quarry cad status" in message
        assert rows["wheel.prt"][1] == "connection" and "there is no export of it" in rows["wheel.prt"][2]
        assert rows["broken.prt"][1] == "invalid_input" and "its export cannot be used" in rows["broken.prt"][2]
        stack.start_sim()
        until(lambda: state(stack)["wait_ms"] in (0, "0") if "wait_ms" in state(stack) else True, "the cool-down to end")
        stack.cli("job", "retry", rows["wheel.prt"][0])
        until(lambda: stack.ways() == {"grpc": 1}, "the model to come")


# ---------------------------------------------------------------- answers without an end

def flood(creo, request, peer):
    """A gigabyte of views, each of them in order."""
    yield good(creo, request)[0]
    for number in range(2, 130):
        peer.sent = number
        yield creo.ExtractReply(number=number, view=creo.View(name=f"v{number}", media_type="image/png",
                                                              image=b"\x89PNG" + bytes(8 * MIB)))


def too_large_a_part(creo, request, peer):
    yield good(creo, request)[0]
    yield creo.ExtractReply(number=2, view=creo.View(name="v", media_type="image/png", image=bytes(20 * MIB)))


def drip(creo, request, peer):
    """Something every now and then, forever."""
    yield good(creo, request)[0]
    number = 1
    while not peer.over.wait(0.1):
        number += 1
        yield creo.ExtractReply(number=number, notes=creo.Notes(items=[creo.Note(name="n", value="again")]))


def many_points(creo, request, peer):
    yield good(creo, request)[0]
    yield creo.ExtractReply(number=2, points=creo.PointCloud(first=0, total=4000000000, xyz=bytes(12)))


ENDLESS = {
    "flood.prt": (flood, "more than 256 MiB"),
    "part.prt": (too_large_a_part, "message larger than max"),
    "drip.prt": (drip, "Deadline"),
    "points.prt": (many_points, "bytes of 4000000000 points"),
}


def test_an_answer_without_an_end_is_ended_and_the_export_serves():
    """Each within its cap, in bounded memory; the service is told, and stops sending."""
    def answer(creo, request, peer):
        return ENDLESS[request.model][0](creo, request, peer)
    with CadStack(ENDLESS, exports=ENDLESS) as stack, Peer(answer) as peer:
        stack.start_coordinator()
        bridge = stack.start_bridge("bridge", "--call-deadline", "20s", "--calls", "1", creo=f"grpc://{peer.address}")
        run = stack.wait_run(stack.create_run("root://cad/"))
        assert run["completed"] == len(ENDLESS) and run["failed"] == 0, run
        for name, mode, notes in stack.sql("SELECT m.name, m.extraction_mode, e.notes::text FROM cad_models m "
                                           "JOIN extracted_metadata e USING (job_id)"):
            assert mode == "json" and ENDLESS[name][1] in notes, (name, notes)
        until(lambda: int(state(stack).get("calls_fault", 0)) == len(ENDLESS), "the faults to be reported")
        until(lambda: peer.cancelled >= 2, "the service to see that nobody listens to flood and drip")
        peak = peak_mib(bridge)
        print(f"a stream of 1 GB was ended at part {peer.sent} of 129 (8 MiB each); the bridge's peak: {peak} MiB")
        assert peer.sent < 129
        if (BIN / "quarry-cadbridge").resolve().parent.parent.name == "build":  # no sanitizer's shadow
            assert peak < 800
