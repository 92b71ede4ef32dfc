"""docs/cad-export.schema.json held against a JSON Schema validator, and our reader against both."""

import json
import re
import subprocess

import pytest

from tests.harness.cad import export_of
from tests.harness.quarry import BIN, ROOT

jsonschema = pytest.importorskip("jsonschema")

ONE = next((path for path in (BIN / "import_one", ROOT / "build/dev/bin/import_one") if path.exists()), BIN / "import_one")
SCHEMA = json.loads((ROOT / "docs/cad-export.schema.json").read_text())
MODEL = {"$schema": SCHEMA["$schema"], "$ref": "#/$defs/model", "$defs": SCHEMA["$defs"]}
DOCUMENT = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)
ONE_MODEL = jsonschema.validators.validator_for(SCHEMA)(MODEL)
MATRIX = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def values_of(text):
    """The values of a document, one behind the other."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


def samples():
    for path in sorted((ROOT / "tests/fuzz/seeds/cadjson").glob("*.json")):
        if path.name not in ("paths.json", "row.json"):  # the data of one answer, no documents
            for i, value in enumerate(values_of(path.read_text())):
                yield pytest.param(value, id=f"{path.name}-{i}")
    page = (ROOT / "docs/cad-export.md").read_text()
    for i, block in enumerate(re.findall(r"\n\n((?:    .*\n)+)", page)):
        yield pytest.param(json.loads(block.replace("…", "")), id=f"cad-export.md-{i}")
    yield pytest.param(export_of("wheel.prt", face_count=3), id="harness")


def leaves(errors):
    for error in errors:
        yield error
        yield from leaves(error.context)


def paths(errors):
    return {"/" + "/".join(map(str, error.absolute_path)) for error in leaves(errors)}


def reader(tmp_path, text, model="a.prt"):
    (tmp_path / f"{model}.json").write_text(text)
    done = subprocess.run([ONE, tmp_path, model, "120000"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


needs_reader = pytest.mark.skipif(not ONE.exists(), reason="this build has no import_one")


def test_the_schema_is_one_of_the_draft_it_declares():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert type(DOCUMENT) is jsonschema.Draft202012Validator
    type(DOCUMENT).check_schema(SCHEMA)


@pytest.mark.parametrize("sample", samples())
def test_our_own_exports_are_valid(sample):
    assert not (paths(DOCUMENT.iter_errors(sample)) if not DOCUMENT.is_valid(sample) else ()), sample


@needs_reader
def test_what_is_null_is_absent_for_both(tmp_path):
    nothing = {name: None for name in SCHEMA["$defs"]["model"]["properties"]} | {"name": "a.prt"}
    assert not paths(ONE_MODEL.iter_errors(nothing))
    outcome = reader(tmp_path, json.dumps(nothing))
    assert (outcome["class"], outcome["message"]) == ("", "")
    assert list(outcome["record"]["cad"]) == ["name", "mode", "source"]


def broken(why, path, **fields):
    return pytest.param({"name": "a.prt", **fields}, path, id=why)


@needs_reader
@pytest.mark.parametrize("document, path", [
    pytest.param({"kind": "part"}, "/", id="no name"),
    broken("a name that is none", "/name", name=5),
    broken("an empty name", "/name", name=""),
    broken("another format", "/format", format="other"),
    broken("another version", "/version", version=2),
    broken("a version that is no number", "/version", version={}),
    broken("units as a list", "/units", units=[]),
    broken("a unit that is no text", "/units/length", units={"length": 25.4}),
    broken("an object for a number", "/mass/volume", mass={"volume": {}}),
    broken("two coordinates", "/mass/centroid", mass={"centroid": [1, 2]}),
    broken("the second of two masses", "/mass/1/area", mass=[{}, {"area": []}]),
    broken("a box of five", "/bbox", bbox=[0, 0, 0, 1, 1]),
    broken("a text in a box", "/bbox/5", bbox=[0, 0, 0, 1, 1, "x"]),
    broken("fewer than none", "/face_count", face_count=-1),
    broken("half a face", "/face_count", face_count=1.5),
    broken("counts as a list", "/surface_types", surface_types=[1]),
    broken("a count by name", "/curve_types/line", curve_types={"line": -2}),
    broken("a parameter without name", "/parameters/1", parameters=[{"name": "A"}, {"value": "x"}]),
    broken("parameters as a text", "/parameters", parameters="x"),
    broken("a value that is an object", "/parameters/0/value", parameters=[{"name": "A", "value": {}}]),
    broken("deep within", "/features/1/parameters/0/value", features=[{}, {"parameters": [{"name": "r", "value": [1]}]}]),
    broken("a material that is a number", "/materials/0", materials=[7]),
    broken("a dimension's flag", "/dimensions/0/basic", dimensions=[{"basic": "yes"}]),
    broken("a page of more than 32 bits", "/dimensions/0/page", dimensions=[{"page": 4294967296}]),
    broken("a product's flag", "/products/0/root", products=[{"root": 1}]),
    broken("a component without child", "/assemblies/0", assemblies=[{"parent": "a"}]),
    broken("a matrix of fifteen", "/assemblies/0/occurrences/0/transform",
           assemblies=[{"child": "b", "occurrences": [{"transform": MATRIX[1:]}]}]),
    broken("a colour of two", "/colours/0/rgb", colours=[{"rgb": [1, 1]}]),
    broken("a cell that is a list", "/family_table/rows/0/cells/0", family_table={"rows": [{"cells": [[]]}]}),
    broken("a genome that is a list", "/genome", genome=[1]),
    broken("points that are a number", "/point_cloud/xyz", point_cloud={"xyz": 3}),
    broken("an embedding without type", "/embeddings/0", embeddings=[{"values": [1]}]),
    broken("a latent with a text in it", "/deepsdf_latent/1", deepsdf_latent=[1, "x"]),
    broken("a picture that is a list", "/views/0/image", views=[{"image": [1]}]),
    broken("a width that is none", "/views/0/width", views=[{"width": -3}]),
    broken("a link's page", "/links/0/page", links=[{"page": "one"}]),
    broken("notes as an object", "/notes", notes={}),
    broken("a text that is a number", "/text", text=5),
    broken("models as an object", "/models", models={}),
    broken("a dump as a text", "/creoson", creoson="x"),
])
def test_what_is_broken_is_refused_by_both_at_the_same_place(tmp_path, document, path):
    assert path in paths(ONE_MODEL.iter_errors(document))
    assert not DOCUMENT.is_valid(document)
    outcome = reader(tmp_path, json.dumps(document))
    assert outcome["class"] == "invalid_input"
    assert re.search(rf"(^|[\s:]){re.escape(path)}: ", outcome["message"]), outcome["message"]


@needs_reader
@pytest.mark.parametrize("why, document", [
    ("a number may be a text: exporters write them so", {"bbox": ["0", 0, 0, 1, 1, 1]}),
    ("a count may be one, too", {"face_count": "6"}),
    ("the version may be one", {"version": "1"}),
    ("a layer's properties are its own: what is no text is kept as unknown", {"layers": [{"name": [1]}]}),
])
def test_where_the_reader_takes_more(tmp_path, why, document):
    document = {"name": "a.prt", **document}
    assert paths(ONE_MODEL.iter_errors(document)), why
    assert reader(tmp_path, json.dumps(document))["class"] == "", why


@needs_reader
@pytest.mark.parametrize("document, message", [
    ({"units": {"length": "ell"}}, "/units/length: a unit of length is expected"),
    ({"mass": {"volume": "much"}}, "/mass/volume: a number is expected, not \"much\""),
    ({"point_cloud": {"xyz": "A?=="}}, "/point_cloud/xyz: base64 is expected"),
    ({"point_cloud": {"xyz": [1, 2]}}, "/point_cloud/xyz: whole points of three numbers are expected"),
])
def test_where_the_schema_cannot_say_it(tmp_path, document, message):
    document = {"name": "a.prt", **document}
    assert ONE_MODEL.is_valid(document)
    outcome = reader(tmp_path, json.dumps(document))
    assert outcome["class"] == "invalid_input" and message in outcome["message"], outcome["message"]
