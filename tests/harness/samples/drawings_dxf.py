"""The DXF samples: parts with dimensions, title blocks and parts lists."""
from tests.harness.samples.dxf import Dxf

TITLE_TAGS = ("TITLE", "DWG_NO", "REV", "MATERIAL", "SCALE", "SHEET", "DRAWN", "DATE", "WEIGHT")


def title_block(dxf, values, paper=False):
    """A title block as a block with attributes, in the lower right of an A3 sheet."""
    places = {tag: (245 + 85 * (n % 2), 10 + 10 * (n // 2)) for n, tag in enumerate(TITLE_TAGS)}
    parts = dxf.rectangle(240, 5, 410, 60)
    for tag, (x, y) in places.items():
        parts.append(dxf.text(x, y + 5, 1.8, tag.replace("_", " ")))
        parts.append(dxf.attdef(x, y, 2.5, tag, tag.replace("_", " ").title()))
    dxf.block("TITLE_A3", parts)
    return dxf.insert("TITLE_A3", 0.0, 0.0, [(tag, values[tag], *places[tag], 2.5) for tag in TITLE_TAGS if tag in values],
                      paper=paper)


def flange(version, codepage="ANSI_1252"):
    """Outline 120 x 80 with a bore, four holes and a title block."""
    dxf = Dxf(version, codepage)
    dxf.layers += [("OUTLINE", 7), ("DIMENSIONS", 1), ("HIDDEN", 8)]
    dxf.model += dxf.rectangle(50.0, 100.0, 170.0, 180.0, layer="OUTLINE")
    dxf.model.append(dxf.circle(110.0, 140.0, 20.0, layer="OUTLINE"))
    for x, y in ((65.0, 115.0), (155.0, 115.0), (65.0, 165.0), (155.0, 165.0)):
        dxf.model.append(dxf.circle(x, y, 4.5, layer="OUTLINE"))
    dxf.model += [
        dxf.dimension("linear", {10: (50.0, 90.0), 13: (50.0, 100.0), 14: (170.0, 100.0)}, 120.0, "120", at=(110.0, 92.0)),
        dxf.dimension("linear", {10: (40.0, 100.0), 13: (50.0, 100.0), 14: (50.0, 180.0)}, 80.0, "80", at=(38.0, 140.0),
                      rotation=90),
        dxf.dimension("diameter", {10: (90.0, 140.0), 15: (130.0, 140.0)}, 40.0, "%%c40 H7", text="<> H7",
                      at=(110.0, 150.0)),
        dxf.dimension("diameter", {10: (60.5, 115.0), 15: (69.5, 115.0)}, 9.0, "4x %%c9", text="4x <>", at=(60.0, 108.0)),
    ]
    dxf.model += title_block(dxf, {"TITLE": "FLANGE", "DWG_NO": "BR-2040", "REV": "B", "MATERIAL": "S235JR", "SCALE": "1:1",
                                   "SHEET": "1 of 1", "DRAWN": "J. Novak", "DATE": "2026-01-31", "WEIGHT": "1.24 kg"})
    return dxf


def shaft():
    """Tolerances of every kind, in the style, in overrides and in the text; no dimension blocks for two."""
    dxf = Dxf("AC1021", header=[("$LASTSAVEDBY", [(1, "a.miller")])])
    dxf.dimstyle = [(271, 2), (278, 46), (71, 0), (144, 1.0), (78, 8)]
    dxf.model += [
        dxf.dimension("linear", {10: (0.0, -20.0), 13: (0.0, 0.0), 14: (150.0, 0.0)}, 150.0, "150 ±0.2", at=(75.0, -18.0),
                      style=[(71, 1), (47, 0.2), (48, 0.2)]),
        dxf.dimension("linear", {10: (0.0, -30.0), 13: (0.0, 0.0), 14: (40.0, 0.0)}, 40.0, "\\A1;40{\\S+0.1^ -0.05;}",
                      at=(20.0, -28.0), style=[(71, 1), (47, 0.1), (48, 0.05)]),
        dxf.dimension("diameter", {10: (60.0, -12.5), 15: (60.0, 12.5)}, 25.0, "Ø25 k6", text="<> k6", at=(65.0, 0.0)),
        dxf.dimension("aligned", {10: (0.0, 40.0), 13: (0.0, 0.0), 14: (30.0, 40.0)}, 50.0, None, at=(15.0, 30.0)),
        dxf.dimension("radius", {10: (100.0, 0.0), 15: (103.0, 0.0)}, None, None, at=(104.0, 2.0)),
        dxf.dimension("angular", {10: (10.0, 10.0), 13: (0.0, 0.0), 14: (10.0, 0.0), 15: (0.0, 0.0), 16: (9.0, 4.0)},
                      0.7853981634, "45°", at=(9.0, 4.0)),
        dxf.entity("TOLERANCE", "AcDbFcf", (3, "STANDARD"), (10, 120.0), (20, 20.0),
                   (1, "{\\Fgdt;j}%%v{\\Fgdt;n}0.05{\\Fgdt;m}%%vA%%vB"), (11, 1.0), (21, 0.0)),
        dxf.mtext(0.0, -60.0, 3.5, "NOTES:\\P1. BREAK ALL SHARP EDGES 0.3\\P2. MATERIAL: 42CrMo4, EN 10083-3\\P"
                                   "3. GENERAL TOLERANCES ISO 2768-mK"),
        dxf.text(0.0, -75.0, 3.5, "M12x1.5-6g"),
    ]
    dxf.custom = [("Part Number", "SH-310"), ("Project", "Gearbox G7")]
    return dxf.bytes("utf-8")


def assembly():
    """A parts list drawn with lines, growing upward from its header, and a title block in paper space."""
    dxf = Dxf("AC1032")
    rows = [("POS", "QTY", "PART NO", "DESCRIPTION", "MATERIAL"), ("1", "1", "HS-100", "HOUSING", "EN-GJL-250"),
            ("2", "2", "BR-6204", "BALL BEARING 6204", ""), ("3", "1", "SH-310", "SHAFT", "42CrMo4"),
            ("4", "6", "ISO 4762 M8x20", "SOCKET SCREW", "8.8")]
    xs = [230.0, 245.0, 260.0, 310.0, 370.0, 410.0]
    for n in range(len(rows) + 1):
        dxf.paper.append(dxf.line(xs[0], 70.0 + 8 * n, xs[-1], 70.0 + 8 * n, paper=True))
    for x in xs:
        dxf.paper.append(dxf.line(x, 70.0, x, 70.0 + 8 * len(rows), paper=True))
    for n, row in enumerate(rows):
        for x, cell in zip(xs, row):
            if cell:
                dxf.paper.append(dxf.text(x + 1.5, 72.5 + 8 * n, 2.5, cell, paper=True))
    dxf.paper += title_block(dxf, {"TITLE": "BEARING UNIT", "DWG_NO": "AS-1000", "REV": "A", "SCALE": "1:2",
                                   "SHEET": "1 of 2", "DRAWN": "A. Miller", "DATE": "2026-02-01"}, paper=True)
    dxf.block("SUPPLIER", [], xref="parts\\bearing.dwg")
    dxf.model += dxf.rectangle(0.0, 0.0, 200.0, 100.0)
    dxf.model += dxf.insert("SUPPLIER", 20.0, 20.0)
    dxf.layout("Model", 0, "", 0.0, 0.0)
    dxf.layout("Sheet 1", 1, "ISO_A3_(420.00_x_297.00_MM)", 420.0, 297.0)
    return dxf.bytes("utf-8", "\r\n")


def inch_plate():
    """Architectural fractions in inches, binary."""
    dxf = Dxf("AC1015", insunits=1)
    dxf.dimstyle = [(277, 5), (271, 4), (276, 2)]
    dxf.model += dxf.rectangle(0.0, 0.0, 10.5, 4.0)
    dxf.model += [
        dxf.dimension("linear", {10: (0.0, -1.0), 13: (0.0, 0.0), 14: (10.5, 0.0)}, 10.5, "10 1/2\"", at=(5.0, -0.9)),
        dxf.dimension("linear", {10: (-1.0, 0.0), 13: (0.0, 0.0), 14: (0.0, 4.0)}, 4.0, "4\"", at=(-1.0, 2.0), rotation=90),
    ]
    dxf.model.append(dxf.text(0.0, -2.0, 0.25, "MATERIAL: 6061-T6"))
    return dxf.binary()


def cyrillic():
    dxf = Dxf("AC1015", "ANSI_1251")
    dxf.model += [dxf.text(10.0, 10.0, 5, "Корпус подшипника"), dxf.text(10.0, 20.0, 5, "\\U+0421\\U+0442\\U+0430\\U+043B\\U+044C 45")]
    return dxf.bytes("cp1251")


def japanese():
    dxf = Dxf("AC1015", "ANSI_932")
    dxf.model += [dxf.text(10.0, 10.0, 5, "軸受ハウジング"), dxf.text(10.0, 20.0, 5, "材質 S45C")]
    return dxf.bytes("cp932")


def no_eof():
    data = flange("AC1009").bytes()
    return data[:data.rindex(b"  0\nENDSEC")]


def bad_codes():
    """A code that is no number, a value without a code, a section nobody knows."""
    dxf = Dxf("AC1015")
    dxf.model += [dxf.text(0.0, 0.0, 5, "before"), dxf.text(0.0, 10.0, 5, "after")]
    data = dxf.bytes()
    at = data.index(b"after") + 6
    return (data[:at] + b"abc\nnonsense\n" + data[at:]).replace(
        b"  0\nSECTION\n  2\nENTITIES", b"  0\nSECTION\n  2\nMYSTERY\n 40\n1.0\n  0\nENDSEC\n  0\nSECTION\n  2\nENTITIES")


def block_bomb():
    """Blocks that insert the next one in an array of 1000 x 1000, ten deep, and the last one the first again."""
    dxf = Dxf("AC1015")
    for n in range(10):
        name = f"B{(n + 1) % 10}"
        dxf.block(f"B{n}", [dxf.text(0.0, 0.0, 1, f"level {n}"),
                            dxf.entity("INSERT", "AcDbBlockReference", (2, name), (10, 0.0), (20, 0.0), (70, 1000), (71, 1000),
                                       (44, 1.0), (45, 1.0))])
    dxf.model += dxf.insert("B0", 0.0, 0.0)
    return dxf.bytes()


FILES = {
    "dxf/flange-r12.dxf": lambda: flange("AC1009").bytes(),
    "dxf/flange-2000.dxf": lambda: flange("AC1015").bytes(newline="\r\n"),
    "dxf/flange-2018-binary.dxf": lambda: flange("AC1032").binary("utf-8"),
    "dxf/shaft-2007.dxf": shaft,
    "dxf/assembly-2018.dxf": assembly,
    "dxf/plate-inch-binary.dxf": inch_plate,
    "dxf/cyrillic-2000.dxf": cyrillic,
    "dxf/japanese-2000.dxf": japanese,
    "damaged/no-eof.dxf": no_eof,
    "damaged/bad-codes.dxf": bad_codes,
    "hostile/block-bomb.dxf": block_bomb,
}
