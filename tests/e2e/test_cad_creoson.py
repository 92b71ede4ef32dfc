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


SCREW = {
    **WHEEL,
    "file/get_fileinfo": {"dirname": "C:\\models\\Small\\", "file": "screw.prt", "revision": 2},
    "file/get_cur_material": {"material": "STEEL"},
    "file/list_materials": {"materials": ["BRASS", "STEEL"]},
    "file/list_simp_reps": {"reps": ["LIGHT"]},
    "dimension/list_detail": {"dimlist": [{"name": "d1", "value": 8, "dim_type": "diameter", "text": ["{0:@D}"],
                                           "tolerance_type": "limits", "tol_lower_limit": 7.5, "tol_upper_limit": 8.25}]},
    "familytable/list": {"instances": ["SCREW_M4", "SCREW_M5"]},
    "familytable/get_header": {"columns": [{"colid": "d1", "datatype": "DOUBLE", "coltype": "DIMENSION"}]},
    "familytable/get_row": {"instance": "SCREW_M4", "columns": [{"colid": "d1", "value": 4.0}]},
}


def test_a_folder_is_asked_for_and_the_questions_have_their_fields():
    with CadStack(["small/screw.prt.2"]) as stack, Creoson({"screw.prt": SCREW}) as server:
        stack.start_coordinator()
        stack.start_bridge("bridge", "--calls", "1", creo=server.address, exports=False)
        run = stack.wait_run(stack.create_run("root://cad/"))
        assert run["completed"] == 1, stack.sql("SELECT * FROM dead_letters")
        asked = server.requests
        assert asked["file/open"] == {"file": "screw.prt", "dirname": "small", "display": False, "activate": True}
        assert asked["feature/list"] == {"file": "screw.prt", "inc_unnamed": True}
        assert asked["note/list"] == {"file": "screw.prt", "get_expanded": True}
        assert asked["bom/get_paths"] == {"file": "screw.prt", "paths": True, "get_transforms": True, "get_simpreps": True}
        assert asked["familytable/get_row"] == {"file": "screw.prt", "instance": "SCREW_M5"}
        assert "dimension/list" not in server.asked  # the detailed list was answered
        assert not [question for question in server.asked if question.startswith("drawing/")]
        upper, lower = stack.sql("SELECT upper_tol, lower_tol FROM extracted_dimensions")[0]
        assert (round(upper, 6), round(lower, 6)) == (6.35, -12.7)


def test_a_model_of_another_folder_is_not_taken_for_ours():
    with CadStack(["large/screw.prt.2"], exports=["screw.prt"]) as stack, Creoson({"screw.prt": SCREW}) as server:
        stack.start_coordinator()
        stack.start_bridge("bridge", "--calls", "1", creo=server.address)
        assert stack.wait_run(stack.create_run("root://cad/"))["completed"] == 1
        assert stack.ways() == {"json": 1}
        assert "of the folder 'C:\\\\models\\\\Small" in stack.value("SELECT notes::text FROM extracted_metadata")


def test_a_drawing_is_asked_for_its_sheets():
    drawing = {"file/get_fileinfo": {"dirname": "C:/models", "file": "screw.drw", "revision": 1},
               "drawing/list_models": {"files": ["screw.prt"]}, "drawing/get_num_sheets": {"num_sheets": 2},
               "drawing/get_sheet_size": {"size": "A3"}, "drawing/get_sheet_scale": {"scale": 0.5}}
    with CadStack(["screw.drw.1"]) as stack, Creoson({"screw.drw": drawing}) as server:
        stack.start_coordinator()
        stack.start_bridge("bridge", "--calls", "1", creo=server.address, exports=False)
        assert stack.wait_run(stack.create_run("root://cad/"))["completed"] == 1
        assert server.requests["drawing/get_sheet_scale"] == {"drawing": "screw.drw", "sheet": 2}
        assert server.asked.count("drawing/get_sheet_size") == 2


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
