"""The CAD bridge on real programs: the simulator, the coordinator, kill -9."""

from tests.harness.cad import CadStack
from tests.harness.quarry import until


def test_models_come_by_the_service_and_are_stored_whole():
    """Parameters, mass, structure, points and a latent of a made-up model reach the tables."""
    with CadStack(["wheel.prt.3", "wheel.prt.2", "sub/top.asm", "sheet.drw.1"]) as stack:
        stack.start_coordinator()
        stack.start_sim()
        stack.start_bridge(exports=False)
        run = stack.wait_run(stack.create_run("root://cad/"))
        assert run["status"] == "completed" and run["completed"] == 4, run
        rows = {name: rest for name, *rest in stack.sql(
            "SELECT f.name, m.extraction_mode, m.source, m.face_count, cardinality(m.deepsdf_latent), m.point_count, "
            "j.empty_reason FROM cad_models m JOIN cloud_files f ON f.id = m.file_id "
            "JOIN extraction_jobs j ON j.id = m.job_id")}
        mode, source, faces, latent, points, empty = rows["wheel.prt.3"]
        assert mode == "grpc" and source == f"creo 10.0.2.0 (simulated) at {stack.sim.grpc}", rows
        assert faces > 0 and latent == 256 and points == 2048 and empty is None, rows
        assert rows["wheel.prt.2"][5] == "superseded by a newer version" and rows["wheel.prt.2"][0] is None, rows
        assert stack.value("SELECT count(*) FROM cad_assembly_relations r JOIN cad_models m ON m.id = r.parent_model_id "
                           "WHERE m.name = 'top.asm'") > 0
        assert stack.value("SELECT count(*) FROM extracted_parameters WHERE source = 'creo'") == 18
        assert stack.value("SELECT count(*) FROM cad_models WHERE superseded_by IS NOT NULL") == 1


def test_a_job_waits_for_the_service_without_losing_an_attempt():
    """Creo is away from the start and there is no export: the job waits, and is done once the service is there."""
    with CadStack(["wheel.prt.1"]) as stack:
        stack.start_coordinator()
        address = stack.start_sim().grpc
        stack.sim.terminate()
        stack.start_bridge("bridge", "--cool-down", "1s", creo=f"grpc://{address}", exports=False)
        run_id = stack.create_run("root://cad/")
        until(lambda: stack.value("SELECT count(*) FROM job_events WHERE event = 'waits'") >= 2, "the job to wait")
        stack.start_sim()
        run = stack.wait_run(run_id)
        assert run["completed"] == 1 and run["failed"] == 0, run
        assert stack.sql("SELECT retry_count, infra_losses, status FROM extraction_jobs") == [(0, 0, "completed")]


def test_an_order_reaches_the_bridge_and_outlives_restarts():
    """`cad mode` for all and for one, in `cad status`, metrics and the switches; kept over kill -9 of both."""
    with CadStack(["wheel.prt.1"]) as stack:
        stack.start_coordinator()
        stack.start_sim()
        bridge = stack.start_bridge("b1", exports=False)
        other = stack.start_bridge("b2", exports=False)

        def modes():
            return {b["state"]["worker_id"]: b["state"]["mode"] for b in stack.ask("cad", "status")["bridges"]}

        until(lambda: modes() == {"b1": "auto", "b2": "auto"}, "both bridges to report")
        stack.cli("cad", "mode", "json")
        until(lambda: modes() == {"b1": "json", "b2": "json"}, "the order to be in force")
        stack.cli("cad", "mode", "auto", "--bridge", "b2")
        until(lambda: modes() == {"b1": "json", "b2": "auto"}, "the order to b2 to be in force")
        metrics = stack.metrics()
        assert metrics['quarry_cad_mode{worker="b1",mode="json"}'] == 1
        assert metrics['quarry_cad_mode{worker="b2",mode="auto"}'] == 1
        switches = stack.ask("cad", "status", "b2")["switches"]
        assert [(s["before"], s["after"]) for s in switches] == [("json", "auto"), ("auto", "json")], switches
        assert all(s["what"] == "mode" and "ordered by" in s["why"] for s in switches)
        assert "cad.mode" in bridge.log.read_text()
        bridge.kill9()
        stack.coordinator.kill9()
        stack.start_coordinator()
        stack.start_bridge("b1", exports=False)
        run = stack.create_run("root://cad/")  # b2 may do it, b1 must not
        assert stack.wait_run(run)["completed"] == 1
        until(lambda: modes()["b1"] == "json", "the order to b1 to be in force again")
        assert other.alive()
        stack.cli("cad", "mode", "yaml", code=2)
        stack.cli("cad", "status", "nobody", code=3)
