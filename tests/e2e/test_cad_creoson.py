"""The bridge's second back end, CREOSON, against a server of the harness that speaks its JSON."""

from tests.harness.cad import CadStack
from tests.harness.creoson import Creoson
from tests.harness.quarry import until

WHEEL = {
    "file/get_fileinfo": {"dirname": "C:/models", "file": "wheel.prt", "revision": 12},
    "file/get_length_units": {"units": "inch"},
    "file/massprops": {"volume": 2.0, "density": 1.0, "mass": 2.0, "surface_area": 3.0},
    "parameter/list": {"paramlist": [
        {"name": "DESCRIPTION", "value": "by creoson", "type": "STRING", "designate": True, "encoded": False,
         "owner_name": "wheel.prt"}]},
    "dimension/list": {"dimlist": [{"name": "d1", "value": 40.5, "encoded": False}]},
    "feature/list": {"featlist": [{"name": "HOLE_1", "type": "HOLE", "status": "ACTIVE", "feat_id": 39,
                                   "feat_number": 5}]},
    "file/list_materials": {"materials": ["STEEL"]},
    "bom/get_paths": {"file": "wheel.prt", "has_simprep": False, "children": {"file": "wheel.prt", "seq_path": "root",
                                                                              "path": []}},
}


def test_a_model_comes_by_creoson_and_a_lost_session_is_made_anew():
    with CadStack(["wheel.prt.12"]) as stack, Creoson({"wheel.prt": WHEEL}) as server:
        stack.start_coordinator()
        stack.start_bridge("bridge", "--calls", "1", creo=server.address, exports=False)
        run = stack.wait_run(stack.create_run("root://cad/"))
        assert run["completed"] == 1, stack.sql("SELECT * FROM dead_letters")
        source, revision, unit = stack.sql("SELECT source, revision, length_unit FROM cad_models")[0]
        assert source == f"creoson at {server.address.removeprefix('creoson+')}/creoson"
        assert (revision, unit) == ("12", "inch")
        assert stack.sql("SELECT name, value FROM extracted_parameters") == [("DESCRIPTION", "by creoson")]
        assert stack.value("SELECT volume FROM cad_models") > 32000  # 2 cubic inches in mm3
        assert stack.value("SELECT count(*) FROM extracted_dimensions") == 1
        assert stack.value("SELECT count(*) FROM cad_manufacturing_features") == 1
        assert server.asked[-1] == "file/erase"
        server.forget_sessions()
        assert stack.wait_run(stack.create_run("root://cad/", "--again"))["completed"] == 1
        assert server.asked.count("connection/connect") >= 2


def test_what_is_not_there_is_the_models_fault_and_noise_the_services():
    with CadStack(["gone.prt", "wheel.prt"], exports=["wheel.prt"]) as stack, Creoson({"wheel.prt": WHEEL}) as server:
        stack.start_coordinator()
        server.spoil = lambda command, function: b"<html>no</html>" if function == "massprops" else None
        stack.start_bridge("bridge", "--calls", "1", creo=server.address)
        run = stack.wait_run(stack.create_run("root://cad/"))
        assert (run["completed"], run["failed"]) == (1, 1), run
        error, message = stack.sql("SELECT error_class, message FROM dead_letters")[0]
        assert error == "invalid_input" and "was not found" in message
        assert stack.ways() == {"json": 1}
        assert "not CREOSON's" in stack.value("SELECT notes::text FROM extracted_metadata")

        def counted():
            state = stack.ask("cad", "status")["bridges"][0]["state"]
            return int(state.get("calls_model", 0)) == 1 and int(state.get("calls_fault", 0)) == 1
        until(counted, "both calls to be reported")


def test_a_session_that_is_lost_in_the_middle_is_the_services_fault():
    """CREOSON is started anew between two questions: half a model is none, the next attempt has all of it."""
    with CadStack(["wheel.prt"]) as stack, Creoson({"wheel.prt": WHEEL}) as server:
        lost = []

        def spoil(command, function):
            if (command, function) == ("dimension", "list") and not lost:
                lost.append(True)
                server.forget_sessions()
        server.spoil = spoil
        stack.start_coordinator()
        stack.start_bridge("bridge", "--calls", "1", creo=server.address, exports=False)
        run = stack.wait_run(stack.create_run("root://cad/"))
        assert run["completed"] == 1 and lost, stack.sql("SELECT * FROM dead_letters")
        assert stack.value("SELECT retry_count FROM extraction_jobs") == 1
        assert stack.value("SELECT count(*) FROM extracted_dimensions") == 1
        detail = stack.value("SELECT detail FROM job_events WHERE event = 'retry'")
        assert "dimension/list: No session found" in detail, detail
