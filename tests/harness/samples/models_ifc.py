"""IFC models, as much as a small house needs: a writer of records, and models of known content.

Source: buildingSMART, attribute orders of IFC2X3 TC1, IFC4 ADD2 TC1 and IFC4X3 ADD2.
"""
import io
import zipfile

UNSET = "$"
DERIVED = "*"


class Ref(int):
    """#12"""


class Enum(str):
    """.ELEMENT."""


class Typed:
    """IFCLABEL('x')"""

    def __init__(self, name, value):
        self.name, self.value = name, value


def escape(text):
    out = []
    for letter in text:
        if letter in "'\\":
            out.append(letter * 2)
        elif " " <= letter <= "~":
            out.append(letter)
        else:
            out.append("\\X2\\" + letter.encode("utf-16-be").hex().upper() + "\\X0\\")
    return "".join(out)


def value(item):
    if item is None:
        return UNSET
    if item is True or item is False:
        return ".T." if item else ".F."
    if item == DERIVED and not isinstance(item, Enum):
        return DERIVED
    if isinstance(item, Ref):
        return f"#{int(item)}"
    if isinstance(item, Enum):
        return f".{item}."
    if isinstance(item, Typed):
        return f"{item.name}({value(item.value)})"
    if isinstance(item, (list, tuple)):
        return "(" + ",".join(value(one) for one in item) + ")"
    if isinstance(item, float):
        return f"{item:.10G}" if "." in f"{item:.10G}" else f"{item:.10G}."
    if isinstance(item, int):
        return str(item)
    return f"'{escape(item)}'"


class Ifc:
    """Collect records with add(), which returns their number; write them with bytes()."""

    def __init__(self, schema="IFC4", view="DesignTransferView"):
        self.schema, self.view = schema, view
        self.old = schema.startswith("IFC2")
        self.records = []
        self.guids = 0

    def add(self, name, *items):
        self.records.append(f"{name.upper()}({','.join(value(item) for item in items)})")
        return Ref(len(self.records))

    def guid(self):
        """22 characters, as long as a real one; a number is enough to tell them apart."""
        self.guids += 1
        return f"{self.guids:022d}"

    def root(self, name, title, *items, description=None):
        return self.add(name, self.guid(), None, title, description, *items)

    def single(self, name, measure, what, unit=None):
        return self.add("IfcPropertySingleValue", name, None, Typed(measure, what), unit)

    def pset(self, name, *properties):
        return self.root("IfcPropertySet", name, list(properties))

    def defines(self, definition, *objects):
        return self.root("IfcRelDefinesByProperties", None, list(objects), definition)

    def bytes(self):
        body = "".join(f"#{number}={record};\n" for number, record in enumerate(self.records, 1))
        return (f"ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION(('ViewDefinition [{self.view}]'),'2;1');\n"
                "FILE_NAME('house.ifc','2026-03-01T10:00:00',('A. Miller'),('Works'),'Quarry samples','Quarry samples','');\n"
                f"FILE_SCHEMA(('{self.schema}'));\nENDSEC;\nDATA;\n{body}ENDSEC;\nEND-ISO-10303-21;\n").encode("ascii")


def millimetres(ifc):
    return [ifc.add("IfcSIUnit", DERIVED, Enum("LENGTHUNIT"), Enum("MILLI"), Enum("METRE")),
            ifc.add("IfcSIUnit", DERIVED, Enum("AREAUNIT"), None, Enum("SQUARE_METRE"))]


def metres(ifc):
    return [ifc.add("IfcSIUnit", DERIVED, Enum("LENGTHUNIT"), None, Enum("METRE"))]


def feet(ifc):
    inch = ifc.add("IfcSIUnit", DERIVED, Enum("LENGTHUNIT"), None, Enum("METRE"))
    dimensions = ifc.add("IfcDimensionalExponents", 1, 0, 0, 0, 0, 0, 0)
    factor = ifc.add("IfcMeasureWithUnit", Typed("IFCRATIOMEASURE", 0.3048), inch)
    return [ifc.add("IfcConversionBasedUnit", dimensions, Enum("LENGTHUNIT"), "FOOT", factor)]


class House:
    """One project with a storey at 3 (in the model's unit), in which the tests hang what they need."""

    def __init__(self, schema="IFC4", units=millimetres, elevation=3000.0):
        self.ifc = ifc = Ifc(schema)
        assignment = ifc.add("IfcUnitAssignment", units(ifc))
        self.project = ifc.root("IfcProject", "House", None, "House by the lake", "Design", None, assignment)
        self.site = ifc.root("IfcSite", "Site", None, None, None, None, Enum("ELEMENT"), [48, 8, 24], [11, 34, 12], 0.0,
                             None, None)
        self.building = ifc.root("IfcBuilding", "Building", None, None, None, None, Enum("ELEMENT"), None, None, None)
        self.storey = ifc.root("IfcBuildingStorey", "Upper floor", None, None, None, "First", Enum("ELEMENT"), elevation)
        self.whole(self.project, self.site)
        self.whole(self.site, self.building)
        self.whole(self.building, self.storey)

    def whole(self, parent, *children, relation="IfcRelAggregates"):
        return self.ifc.root(relation, None, parent, list(children))

    def element(self, name, title, *more, object_type=None, tag=None):
        """`more`: attributes behind Tag."""
        return self.ifc.root(name, title, object_type, None, None, tag, *more)

    def wall(self, title, predefined="SOLIDWALL", **more):
        return self.element("IfcWall", title, *([] if self.ifc.old else [Enum(predefined)]), **more)

    def type(self, name, title, *psets, predefined="NOTDEFINED"):
        return self.ifc.root(name, title, None, list(psets) or None, None, None, None, Enum(predefined))

    def contain(self, structure, *elements):
        return self.ifc.root("IfcRelContainedInSpatialStructure", None, list(elements), structure)

    def typed(self, type_, *elements):
        return self.ifc.root("IfcRelDefinesByType", None, list(elements), type_)

    def associate(self, kind, target, *objects):
        return self.ifc.root(f"IfcRelAssociates{kind}", None, list(objects), target)


def house(schema="IFC4", units=millimetres, elevation=3000.0):
    """Walls with a type, a stair of flights, a window in an opening, properties of all kinds."""
    h = House(schema, units, elevation)
    ifc = h.ifc
    common = ifc.pset("Pset_WallCommon", ifc.single("LoadBearing", "IFCBOOLEAN", False),
                      ifc.single("FireRating", "IFCLABEL", "REI 60"))
    wall_type = h.type("IfcWallType", "Concrete 200", common, predefined="SOLIDWALL")
    first = h.wall("Wall 1", object_type="Concrete 200", tag="4711")
    second = h.wall("Wall 2")
    h.typed(wall_type, first, second)
    ifc.defines(ifc.pset("Pset_WallCommon", ifc.single("LoadBearing", "IFCBOOLEAN", True)), first)
    length = ifc.add("IfcQuantityLength", "Length", None, None, 5.25, *([] if ifc.old else [None]))
    ifc.defines(ifc.root("IfcElementQuantity", "Qto_WallBaseQuantities", None, [length]), first)
    stair = h.element("IfcStair", "Stair", Enum("STRAIGHT_RUN_STAIR"))
    flights = [h.element("IfcStairFlight", f"Flight {n}", None, None, None, None) for n in (1, 2)]
    h.whole(stair, *flights)
    opening = h.element("IfcOpeningElement", "Opening", *([] if ifc.old else [None]))
    window = h.element("IfcWindow", "Window", 1200.0, 800.0)
    ifc.root("IfcRelVoidsElement", None, first, opening)
    ifc.root("IfcRelFillsElement", None, opening, window)
    h.contain(h.storey, first, second, stair, window)
    concrete = ifc.add("IfcMaterial", "Concrete C30/37", *([] if ifc.old else [None, None]))
    layer = ifc.add("IfcMaterialLayer", concrete, 200.0, None, *([] if ifc.old else [None, None, None, None]))
    layers = ifc.add("IfcMaterialLayerSet", [layer], "Concrete 200", *([] if ifc.old else [None]))
    h.associate("Material", layers, wall_type)
    system = ifc.root("IfcSystem", "Structure", None)
    ifc.root("IfcRelAssignsToGroup", None, [first, second], None, system)
    ifc.root("IfcRelReferencedInSpatialStructure", None, [stair], h.building)
    return h


def properties():
    """An object with a property of every kind; a table of what must come out stands in the test."""
    h = House()
    ifc = h.ifc
    wall = h.wall("Wall")
    inner = ifc.add("IfcComplexProperty", "Inner", None, "x", [ifc.single("Depth", "IFCINTEGER", 3)])
    metre = ifc.add("IfcSIUnit", DERIVED, Enum("LENGTHUNIT"), None, Enum("METRE"))
    steel = ifc.add("IfcMaterial", "Steel", None, None)
    items = [
        ifc.single("Label", "IFCLABEL", "Größe Ω"),
        ifc.single("Length", "IFCPOSITIVELENGTHMEASURE", 12.5),
        ifc.single("Metres", "IFCLENGTHMEASURE", 1.0, metre),
        ifc.add("IfcPropertySingleValue", "Nothing", None, None, None),
        ifc.add("IfcPropertyEnumeratedValue", "Status", None, [Typed("IFCLABEL", "NEW"), Typed("IFCLABEL", "TEMPORARY")], None),
        ifc.add("IfcPropertyBoundedValue", "Range", None, Typed("IFCLENGTHMEASURE", 20.0), Typed("IFCLENGTHMEASURE", 10.0),
                None, Typed("IFCLENGTHMEASURE", 15.0)),
        ifc.add("IfcPropertyListValue", "List", None, [Typed("IFCREAL", 1.0), Typed("IFCREAL", 2.5)], None),
        ifc.add("IfcPropertyTableValue", "Table", None, [Typed("IFCINTEGER", 1), Typed("IFCINTEGER", 2)],
                [Typed("IFCREAL", 0.5), Typed("IFCREAL", 0.25)], None, None, None, None),
        ifc.add("IfcPropertyReferenceValue", "Material", None, None, steel),
        ifc.add("IfcComplexProperty", "Outer", None, "x", [inner, ifc.single("Width", "IFCINTEGER", 7)]),
    ]
    ifc.defines(ifc.pset("All", *items), wall)
    several = [ifc.root("IfcDoorLiningProperties", None, 40.0, 8.0, *[None] * 11),
               ifc.pset("More", ifc.single("Answer", "IFCINTEGER", 42))]
    ifc.defines(Typed("IFCPROPERTYSETDEFINITIONSET", several), wall)
    h.contain(h.storey, wall)
    return h


def materials():
    """A wall with each way to have a material, and classes, documents, densities."""
    h = House()
    ifc = h.ifc
    names = ("Brick", "Air", "Oak", "Glass", "Steel", "Unused")
    stuff = {name: ifc.add("IfcMaterial", name, None, None) for name in names}
    walls = {name: h.wall(name) for name in ("single", "layers", "list", "constituents", "profiles")}
    layers = [ifc.add("IfcMaterialLayer", stuff["Brick"], 115.0, None, "Outside", None, None, None),
              ifc.add("IfcMaterialLayer", stuff["Air"], 40.0, True, None, None, None, None)]
    layer_set = ifc.add("IfcMaterialLayerSet", layers, "Cavity wall", None)
    usage = ifc.add("IfcMaterialLayerSetUsage", layer_set, Enum("AXIS2"), Enum("POSITIVE"), 0.0, None)
    frame = ifc.add("IfcMaterialConstituent", "Frame", None, stuff["Oak"], 0.25, None)
    pane = ifc.add("IfcMaterialConstituent", "Pane", None, stuff["Glass"], 0.75, None)
    profile = ifc.add("IfcMaterialProfile", "HEA 200", None, stuff["Steel"], None, None, None)
    profiles = ifc.add("IfcMaterialProfileSet", "Column", None, [profile], None)
    h.associate("Material", stuff["Brick"], walls["single"])
    h.associate("Material", usage, walls["layers"])
    h.associate("Material", ifc.add("IfcMaterialList", [stuff["Oak"], stuff["Steel"]]), walls["list"])
    h.associate("Material", ifc.add("IfcMaterialConstituentSet", "Window", None, [frame, pane]), walls["constituents"])
    h.associate("Material", ifc.add("IfcMaterialProfileSetUsage", profiles, 5, None), walls["profiles"])
    gram = ifc.add("IfcSIUnit", DERIVED, Enum("MASSUNIT"), None, Enum("GRAM"))
    centimetre = ifc.add("IfcSIUnit", DERIVED, Enum("LENGTHUNIT"), Enum("CENTI"), Enum("METRE"))
    density = ifc.add("IfcDerivedUnit", [ifc.add("IfcDerivedUnitElement", gram, 1),
                                         ifc.add("IfcDerivedUnitElement", centimetre, -3)], Enum("MASSDENSITYUNIT"), None)
    ifc.add("IfcMaterialProperties", "Pset_MaterialCommon", None,
            [ifc.single("MassDensity", "IFCMASSDENSITYMEASURE", 7.85, density)], stuff["Steel"])
    system = ifc.add("IfcClassification", "Makers", "2", None, "Uniclass", None, None, None)
    code = ifc.add("IfcClassificationReference", None, "Ss_25_10", "Walls", system, None, None)
    ifc.add("IfcClassificationReference", None, "Ss_25_11", "Framed walls", code, None, None)
    h.associate("Classification", code, walls["single"], walls["layers"])
    document = ifc.add("IfcDocumentReference", "https://example.org/fire.pdf", "F-12", "Fire plan", None, None)
    h.associate("Document", document, walls["single"])
    h.contain(h.storey, *walls.values())
    return h


def zipped(data, name="model.ifc"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


FILES = {
    "ifc/house.ifc": lambda: house().ifc.bytes(),
    "ifc/house-2x3.ifc": lambda: house("IFC2X3").ifc.bytes(),
    "ifc/properties.ifc": lambda: properties().ifc.bytes(),
    "ifc/materials.ifc": lambda: materials().ifc.bytes(),
    "ifc/house.ifczip": lambda: zipped(house().ifc.bytes()),
}
