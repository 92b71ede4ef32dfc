"""IFC models of known content, made by tests/harness/samples/models_ifc.py, through the sandboxed extractor."""
import pytest

from tests.harness.models import only, parameters, reader
from tests.harness.samples import models_ifc as ifc


@pytest.fixture
def extract(tmp_path):
    return reader(tmp_path, "model.ifc")


@pytest.mark.parametrize("schema", ["IFC2X3", "IFC4", "IFC4X3_ADD2"])
def test_the_tree_and_what_stands_in_it(extract, schema):
    record = extract(ifc.house(schema).ifc.bytes())
    cad = record["cad"]
    assert (record["status"], cad["schema"], cad["name"], cad["kind"]) == ("completed", schema, "House", "building")
    assert [node["type"] for node in cad["spatial"]] == ["IfcProject", "IfcSite", "IfcBuilding", "IfcBuildingStorey"]
    storey = cad["spatial"][-1]
    assert (storey["elevation"], storey["elements"], storey["long_name"]) == (3000, 6, "First")
    flight = only(cad["products"], name="Flight 2")
    assert flight["container"] == storey["id"], "a part stands where its whole does"
    assert record["metadata"]["view_definition"] == "DesignTransferView"
    assert float(record["metadata"]["latitude"]) == pytest.approx(48.14)
    assert (record["metadata"]["walls"], record["metadata"]["products"]) == ("2", "10")
    assert "House by the lake" in record["text"] and "REI 60" in record["text"]
    assert 0.5 < record["completeness"] <= 1


@pytest.mark.parametrize("units, name", [(ifc.millimetres, "mm"), (ifc.metres, "m"), (ifc.feet, "foot")])
def test_lengths_are_millimetres(extract, units, name):
    factor = {"mm": 1, "m": 1000, "foot": 304.8}[name]
    record = extract(ifc.house(units=units, elevation=10.0).ifc.bytes())
    assert record["cad"]["length_unit"] == name
    assert record["cad"]["spatial"][-1]["elevation"] == pytest.approx(10 * factor)
    assert record["materials"][0]["thickness"] == pytest.approx(200 * factor)


def test_an_occurrence_overrides_its_type(extract):
    record = extract(ifc.house().ifc.bytes())
    first = only(record["cad"]["products"], name="Wall 1")
    second = only(record["cad"]["products"], name="Wall 2")
    wall_type = only(record["cad"]["products"], category="IfcWallType")
    assert first["type"] == second["type"] == wall_type["id"]
    assert (first["tag"], first["object_type"], first["predefined_type"]) == ("4711", "Concrete 200", "SOLIDWALL")
    of_first = only(record["parameters"], owner=first["id"], name="LoadBearing")
    of_second = only(record["parameters"], owner=second["id"], name="LoadBearing")
    assert (of_first["value"], of_first["source"]) == ("true", "occurrence")
    assert (of_second["value"], of_second["source"]) == ("false", "type")
    assert only(record["parameters"], owner=first["id"], name="FireRating")["source"] == "type"
    length = only(record["parameters"], set="Qto_WallBaseQuantities")
    assert (length["value"], length["unit"], length["type"]) == ("5.25", "mm", "IFCQUANTITYLENGTH")
    assert {row["source"] for row in record["materials"]} == {"type"}


def test_structure(extract):
    record = extract(ifc.house().ifc.bytes())
    names = {thing["id"]: thing["name"] for part in ("products", "spatial") for thing in record["cad"][part]}
    pairs = {(names[row["parent"]], names[row["child"]], row["relation"]) for row in record["cad"]["assemblies"]}
    assert pairs == {("Stair", "Flight 1", "aggregates"), ("Stair", "Flight 2", "aggregates"),
                     ("Wall 1", "Opening", "voids"), ("Opening", "Window", "fills"),
                     ("Structure", "Wall 1", "group"), ("Structure", "Wall 2", "group"),
                     ("Building", "Stair", "references")}
    rows = {(row["part_number"], row["quantity"], names.get(row.get("parent"))) for row in record["bom"]}
    assert rows == {("Concrete 200", "2", None), ("IfcStair", "1", None), ("IfcWindow", "1", None),
                    ("IfcStairFlight", "2", "Stair")}


def test_properties_of_every_kind(extract):
    assert parameters(extract(ifc.properties().ifc.bytes())) == {
        ("All", "Label"): ("Größe Ω", ""),
        ("All", "Length"): ("12.5", "mm"),
        ("All", "Metres"): ("1", "m"),
        ("All", "Nothing"): ("", ""),
        ("All", "Status"): ("NEW; TEMPORARY", ""),
        ("All", "Range"): ("15 (10 .. 20)", "mm"),
        ("All", "List"): ("1; 2.5", ""),
        ("All", "Table"): ("1: 0.5; 2: 0.25", ""),
        ("All", "Material"): ("Steel", ""),
        ("All", "Outer.Inner.Depth"): ("3", ""),
        ("All", "Outer.Width"): ("7", ""),
        ("IfcDoorLiningProperties", "LiningDepth"): ("40", "mm"),
        ("IfcDoorLiningProperties", "LiningThickness"): ("8", "mm"),
        ("More", "Answer"): ("42", ""),
    }


def test_materials_classes_documents(extract):
    record = extract(ifc.materials().ifc.bytes())
    names = {product["id"]: product["name"] for product in record["cad"]["products"]}
    rows = {(names.get(row.get("owner")), row["name"], row.get("part"), row.get("thickness"), row.get("fraction"))
            for row in record["materials"]}
    assert rows == {("single", "Brick", None, None, None), ("layers", "Brick", "Outside", 115, None),
                    ("layers", "Air", None, 40, None), ("list", "Oak", None, None, None),
                    ("list", "Steel", None, None, None), ("constituents", "Oak", "Frame", None, 0.25),
                    ("constituents", "Glass", "Pane", None, 0.75), ("profiles", "Steel", "HEA 200", None, None),
                    (None, "Unused", None, None, None)}
    assert {row["density"] for row in record["materials"] if row["name"] == "Steel"} == {7850}
    assert only(record["parameters"], source="material")["unit"] == "g/cm³"
    classes = [row for row in record["parameters"] if row["set"] == "classification"]
    assert {(names.get(row.get("owner")), row["value"]) for row in classes} == {
        ("single", "Ss_25_10 Walls"), ("layers", "Ss_25_10 Walls"), (None, "Ss_25_11 Framed walls")}
    assert record["links"] == [{"kind": "document", "target": "https://example.org/fire.pdf"}]


def test_a_packed_model_is_the_same_model(extract):
    plain = extract(ifc.house().ifc.bytes())
    packed = extract(ifc.zipped(ifc.house().ifc.bytes(), "../../etc/house.ifc"), "house.ifczip")
    for part in ("text", "parameters", "materials", "bom", "cad"):
        assert packed[part] == plain[part], part
