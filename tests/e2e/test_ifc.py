"""IFC models of known content, made by tests/harness/samples/models_ifc.py, through the sandboxed extractor."""
import json
import subprocess

import pytest

from tests.harness.quarry import BIN
from tests.harness.samples import models_ifc as ifc


@pytest.fixture
def extract(tmp_path):
    def run(data, name="model.ifc"):
        path = tmp_path / name
        path.write_bytes(data)
        done = subprocess.run([BIN / "quarry-worker", "--extract", "-o", "jsonl", path], capture_output=True,
                              timeout=300, check=False)
        record, = (json.loads(line) for line in done.stdout.decode("utf-8").splitlines())
        return record
    return run


def only(rows, **wanted):
    found = [row for row in rows if all(row.get(key) == what for key, what in wanted.items())]
    assert len(found) == 1, (wanted, found)
    return found[0]


def parameters(record):
    return {(row["set"], row["name"]): (row.get("value", ""), row.get("unit", "")) for row in record["parameters"]}


def notes(record):
    return {note["code"] for note in record.get("notes", [])}


# ---------------------------------------------------------------- what a model says


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


# ---------------------------------------------------------------- what is none, or half of one


def test_xml_is_recognised_and_not_read(extract):
    data = (b'<?xml version="1.0"?>\n<ifcXML xmlns="http://www.buildingsmart-tech.org/ifcXML/IFC4/final">'
            b"<IfcProject/></ifcXML>\n")
    error = extract(data, "model.ifcxml")["error"]
    assert error["class"] == "unsupported" and "save" in error["message"]


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_half_a_model_is_kept(extract, keep):
    data = ifc.house().ifc.bytes()
    record = extract(data[:int(len(data) * keep)])
    assert record["status"] == "completed" and record["partial"]
    assert "p21.end.missing" in notes(record)
    if keep > 0.3:
        assert record["cad"]["spatial"] and record["cad"]["products"]


def deep(levels):
    """Lists within lists, as deep as a file can hold them."""
    house = ifc.house()
    text = house.ifc.bytes().decode()
    nested = "(" * levels + ")" * levels
    return text.replace("ENDSEC;\nEND-ISO", f"#900=IFCPROPERTYSET('x',$,'deep',$,{nested});\n"
                        "#901=IFCRELDEFINESBYPROPERTIES('y',$,$,$,(#15),#900);\nENDSEC;\nEND-ISO").encode()


def chain(levels):
    """A property in a property in a property …"""
    house = ifc.house()
    text = house.ifc.bytes().decode()
    rows = "".join(f"#{1000 + n}=IFCCOMPLEXPROPERTY('p',$,'u',(#{1001 + n}));\n" for n in range(levels))
    rows += "#900=IFCPROPERTYSET('x',$,'deep',$,(#1000));\n#901=IFCRELDEFINESBYPROPERTIES('y',$,$,$,(#15),#900);\n"
    return text.replace("ENDSEC;\nEND-ISO", rows + "ENDSEC;\nEND-ISO").encode()


def shared(objects, properties):
    """One set with many properties that many walls share: their product would never end."""
    head, tail = ifc.Ifc().bytes().decode().split("ENDSEC;\nEND-ISO")
    rows = [f"#{n}=IFCWALL('{n}',$,'w',$,$,$,$,$,$);\n" for n in range(1, objects + 1)]
    first = objects + 1
    rows += [f"#{first + n}=IFCPROPERTYSINGLEVALUE('p{n}',$,IFCINTEGER({n}),$);\n" for n in range(properties)]
    walls = ",".join(f"#{n}" for n in range(1, objects + 1))
    sets = ",".join(f"#{first + n}" for n in range(properties))
    number = first + properties
    rows.append(f"#{number}=IFCPROPERTYSET('s',$,'S',$,({sets}));\n")
    rows.append(f"#{number + 1}=IFCRELDEFINESBYPROPERTIES('r',$,$,$,({walls}),#{number});\n")
    return (head + "".join(rows) + "ENDSEC;\nEND-ISO" + tail).encode()


HOSTILE = {
    "a million lists": (lambda: deep(1_000_000), None),
    "a property in another a million times": (lambda: chain(1_000_000), "ifc.property.deep"),
    "twenty thousand walls share two thousand properties": (lambda: shared(20_000, 2_000), "ifc.properties.merged"),
    "binary noise": (lambda: bytes(range(256)) * 4000, None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_models_end_and_say_why(extract, name):
    make, note = HOSTILE[name]
    record = extract(make())
    if record["status"] == "failed":
        assert record["error"]["class"] in ("invalid_input", "unsupported") and record["error"]["message"]
    else:
        assert record["cad"]["products"]
    assert note is None or note in notes(record)
    print(f"{name}: {record['status']}, {record.get('duration_ms')} ms, {record['peak_memory_bytes'] >> 20} MiB")


def test_merged_properties_are_counted(extract):
    record = extract(shared(20_000, 2_000))
    assert len(record["parameters"]) == 2_000
    assert {row["owners"] for row in record["parameters"]} == {20_000}
    assert record["partial"]
