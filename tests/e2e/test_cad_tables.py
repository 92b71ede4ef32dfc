"""Models through a real coordinator: a worker made from the .proto files settles records whose truth is written here,
and the tables, the export and the operators' statements must say the same."""

import base64
import json
import re
import struct
import subprocess
import sys

import pytest

from tests.harness.quarry import ROOT, SHARED, until

OPERATORS_SQL = SHARED / "sql" / "operators.sql"

# The worker takes each file for a record in protobuf's JSON, or for {"fail": class}.
EXTRACT = """
import json
from google.protobuf import json_format
def extract(self, lease):
    root, _, path = lease.uri.removeprefix("root://").partition("/")
    asked = json.loads((pathlib.Path(self.roots[root]) / path).read_bytes())
    while pathlib.Path(self.roots[root]).joinpath("hold-" + path).exists():
        time.sleep(0.05)
    if "fail" in asked:
        raise ValueError(asked["fail"])
    record = json_format.ParseDict(asked, record_pb2.ExtractionRecord())
    record.file, record.extractor = lease.uri, "example"
    return record
Worker.extract = extract
"""

POINTS = [0, 0, 0, 10, 0, 0, 10, 20, 0, 10, 20, 30.5]
FLOATS = struct.pack("<12f", *POINTS)
LATENT = [0.25, -0.5, 1.0, 0.125]
GENOME = {"faces": 8, "radii": [[2.5, 4]], "area": 1.5e-7}
TURN = [0, -1, 0, 5, 1, 0, 0, 6, 0, 0, 1, 7, 0, 0, 0, 1]


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).decode()


WHEEL = {"type": "step", "cad": {
    "name": "WHEEL", "kind": "part", "mode": "native", "source": "step", "schema": "AUTOMOTIVE_DESIGN", "length_unit": "inch",
    "accuracy": 0.01, "instances": 420, "data_sections": 1, "entity_counts": [{"name": "PLANE", "count": 6}],
    "products": [{"id": "W-100", "name": "WHEEL", "root": True}],
    "topology": {"solids": 1, "shells": 1, "faces": 8, "loops": 10, "edges": 18, "vertices": 12, "inner_loops": 2,
                 "surface_types": [{"name": "plane", "count": 6}, {"name": "cylinder", "count": 2}], "adjacency_hash": "00ff"},
    "bounds": {"box": [0, 0, 0, 9, 19, 29], "source": "vertices"},
    "mass": [{"owner": "other", "has_volume": True, "volume": 1}, {"source": "validation", "has_volume": True, "volume": 6000.5,
             "has_mass": True, "mass": 0.047}],
    "genome": b64(GENOME), "points": {"count": 4, "xyz": b64(FLOATS), "source": "vertices"},
    "embeddings": [{"type": "DeepSDF", "model": "dsdf 1", "values": LATENT},
                   {"type": "brepnet", "values": [1, 2, 3]}, {"type": "broken", "values": ["NaN", 1]}],
    "features": [{"id": "41", "type": "round", "name": "R2", "status": "active",
                  "parameters": [{"key": "radius", "value": "2"}]}],
    "views": [{"name": "iso", "width": 64, "height": 48, "media_type": "image/png", "image": b64(b"\x89PNG one")}],
    "colours": [{"owner": "body", "red": 1, "uses": 3}], "details": b64({"saved_by": "Zoë"})},
    "geometry": {
        "kernel": "Open CASCADE 7.6.3", "status": "done", "solids": 1, "faces": 8,
        "bounds": {"box": [0, 0, 0, 10, 20, 30.5], "source": "kernel"},
        "mass": [{"source": "kernel", "has_volume": True, "volume": 6000.25, "has_area": True, "area": 2200}],
        "points": {"count": 4, "xyz": b64(FLOATS), "normals": b64(FLOATS), "source": "kernel"},
        "views": [{"name": "iso", "width": 64, "height": 48, "media_type": "image/png", "image": b64(b"\x89PNG two")}],
        "holes": [{"diameter": 5, "through": True, "axis": [0, 0, 1]}]}}
GEARBOX = {"type": "cad", "cad": {
    "name": "GEARBOX.ASM", "kind": "assembly", "mode": "grpc", "source": "creo 10.0 at sim:1", "revision": "4",
    "assemblies": [
        {"parent": "GEARBOX.ASM", "child": "HUB.PRT", "quantity": 4,
         "occurrences": [{"path": "1", "transform": TURN}, {"path": "2", "suppressed": True}]},
        {"parent": "GEARBOX.ASM", "child": "W-100", "quantity": 1}, {"parent": "GEARBOX.ASM", "child": "nowhere", "quantity": 2.5},
        {"parent": "GEARBOX.ASM", "child": "gearbox.asm", "cycle": True}]}}
HUB = {"type": "cad", "cad": {"name": "HUB.PRT", "kind": "part", "mode": "json", "source": "json:hub.prt.json",
                              "topology": {"faces": 4, "edges": 6}, "genome": b64({"faces": 4})}}
BARE = {"type": "cad", "cad": {"name": "BARE.PRT", "mode": "grpc", "source": "creo"}}
DWG = {"type": "dwg", "cad": {"name": "block", "mode": "native", "source": "dwg", "kind": "drawing"}}
FILES = {"wheel.step": WHEEL, "gearbox.asm.3": GEARBOX, "gearbox.asm.12": GEARBOX, "hub.prt.2": HUB, "hub.prt.10": HUB,
         "bare.prt": BARE, "block.dwg": DWG, "plain.step": {"type": "step"}, "bad.prt": {"fail": "no model"},
         "note.txt": {"type": "text", "text": "no model"}}


# Every result is sent twice at once, and again when it is acknowledged.
TWICE = """
once = Worker.deliver
def deliver(self, result):
    once(self, result)
    once(self, result)
Worker.deliver = deliver
acknowledged = Worker.on_ack
def on_ack(self, ack):
    late = [self.unacked[one.lease_id][0] for one in ack.acks if one.lease_id in self.unacked]
    acknowledged(self, ack)
    for result in late:
        if not hasattr(self, "echoed"):
            self.echoed = set()
        if result.lease_id not in self.echoed:
            self.echoed.add(result.lease_id)
            self.send(result=pb.Result(results=[result]))
Worker.on_ack = on_ack
"""


class Example:
    def __init__(self, stack, folder, types, more=""):
        script = ROOT / "docs/examples/worker.py"
        self.out = stack.folder / "example.out"
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(script.parent)!r}); from worker import *\n"
             f"{EXTRACT}{more}\nmain()", "--coordinator", stack.coordinator.grpc, "--id", "py1", "--root", f"in={folder}",
             "--types", types], stdout=open(self.out, "w"), stderr=open(stack.folder / "example.log", "w"))
        until(lambda: "ready" in self.out.read_text(), "the example worker to be welcomed")

    def stop(self):
        self.process.kill()
        self.process.wait(10)


@pytest.fixture(scope="module")
def stack(module_stack_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, record in FILES.items():
        (folder / name).write_text(json.dumps(record))
    stack = module_stack_of(roots={"in": folder})
    stack.start_coordinator()
    worker = Example(stack, folder, "cad,step,dwg,text")
    stack.run_id = stack.create_run(folder)
    stack.wait_run(stack.run_id)
    worker.stop()
    return stack


def model(stack, name, columns):
    rows = stack.sql(f"SELECT {columns} FROM cad_models m JOIN cloud_files f ON f.id = m.file_id WHERE f.uri = %s",
                     "root://in/" + name)
    assert len(rows) == 1, name
    return rows[0]


def test_every_model_has_its_row_and_the_status_of_its_job(stack):
    rows = dict(stack.sql("SELECT f.name, m.status FROM cad_models m JOIN cloud_files f ON f.id = m.file_id"))
    assert rows == {name: "failed" if name == "bad.prt" else "completed" for name in FILES if name != "note.txt"}
    assert stack.value("SELECT count(*) FROM cad_models m JOIN extraction_jobs j ON j.id = m.job_id "
                       "WHERE m.status <> j.status OR (m.completed_at IS NULL)") == 0


def test_columns_of_a_model(stack):
    assert model(stack, "wheel.step", "m.extraction_mode, m.source, m.name, kind, part_number, schema, length_unit, accuracy, "
                 "instances") == ("native", "step", "WHEEL", "part", "W-100", "AUTOMOTIVE_DESIGN", "inch", 0.01, 420)
    assert model(stack, "wheel.step", "solid_count, shell_count, face_count, loop_count, edge_count, vertex_count, inner_loops, "
                 "open_edges, adjacency_hash") == (1, 1, 8, 10, 18, 12, 2, 0, "00ff")
    # the kernel is exact; what it does not know is the source's
    assert model(stack, "wheel.step", "bbox, bbox_source, volume, area, mass, density, mass_source") == (
        [0, 0, 0, 10, 20, 30.5], "kernel", 6000.25, 2200, 0.047, None, "kernel")
    assert model(stack, "wheel.step", "brep_genome, deepsdf_latent") == (GENOME, LATENT)
    points, normals, count, source = model(stack, "wheel.step", "point_cloud, point_normals, point_count, point_source")
    assert (bytes(points), bytes(normals), count, source) == (FLOATS, FLOATS, 4, "kernel")
    assert model(stack, "wheel.step", "geometry_kernel, geometry_status, geometry_message") == ("Open CASCADE 7.6.3", "done", None)
    details = model(stack, "wheel.step", "details")[0]
    assert details["entity_counts"] == {"PLANE": 6} and details["details"] == {"saved_by": "Zoë"}
    assert details["geometry"]["holes"][0]["diameter"] == 5
    assert not {"name", "genome", "face_count", "embeddings", "features", "assemblies"} & set(details)


def test_what_no_source_gave_is_null(stack):
    for name in ("bare.prt", "plain.step", "bad.prt", "gearbox.asm.12"):
        assert model(stack, name, "brep_genome, deepsdf_latent, point_cloud, face_count, bbox, volume, geometry_status") == (
            (None,) * 7), name
    assert model(stack, "plain.step", "extraction_mode, m.source, m.name, details") == (None,) * 4
    assert model(stack, "hub.prt.10", "face_count, edge_count, brep_genome") == (4, 6, {"faces": 4})


def test_tables_beside_a_model(stack):
    wheel, = model(stack, "wheel.step", "m.id")
    assert stack.sql("SELECT embedding_type, model, embedding, dimensions FROM cad_model_embeddings WHERE cad_model_id = %s "
                     "ORDER BY 1", wheel) == [("brepnet", None, [1, 2, 3], 3), ("deepsdf", "dsdf 1", LATENT, 4)]
    assert stack.sql("SELECT feature_type, name, feature_id, status, source, parameters FROM cad_manufacturing_features "
                     "WHERE cad_model_id = %s ORDER BY id", wheel) == [
        ("round", "R2", "41", "active", None, {"radius": "2"}),
        ("hole", None, None, None, "kernel", {"diameter": 5, "through": True, "axis": [0, 0, 1]})]
    views = stack.sql("SELECT view, source, width, height, media_type, image FROM cad_rendered_views WHERE cad_model_id = %s "
                      "ORDER BY source", wheel)
    assert [(*row[:5], bytes(row[5])) for row in views] == [("iso", "", 64, 48, "image/png", b"\x89PNG one"),
                                                            ("iso", "kernel", 64, 48, "image/png", b"\x89PNG two")]


def test_models_are_found_by_their_vectors(stack):
    """Exactly, where the server has no pgvector; with it: test_vectors.py."""
    wheel, = model(stack, "wheel.step", "m.id")
    rows = stack.sql("SELECT model_id, distance FROM cad_similar('{0.5,-1,2,0.25}'::real[], 'deepsdf', 5)")
    assert [row[0] for row in rows] == [wheel] and abs(rows[0][1]) < 1e-6
    assert stack.sql("SELECT model_id, distance FROM cad_similar('{1,2,4}'::real[], 'brepnet', 5, 'l2')") == [(wheel, 1.0)]
    assert stack.sql("SELECT * FROM cad_similar('{1,2}'::real[], 'brepnet', 5)") == []


def test_assemblies_and_versions_are_resolved(stack):
    ids = dict(stack.sql("SELECT f.name, m.id FROM cad_models m JOIN cloud_files f ON f.id = m.file_id"))
    for parent in ("gearbox.asm.3", "gearbox.asm.12"):
        rows = stack.sql("SELECT child_name, child_model_id, quantity, transform, occurrences, cycle FROM cad_assembly_relations "
                         "WHERE parent_model_id = %s ORDER BY id", ids[parent])
        assert [row[:2] for row in rows] == [("HUB.PRT", ids["hub.prt.10"]), ("W-100", ids["wheel.step"]), ("nowhere", None),
                                             ("gearbox.asm", ids["gearbox.asm.12"] if parent == "gearbox.asm.3" else None)]
        assert [row[2] for row in rows] == [4, 1, 2.5, None]
        assert rows[0][3] == TURN and rows[0][4][1] == {"path": "2", "suppressed": True} and rows[3][5]
    assert dict(stack.sql("SELECT f.name, superseded_by FROM cad_models m JOIN cloud_files f ON f.id = m.file_id "
                          "WHERE superseded_by IS NOT NULL")) == {"gearbox.asm.3": ids["gearbox.asm.12"],
                                                                  "hub.prt.2": ids["hub.prt.10"]}


def test_the_export_holds_the_model(stack):
    records = {record["file"].rsplit("/", 1)[1]: record
               for record in map(json.loads, stack.cli("export", "--run", stack.run_id).stdout.splitlines())}
    cad = records["wheel.step"]["cad"]
    assert (cad["name"], cad["mode"], cad["face_count"], cad["genome"]) == ("WHEEL", "native", 8, GENOME)
    assert {"type": "deepsdf", "model": "dsdf 1", "values": LATENT} in cad["embeddings"]
    assert cad["features"] == [{"id": "41", "type": "round", "name": "R2", "status": "active", "parameters": {"radius": "2"}}]
    assert cad["point_cloud"] == {"count": 4, "normals": True, "source": "kernel"} and cad["bbox"] == [0, 0, 0, 10, 20, 30.5]
    assert [a["child"] for a in records["gearbox.asm.12"]["cad"]["assemblies"]] == ["HUB.PRT", "W-100", "nowhere", "gearbox.asm"]
    assert "cad" not in records["plain.step"] and "cad" not in records["note.txt"] and "cad" not in records["bad.prt"]


def test_verify_finds_nothing_wrong(stack):
    checks = stack.ask("verify")
    assert checks and all(check["ok"] for check in checks), checks


@pytest.mark.skipif(not OPERATORS_SQL.exists(), reason="the operators' statements are not beside the checkout")
def test_operators_statements_count_models(stack):
    answers = [(s, stack.sql(s)) for s in re.sub(r"--.*", "", OPERATORS_SQL.read_text()).split(";") if s.strip()]
    by_mode = next(rows for text, rows in answers if "GROUP BY extraction_mode" in text)
    assert {row[0]: row[1:4] for row in by_mode} == {"native": (2, 1, 1), "grpc": (3, 0, 0), "json": (2, 2, 0), None: (2, 0, 0)}
    for text, rows in answers:
        if "has_deepsdf" in text:
            assert rows[0][:4] == (9, 3, 1, 1) and round(float(rows[0][4]), 3) == round((8 + 4 + 4) / 3, 3)
        if "models_with_embedding" in text:
            assert sorted(rows) == [("brepnet", 1, 1), ("deepsdf", 1, 1)]
    phases = {row[0]: row[1:5] for text, rows in answers if "AS phase" in text for row in rows}
    assert phases["Phase D"] == (0, 0, 8, 1) and phases["Phase B"] == (0, 0, 9, 1)


def test_the_report_agrees_with_sql(stack):
    ways = {way["mode"]: way for way in stack.ask("report", "cad", "--run", stack.run_id)}
    assert list(ways) == ["grpc", "json", "native", "none", "all"]
    for mode, way in ways.items():
        where = {"all": "true", "none": "extraction_mode IS NULL"}.get(mode, f"extraction_mode = '{mode}'")
        want, = stack.sql("SELECT count(*), count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'failed'), "
                          "count(superseded_by), count(brep_genome), count(point_cloud), count(deepsdf_latent), count(bbox), "
                          "count(volume), count(mass), coalesce(avg(face_count) FILTER (WHERE face_count > 0), 0)::float8 "
                          f"FROM cad_models WHERE {where}")
        assert want == tuple(way[name] for name in ("models", "completed", "failed", "superseded", "genome", "point_cloud",
                                                    "deepsdf", "bbox", "volume", "mass", "average_faces")), mode
    total = ways["all"]
    assert (total["models"], total["genome"], total["deepsdf"], total["point_cloud"], total["embedded"]) == (9, 3, 1, 1, 1)
    assert total["failed_by_class"] == {"invalid_input": 1} == ways["none"]["failed_by_class"]
    assert total["geometry"] == {"done": 1, "not asked": 7} and total["embeddings"] == {"brepnet": 1, "deepsdf": 1}
    assert stack.ask("report", "cad") == stack.ask("report", "cad", "--run", stack.run_id)
    assert len(stack.cli("report", "cad", "-o", "jsonl").stdout.splitlines()) == len(ways)
    shown = stack.cli("report", "cad").stdout
    assert re.search(r"^json +2 +2 +0 .*2 \(100 %\)", shown, re.M) and "superseded  2" in shown and "invalid_input 1" in shown
    stack.cli("report", "cad", "--run", 999, code=3)


def status(stack):
    return dict(stack.sql("SELECT f.name, m.status FROM cad_models m JOIN cloud_files f ON f.id = m.file_id"))


def test_a_model_follows_its_job(stack_of, tmp_path):
    for name in ("a.prt", "b.step", "c.ifc"):
        (tmp_path / name).write_text(json.dumps({"cad": {"name": name, "mode": "grpc"}}))
    (tmp_path / "hold-a.prt").write_text("")
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator("--lease-ttl", "2s")
    run = stack.create_run(tmp_path)
    stack.wait_listed(run)
    models = ("a.prt", "b.step", "c.ifc", "hold-a.prt")
    assert {name: status(stack)[name] for name in models} == {name: "pending" for name in models}
    jobs = dict(stack.sql("SELECT f.name, j.id FROM extraction_jobs j JOIN cloud_files f ON f.id = j.file_id"))
    stack.cli("job", "pause", jobs["b.step"])
    stack.cli("job", "cancel", jobs["c.ifc"])
    stack.cli("job", "cancel", jobs["hold-a.prt"])
    assert (status(stack)["b.step"], status(stack)["c.ifc"]) == ("paused", "cancelled")
    worker = Example(stack, tmp_path, "cad,step,ifc")
    until(lambda: status(stack)["a.prt"] == "processing", "the long job to be seen in cad_models")
    stack.cli("job", "resume", jobs["b.step"])
    until(lambda: status(stack)["b.step"] == "completed", "the resumed job to end")
    worker.process.kill()
    worker.process.wait(10)
    until(lambda: status(stack)["a.prt"] == "pending", "the lease of the dead worker to be over")
    (tmp_path / "hold-a.prt").unlink()
    stack.cli("job", "retry", jobs["c.ifc"])
    assert status(stack)["c.ifc"] == "pending"
    worker = Example(stack, tmp_path, "cad,step,ifc")
    until(lambda: (status(stack)["a.prt"], status(stack)["c.ifc"]) == ("completed", "completed"), "all to be done")
    worker.stop()


ROWS = ("cad_models", "cad_model_embeddings", "cad_assembly_relations", "cad_manufacturing_features", "cad_rendered_views")


def test_a_result_that_arrives_twice_is_stored_once(stack_of, tmp_path):
    for name, record in {"wheel.step": WHEEL, "gearbox.asm": GEARBOX}.items():
        (tmp_path / name).write_text(json.dumps(record))
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    worker = Example(stack, tmp_path, "cad,step", TWICE)
    stack.wait_run(stack.create_run(tmp_path))
    until(lambda: worker.out.read_text().count("ack ") >= 4, "a late copy of each to be acknowledged, too")
    acks = re.findall(r"ACK_CODE_(\w+)", worker.out.read_text())
    assert acks.count("COMMITTED") == 2 and set(acks) == {"COMMITTED", "DUPLICATE"}
    worker.stop()
    assert {table: stack.value(f"SELECT count(*) FROM {table}") for table in ROWS} == dict(zip(ROWS, (2, 2, 4, 2, 2)))
    total = stack.ask("report", "cad")[-1]
    assert (total["models"], total["completed"], total["genome"], total["deepsdf"], total["views"]) == (2, 2, 1, 1, 1)
    assert all(check["ok"] for check in stack.ask("verify"))


def test_children_and_versions_are_resolved_in_any_order(stack_of, tmp_path):
    """Parents before their children and after, newer versions before older ones: each time the link stage comes it says
    what is so now."""
    parent = {"type": "cad", "cad": {"name": "GEARBOX.ASM", "kind": "assembly", "mode": "grpc", "source": "creo", "assemblies": [
        {"parent": "GEARBOX.ASM", "child": "HUB.PRT", "quantity": 2}]}}
    for name in ("before.asm.1", "after.asm.1"):
        (tmp_path / name).write_text(json.dumps(parent))
    for name in ("hub.prt.2", "hub.prt.10", "hub.prt.11"):
        (tmp_path / name).write_text(json.dumps(HUB))
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    worker = Example(stack, tmp_path, "cad")
    run = int(stack.cli("run", "create", "--manual", "--name", "order").stdout)
    links = 0

    def linked_after(*names):
        nonlocal links
        stack.cli("job", "add", "--run", run, *(f"root://in/{name}" for name in names))
        until(lambda: all(status(stack).get(name) == "completed" for name in names), f"{names} to be read")
        stack.cli("run", "begin", run, "link")
        links += 1
        until(lambda: stack.value("SELECT count(*) FROM stage_jobs WHERE stage = 'link' AND status = 'completed'") == links, "link")
        return found()

    def found():
        named = dict(stack.sql("SELECT m.id, f.name FROM cad_models m JOIN cloud_files f ON f.id = m.file_id"))
        children = {named[parent]: named.get(child)
                    for parent, child in stack.sql("SELECT parent_model_id, child_model_id FROM cad_assembly_relations")}
        newer = {named[model]: named[by]
                 for model, by in stack.sql("SELECT id, superseded_by FROM cad_models WHERE superseded_by IS NOT NULL")}
        return children, newer

    assert linked_after("before.asm.1") == ({"before.asm.1": None}, {})
    assert linked_after("hub.prt.10") == ({"before.asm.1": "hub.prt.10"}, {})
    late = linked_after("hub.prt.2", "after.asm.1")  # the older version comes last, and stays the older one
    assert late == ({"before.asm.1": "hub.prt.10", "after.asm.1": "hub.prt.10"}, {"hub.prt.2": "hub.prt.10"})
    newest = ({"before.asm.1": "hub.prt.11", "after.asm.1": "hub.prt.11"}, {"hub.prt.2": "hub.prt.11", "hub.prt.10": "hub.prt.11"})
    assert linked_after("hub.prt.11") == newest
    stack.cli("run", "close", run)
    stack.wait_run(run)
    assert found() == newest and stack.ask("report", "cad")[-1]["superseded"] == 2
    worker.stop()
