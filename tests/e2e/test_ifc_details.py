"""IFC, the less usual: each relation, kind of value, unit, material and class in a model of its own.

Attribute orders: tests/harness/samples/models_ifc.py. What the usual ones give is in test_ifc.py.
"""
import pytest

from tests.harness.models import notes, only, parameters, reader
from tests.harness.samples import models_ifc as ifc
from tests.harness.samples.models_ifc import DERIVED, Enum, House, Ref, Typed


@pytest.fixture
def extract(tmp_path):
    return reader(tmp_path, "model.ifc")


def read(extract, house):
    record = extract(house.ifc.bytes())
    assert record["status"] == "completed", record
    return record


def label(house, name, value):
    return house.ifc.single(name, "IFCLABEL", value)


def pairs(record):
    names = {thing["id"]: thing["name"] for part in ("products", "spatial") for thing in record["cad"].get(part, [])}
    return {(names[row["parent"]], names[row["child"]], row["relation"]) for row in record["cad"].get("assemblies", [])}


def by_owner(record):
    """(name of the owner, set, name) -> (value, source)"""
    names = {product["id"]: product["name"] for product in record["cad"]["products"]}
    return {(names.get(row.get("owner"), row.get("owner")), row["set"], row["name"]): (row.get("value"), row["source"])
            for row in record["parameters"]}


# ---------------------------------------------------------------- relations


def test_an_object_reflects_another(extract):
    """IfcRelDefinesByObject: own before reflected, reflected before the type's."""
    h = House()
    typed = h.type("IfcWallType", "Type", h.ifc.pset("P", label(h, "A", "type"), label(h, "B", "type"),
                                                     label(h, "C", "type")))
    model, copy = h.wall("Model"), h.wall("Copy")
    h.typed(typed, model, copy)
    h.ifc.defines(h.ifc.pset("P", label(h, "A", "model"), label(h, "B", "model")), model)
    h.ifc.defines(h.ifc.pset("P", label(h, "A", "copy")), copy)
    h.ifc.root("IfcRelDefinesByObject", None, [copy], model)
    h.associate("Material", h.ifc.add("IfcMaterial", "Oak", None, None), model)
    record = read(extract, h)
    assert by_owner(record) == {
        ("Model", "P", "A"): ("model", "occurrence"), ("Model", "P", "B"): ("model", "occurrence"),
        ("Model", "P", "C"): ("type", "type"), ("Copy", "P", "A"): ("copy", "occurrence"),
        ("Copy", "P", "B"): ("model", "reflected"), ("Copy", "P", "C"): ("type", "type")}
    assert [(row["name"], row["source"]) for row in record["materials"]] == [("Oak", "occurrence"), ("Oak", "type")]


def test_templates_are_no_values(extract):
    h = House()
    wall = h.wall("Wall")
    values = h.ifc.pset("P", label(h, "A", "1"))
    h.ifc.defines(values, wall)
    item = h.ifc.root("IfcSimplePropertyTemplate", "A", Enum("P_SINGLEVALUE"), "IfcLabel", None, None, None, None, None, None)
    template = h.ifc.root("IfcPropertySetTemplate", "P", Enum("PSET_TYPEDRIVENOVERRIDE"), "IfcWall", [item])
    h.ifc.root("IfcRelDefinesByTemplate", None, [values], template)
    h.ifc.root("IfcRelDeclares", None, h.project, [template])
    record = read(extract, h)
    assert by_owner(record) == {("Wall", "P", "A"): ("1", "occurrence")}
    assert [product["name"] for product in record["cad"]["products"]] == ["Wall"]
    assert not notes(record)


def test_every_relation_between_objects(extract):
    h = House()
    wall, opening, bump, door, part, storey_part = (
        h.wall("Wall"), h.element("IfcOpeningElement", "Hole", None), h.element("IfcProjectionElement", "Bump", None),
        h.element("IfcDoor", "Door", 2000.0, 900.0), h.wall("Part"), h.wall("Crossing"))
    system, inner = h.ifc.root("IfcSystem", "System", None), h.ifc.root("IfcGroup", "Inner", None)
    h.ifc.root("IfcRelVoidsElement", None, wall, opening)
    h.ifc.root("IfcRelFillsElement", None, opening, door)
    h.ifc.root("IfcRelProjectsElement", None, wall, bump)
    h.ifc.root("IfcRelNests", None, wall, [part])
    h.ifc.root("IfcRelAssignsToGroup", None, [wall, inner], None, system)
    h.ifc.root("IfcRelAssignsToGroupByFactor", None, [door], None, inner, 0.5)
    h.ifc.root("IfcRelServicesBuildings", None, system, [h.building])
    h.ifc.root("IfcRelReferencedInSpatialStructure", None, [storey_part], h.storey)
    h.contain(h.storey, wall)
    record = read(extract, h)
    assert pairs(record) == {
        ("Wall", "Hole", "voids"), ("Hole", "Door", "fills"), ("Wall", "Bump", "projects"), ("Wall", "Part", "nests"),
        ("System", "Wall", "group"), ("System", "Inner", "group"), ("Inner", "Door", "group"),
        ("System", "Building", "services"), ("Upper floor", "Crossing", "references")}
    assert only(record["cad"]["products"], name="Part")["container"] == only(record["cad"]["spatial"], name="Upper floor")["id"]
    assert "container" not in only(record["cad"]["products"], name="Crossing"), "referred to is not contained"


@pytest.mark.parametrize("schema", ["IFC2X_FINAL", "IFC2X2_FINAL", "IFC2X3", "IFC4", "IFC4X1", "IFC4X3_RC2", "IFC4X3_RC4",
                                    "IFC4X3_ADD1", "IFC4X3_ADD2", "IFC4X4_DEV"])
def test_drafts_and_old_schemas_are_read_like_their_neighbours(extract, schema):
    record = read(extract, ifc.house(schema))
    assert record["cad"]["schema"] == schema
    assert len(record["cad"]["spatial"]) == 4 and record["metadata"]["walls"] == "2"
    assert only(record["parameters"], name="FireRating", owner=only(record["cad"]["products"], name="Wall 1")["id"])
    assert record["materials"][0]["thickness"] == 200


def test_facilities_of_ifc4x3(extract):
    h = House("IFC4X3_ADD2")
    road = h.ifc.root("IfcRoad", "Road", None, None, None, "A 9", Enum("COMPLEX"), Enum("NOTDEFINED"))
    part = h.ifc.root("IfcRoadPart", "Lane", None, None, None, None, Enum("ELEMENT"), Enum("LONGITUDINAL"), Enum("TRAFFICLANE"))
    kerb = h.element("IfcKerb", "Kerb", Enum("NOTDEFINED"))
    whole = h.element("IfcCourse", "Course", Enum("PAVEMENT"))
    h.whole(h.site, road)
    h.whole(road, part)
    h.whole(whole, kerb)
    h.contain(part, whole)
    record = read(extract, h)
    tree = {node["name"]: node for node in record["cad"]["spatial"]}
    assert tree["Road"]["type"] == "IfcRoad" and tree["Lane"]["parent"] == tree["Road"]["id"]
    assert tree["Lane"]["elements"] == 2
    assert only(record["cad"]["products"], name="Kerb")["container"] == tree["Lane"]["id"], "by its whole"


# ---------------------------------------------------------------- values


def test_quantities_of_every_kind(extract):
    h = House()
    wall = h.wall("Wall")
    kinds = [("Length", 1.5), ("Area", 2.5), ("Volume", 3.5), ("Count", 4), ("Weight", 5.5), ("Time", 6.5), ("Number", 7)]
    simple = [h.ifc.add(f"IfcQuantity{kind}", kind, None, None, value, None) for kind, value in kinds]
    metre = h.ifc.add("IfcSIUnit", DERIVED, Enum("LENGTHUNIT"), None, Enum("METRE"))
    in_metres = h.ifc.add("IfcQuantityLength", "Width", None, metre, 0.25, None)
    inner = h.ifc.add("IfcPhysicalComplexQuantity", "Layer", None, [in_metres], "layer", None, None)
    outer = h.ifc.add("IfcPhysicalComplexQuantity", "Layers", None, [inner], "layers", None, None)
    h.ifc.defines(h.ifc.root("IfcElementQuantity", "Qto", "BaseQuantities", [*simple, outer]), wall)
    record = read(extract, h)
    assert parameters(record) == {
        ("Qto", "Length"): ("1.5", "mm"), ("Qto", "Area"): ("2.5", "m²"), ("Qto", "Volume"): ("3.5", ""),
        ("Qto", "Count"): ("4", ""), ("Qto", "Weight"): ("5.5", ""), ("Qto", "Time"): ("6.5", ""), ("Qto", "Number"): ("7", ""),
        ("Qto", "Layers.Layer.Width"): ("0.25", "m")}
    assert only(record["parameters"], name="Count")["type"] == "IFCQUANTITYCOUNT"


def test_bounds_and_tables_with_holes(extract):
    h = House()
    wall = h.wall("Wall")
    measure = lambda value: Typed("IFCLENGTHMEASURE", value)
    h.ifc.defines(h.ifc.pset(
        "P",
        h.ifc.add("IfcPropertyBoundedValue", "Upper", None, measure(20.0), None, None, None),
        h.ifc.add("IfcPropertyBoundedValue", "Lower", None, None, measure(10.0), None, None),
        h.ifc.add("IfcPropertyBoundedValue", "Point", None, None, None, None, measure(15.0)),
        h.ifc.add("IfcPropertyBoundedValue", "None", None, None, None, None, None),
        h.ifc.add("IfcPropertyListValue", "Empty", None, None, None),
        h.ifc.add("IfcPropertyTableValue", "Short", None, [measure(1.0), measure(2.0)], [measure(3.0)], None, None, None, None),
        h.ifc.add("IfcPropertyReferenceValue", "Who", None, None, h.ifc.add("IfcPerson", None, "Ann", None, None, None, None, None, None)),
    ), wall)
    found = parameters(read(extract, h))
    assert found[("P", "Upper")] == (".. 20", "mm") and found[("P", "Lower")] == ("10 ..", "mm")
    assert found[("P", "Point")] == ("15", "mm")
    assert found[("P", "None")] == ("", "") and found[("P", "Empty")] == ("", "")
    assert found[("P", "Short")] == ("1: 3", "mm") and found[("P", "Who")] == ("Ann", "")


def test_predefined_sets(extract):
    h = House("IFC2X3")
    door = h.element("IfcDoor", "Door", 2000.0, 900.0)
    h.ifc.defines(h.ifc.root("IfcDoorPanelProperties", "Leaf", 40.0, Enum("SWINGING"), 0.5, Enum("LEFT"), None), door)
    h.ifc.defines(h.ifc.root("IfcSoundProperties", None, True, None, [Ref(1)]), door)
    style = h.ifc.root("IfcDoorStyle", "Style", None, [h.ifc.root("IfcDoorLiningProperties", "Lining", 60.0, *[None] * 10)],
                       None, None, Enum("SINGLE_SWING_LEFT"), Enum("WOOD"), False, False)
    h.typed(style, door)
    found = parameters(read(extract, h))
    assert found[("Leaf", "PanelDepth")] == ("40", "mm") and found[("Leaf", "PanelOperation")] == ("SWINGING", "")
    assert found[("IfcSoundProperties", "IsAttenuating")] == ("true", "")
    assert found[("Lining", "LiningDepth")] == ("60", "mm"), "those of its style"


def units_of_all_kinds(model):
    metre = model.add("IfcSIUnit", DERIVED, Enum("LENGTHUNIT"), None, Enum("METRE"))
    second = model.add("IfcSIUnit", DERIVED, Enum("TIMEUNIT"), None, Enum("SECOND"))
    kelvin = model.add("IfcSIUnit", DERIVED, Enum("THERMODYNAMICTEMPERATUREUNIT"), None, Enum("KELVIN"))
    exponents = model.add("IfcDimensionalExponents", 1, 0, 0, 0, 0, 0, 0)
    inch = model.add("IfcConversionBasedUnit", exponents, Enum("LENGTHUNIT"), "INCH",
                     model.add("IfcMeasureWithUnit", Typed("IFCLENGTHMEASURE", 0.0254), metre))
    fahrenheit = model.add("IfcConversionBasedUnitWithOffset", exponents, Enum("THERMODYNAMICTEMPERATUREUNIT"), "FAHRENHEIT",
                           model.add("IfcMeasureWithUnit", Typed("IFCRATIOMEASURE", 0.5555555), kelvin), -459.67)
    speed = model.add("IfcDerivedUnit", [model.add("IfcDerivedUnitElement", metre, 1),
                                         model.add("IfcDerivedUnitElement", second, -1)], Enum("LINEARVELOCITYUNIT"), None)
    pieces = model.add("IfcContextDependentUnit", exponents, Enum("USERDEFINED"), "piece")
    return [inch, fahrenheit, speed, pieces, model.add("IfcMonetaryUnit", Enum("EUR") if model.old else "EUR"),
            model.add("IfcSIUnit", DERIVED, Enum("MASSUNIT"), Enum("KILO"), Enum("GRAM"))]


@pytest.mark.parametrize("schema", ["IFC2X3", "IFC4"])
def test_units_of_every_kind(extract, schema):
    h = House(schema, units_of_all_kinds, elevation=100.0)
    wall = h.wall("Wall")
    centimetre = h.ifc.add("IfcSIUnit", DERIVED, Enum("LENGTHUNIT"), Enum("CENTI"), Enum("METRE"))
    choice = h.ifc.add("IfcPropertyEnumeration", "Sizes", [Typed("IFCLENGTHMEASURE", 5.0)], centimetre)
    h.ifc.defines(h.ifc.pset(
        "P", h.ifc.single("Temperature", "IFCTHERMODYNAMICTEMPERATUREMEASURE", 70.0),
        h.ifc.single("Speed", "IFCLINEARVELOCITYMEASURE", 2.0), h.ifc.single("Price", "IFCMONETARYMEASURE", 99.5),
        h.ifc.single("Mass", "IFCMASSMEASURE", 3.0), h.ifc.single("Length", "IFCPOSITIVELENGTHMEASURE", 4.0),
        h.ifc.single("Own", "IFCLENGTHMEASURE", 5.0, centimetre),
        h.ifc.add("IfcPropertyEnumeratedValue", "Size", None, [Typed("IFCLENGTHMEASURE", 5.0)], choice)), wall)
    record = read(extract, h)
    assert {name: unit for (_, name), (_, unit) in parameters(record).items()} == {
        "Temperature": "°F", "Speed": "m/s", "Price": "EUR", "Mass": "kg", "Length": "in", "Own": "cm", "Size": "cm"}
    assert record["cad"]["length_unit"] == "inch" and record["cad"]["spatial"][-1]["elevation"] == pytest.approx(2540)
    assert set(record["metadata"]["unit"]) >= {"LENGTHUNIT in", "MASSUNIT kg", "LINEARVELOCITYUNIT m/s", "MONETARYUNIT EUR"}


def test_without_units_metres_are_assumed_and_said(extract):
    h = House(units=lambda model: [], elevation=2.0)
    record = read(extract, h)
    assert "ifc.units.missing" in notes(record) and record["cad"]["spatial"][-1]["elevation"] == 2000


# ---------------------------------------------------------------- materials and classes


def test_material_properties_of_ifc2x3(extract):
    h = House("IFC2X3")
    steel = h.ifc.add("IfcMaterial", "Steel")
    h.associate("Material", steel, h.wall("Wall"))
    h.ifc.add("IfcExtendedMaterialProperties", steel, [label(h, "Grade", "S235")], None, "Norm")
    h.ifc.add("IfcGeneralMaterialProperties", steel, None, None, 7850.0)
    h.ifc.add("IfcMechanicalSteelMaterialProperties", steel, None, 2.1e11, *[None] * 10)
    record = read(extract, h)
    assert {(row["set"], row["name"], row["value"], row["owner"], row["source"]) for row in record["parameters"]} == {
        ("Norm", "Grade", "S235", "Steel", "material"),
        ("IfcGeneralMaterialProperties", "MassDensity", "7850", "Steel", "material"),
        ("IfcMechanicalSteelMaterialProperties", "YoungModulus", "210000000000", "Steel", "material")}
    assert record["materials"][0]["density"] == 7850


def test_material_properties_of_sets_and_parts(extract):
    h = House()
    oak = h.ifc.add("IfcMaterial", "Oak", None, None)
    layer = h.ifc.add("IfcMaterialLayerWithOffsets", oak, 20.0, None, "Face", None, None, None, Enum("AXIS1"), [0.0])
    layers = h.ifc.add("IfcMaterialLayerSet", [layer], "Panel", None)
    h.associate("Material", layers, h.wall("Wall"))
    h.ifc.add("IfcMaterialProperties", "Of the set", None, [label(h, "A", "1")], layers)
    h.ifc.add("IfcMaterialProperties", "Of the layer", None, [label(h, "A", "2")], layer)
    record = read(extract, h)
    assert {(row["set"], row["owner"], row["value"]) for row in record["parameters"]} == {
        ("Of the set", "Panel", "1"), ("Of the layer", "Face", "2")}
    assert [(row["name"], row["part"], row["thickness"]) for row in record["materials"]] == [("Oak", "Face", 20)]


def test_profiles_and_the_material_of_a_type(extract):
    h = House()
    steel, wood = (h.ifc.add("IfcMaterial", name, None, None) for name in ("Steel", "Wood"))
    profiles = [h.ifc.add("IfcMaterialProfile", name, None, steel, None, None, None) for name in ("Web", "Flange")]
    profile_set = h.ifc.add("IfcMaterialProfileSet", "Beam", None, profiles, None)
    tapering = h.ifc.add("IfcMaterialProfileSetUsageTapering", profile_set, 5, None, profile_set, 5)
    typed = h.type("IfcWallType", "Type")
    by_type, own, both = h.wall("by type"), h.wall("own"), h.wall("both")
    h.typed(typed, by_type, both)
    h.associate("Material", tapering, typed)
    h.associate("Material", profiles[0], own)
    h.associate("Material", wood, both)
    record = read(extract, h)
    names = {product["id"]: product["name"] for product in record["cad"]["products"]}
    assert {(names[row["owner"]], row["name"], row.get("part"), row["source"]) for row in record["materials"]} == {
        ("by type", "Steel", "Web", "type"), ("by type", "Steel", "Flange", "type"), ("own", "Steel", "Web", "occurrence"),
        ("both", "Wood", None, "occurrence")}


@pytest.mark.parametrize("schema", ["IFC2X3", "IFC4"])
def test_classes_within_classes(extract, schema):
    h = House(schema)
    wall = h.wall("Wall")
    more = [] if h.ifc.old else [None, None, None]
    system = h.ifc.add("IfcClassification", "Makers", "2015", None, "Uniclass", *more)
    outer = h.ifc.add("IfcClassificationReference", None, "Ss_25", "Wall systems", system, *more[1:])
    inner = outer if h.ifc.old else h.ifc.add("IfcClassificationReference", None, "Ss_25_10", "Framed", outer, None, None)
    h.associate("Classification", inner, wall)
    row = only(read(extract, h)["parameters"], set="classification", source="occurrence")
    assert (row["name"], row["value"]) == ("Uniclass", "Ss_25 Wall systems" if h.ifc.old else "Ss_25_10 Framed")


def test_notations_of_ifc2x3(extract):
    h = House("IFC2X3")
    facets = [h.ifc.add("IfcClassificationNotationFacet", text) for text in ("12", "3")]
    h.associate("Classification", h.ifc.add("IfcClassificationNotation", facets), h.wall("Wall"))
    assert only(read(extract, h)["parameters"], set="classification")["value"] == "12.3"


@pytest.mark.parametrize("schema", ["IFC2X3", "IFC4"])
def test_documents_of_both_versions(extract, schema):
    h = House(schema)
    where = h.ifc.add("IfcDocumentReference", "plans/fire.pdf", None, None, *([] if h.ifc.old else [None, None]))
    about = h.ifc.add("IfcDocumentInformation", "F-12", "Fire plan", None, [where] if h.ifc.old else "plans/fire.pdf",
                      *[None] * 13)
    h.associate("Document", about, h.wall("Wall"))
    record = read(extract, h)
    row = only(record["parameters"], set="documents")
    assert (row["name"], row["value"]) == ("F-12 Fire plan", "plans/fire.pdf")
    assert {link["target"] for link in record["links"]} == {"plans/fire.pdf"}


# ---------------------------------------------------------------- the model as a whole


def test_who_made_it_when_and_where(extract):
    h = House("IFC4X3_ADD2")
    m = h.ifc
    people = [m.add("IfcPerson", None, family, given, None, None, None, None, None) for family, given in
              (("Other", "Olga"), ("Miller", "Ann"))]
    makers = [m.add("IfcOrganization", None, name, None, None, None) for name in ("Others", "Works", "Maker of tools")]
    owner = m.add("IfcPersonAndOrganization", people[1], makers[1], None)
    m.add("IfcApplication", makers[0], "0.1", "Other tool", "other")
    tool = m.add("IfcApplication", makers[2], "7.1", "Tool", "tool")
    history = m.add("IfcOwnerHistory", owner, tool, None, Enum("ADDED"), 1700000000, None, None, 1600000000)
    m.records[h.project - 1] = m.records[h.project - 1].replace("$", f"#{history}", 1)
    address = m.add("IfcPostalAddress", None, None, None, None, ["Main street 1", "2nd floor"], None, "Munich", None, "80331", "Germany")
    m.records[h.building - 1] = m.records[h.building - 1][:-2] + f"#{address})"
    north = m.add("IfcDirection", [0.5, 0.8660254037844386])
    context = m.add("IfcGeometricRepresentationContext", None, "Model", 3, 0.001, Ref(1), north)
    metre = m.add("IfcSIUnit", DERIVED, Enum("LENGTHUNIT"), None, Enum("METRE"))
    crs = m.add("IfcProjectedCRS", "EPSG:25832", None, "ETRS89", "DHHN2016", "UTM", "32N", metre)
    m.add("IfcMapConversion", context, crs, 691000.5, 5334000.25, 520.0, 0.0, 1.0, 0.9996)
    found = read(extract, h)["metadata"]
    expected = {"application": "Tool", "application_version": "7.1", "application_developer": "Maker of tools",
                "model_created": "2020-09-13T12:26:40Z", "model_modified": "2023-11-14T22:13:20Z",
                "address": "Main street 1, 2nd floor, Munich, 80331, Germany", "true_north": "30",
                "crs": "EPSG:25832", "crs_datum": "ETRS89", "crs_vertical_datum": "DHHN2016", "crs_projection": "UTM",
                "crs_zone": "32N", "crs_unit": "m", "eastings": "691000.5", "northings": "5334000.25",
                "orthogonal_height": "520", "map_rotation": "90", "map_scale": "0.9996",
                "latitude": "48.14000000", "longitude": "11.57000000"}
    assert {key: found.get(key) for key in expected} == expected
    assert found["model_author"][0] == "Ann Miller" and found["model_organization"][0] == "Works", "the owner comes first"


@pytest.mark.parametrize("latitude, expected", [([-33, -51, -24, -500000], "-33.85680556"), ([0, 0, 0], "0.00000000"),
                                                ([48, 8], None), ([10**12, 0, 0], None), (None, None)])
def test_latitudes(extract, latitude, expected):
    h = House()
    h.ifc.records[h.site - 1] = h.ifc.records[h.site - 1].replace("(48,8,24)", ifc.value(latitude))
    assert read(extract, h)["metadata"].get("latitude") == expected
