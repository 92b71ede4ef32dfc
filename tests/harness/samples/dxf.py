"""DXF, ASCII and binary, R12 to 2018: as much as a drawing of a part needs.

Source: Autodesk, DXF Reference (group codes of entities, tables and objects).
"""
import struct

MODERN = {"AC1015", "AC1018", "AC1021", "AC1024", "AC1027", "AC1032"}
DIM_TYPES = {"linear": 0, "aligned": 1, "angular": 2, "diameter": 3, "radius": 4, "ordinate": 6}
DIM_CLASSES = {"linear": "AcDbAlignedDimension", "aligned": "AcDbAlignedDimension",
               "angular": "AcDb2LineAngularDimension", "diameter": "AcDbDiametricDimension",
               "radius": "AcDbRadialDimension", "ordinate": "AcDbOrdinateDimension"}


class Dxf:
    """Entities are lists of (code, value); collect them with line(), text(), … and write with bytes()."""

    def __init__(self, version="AC1015", codepage="ANSI_1252", insunits=4, header=()):
        self.version = version
        self.codepage = codepage
        self.modern = version in MODERN
        self.header = [("$INSUNITS", [(70, insunits)]), ("$MEASUREMENT", [(70, 0 if insunits == 1 else 1)]), *header]
        self.custom = []
        self.layers = [("0", 7)]
        self.dimstyle = []
        self.blocks = []
        self.model = []
        self.paper = []
        self.layouts = []
        self.next_handle = 0x20
        self.spaces = {"*Model_Space": "1E", "*Paper_Space": "1F"}  # handles of their block records

    # ---------------------------------------------------------------- entities

    def handle(self):
        self.next_handle += 1
        return f"{self.next_handle:X}"

    def entity(self, kind, *classes_and_tags, layer="0", paper=False):
        """`classes_and_tags`: subclass names, which R12 does not have, and (code, value) in between."""
        tags = [(0, kind), (5, self.handle())]
        if self.modern:
            tags.append((100, "AcDbEntity"))
        tags.append((8, layer))
        if paper:
            tags.append((67, 1))
        for item in classes_and_tags:
            if not isinstance(item, str):
                tags.append(item)
            elif self.modern:
                tags.append((100, item))
        return tags

    def line(self, x0, y0, x1, y1, **more):
        return self.entity("LINE", "AcDbLine", (10, x0), (20, y0), (11, x1), (21, y1), **more)

    def circle(self, x, y, radius, **more):
        return self.entity("CIRCLE", "AcDbCircle", (10, x), (20, y), (40, radius), **more)

    def rectangle(self, x0, y0, x1, y1, **more):
        return [self.line(x0, y0, x1, y0, **more), self.line(x1, y0, x1, y1, **more),
                self.line(x1, y1, x0, y1, **more), self.line(x0, y1, x0, y0, **more)]

    def text(self, x, y, height, value, rotation=0, **more):
        return self.entity("TEXT", "AcDbText", (10, x), (20, y), (40, height), (1, value), (50, rotation), "AcDbText",
                           **more)

    def mtext(self, x, y, height, value, **more):
        chunks = [value[at:at + 250] for at in range(0, len(value), 250)] or [""]
        return self.entity("MTEXT", "AcDbMText", (10, x), (20, y), (40, height), (41, 0.0), (71, 1),
                           *[(3, chunk) for chunk in chunks[:-1]], (1, chunks[-1]), **more)

    def attdef(self, x, y, height, tag, prompt, default=""):
        return self.entity("ATTDEF", "AcDbText", (10, x), (20, y), (40, height), (1, default), "AcDbAttributeDefinition",
                           (3, prompt), (2, tag), (70, 0))

    def insert(self, name, x, y, attributes=(), paper=False):
        """`attributes`: (tag, value, x, y, height)."""
        more = [(66, 1)] if attributes else []
        entities = [self.entity("INSERT", "AcDbBlockReference", *more, (2, name), (10, x), (20, y), paper=paper)]
        for tag, value, at_x, at_y, height in attributes:
            entities.append(self.entity("ATTRIB", "AcDbText", (10, at_x), (20, at_y), (40, height), (1, value),
                                        "AcDbAttribute", (2, tag), (70, 0), paper=paper))
        if attributes:
            entities.append(self.entity("SEQEND", paper=paper))
        return entities

    def dimension(self, kind, points, measurement, shown, text="", at=(0, 0), style=(), rotation=0):
        """`points`: {code: (x, y)}; `shown`: the text in the dimension's block, None for no block; `style`: pairs of
        the DSTYLE override list."""
        tags = [(3, "STANDARD"), (70, DIM_TYPES[kind] + 32), (11, at[0]), (21, at[1])]
        if shown is not None:
            name = f"*D{len(self.blocks) + 1}"
            self.block(name, [self.mtext(at[0], at[1], 3.5, shown) if self.modern else
                              self.text(at[0], at[1], 3.5, shown)], anonymous=True)
            tags.insert(0, (2, name))
        if text:
            tags.append((1, text))
        if measurement is not None:
            tags.append((42, measurement))
        base = [(code + axis * 10, points[10][axis]) for code in (10,) if 10 in points for axis in (0, 1)]
        rest = [(code + axis * 10, value[axis]) for code, value in sorted(points.items()) if code != 10 for axis in (0, 1)]
        more = [(50, rotation)] if kind == "linear" else []
        last = ["AcDbRotatedDimension"] if kind == "linear" else []
        entity = self.entity("DIMENSION", "AcDbDimension", *base, *tags, DIM_CLASSES[kind], *rest, *more, *last)
        if style:
            entity += [(1001, "ACAD"), (1000, "DSTYLE"), (1002, "{")]
            for code, value in style:
                entity += [(1070, code), (1070 if isinstance(value, int) else 1040, value)]
            entity.append((1002, "}"))
        return entity

    def layout(self, name, order, paper, width, height):
        """A LAYOUT object: paper size in millimetres, one to one; order 0 is model space."""
        self.layouts.append((name, self.handle(), order, paper, width, height))

    def _objects(self):
        """The root dictionary, the one of layouts, the layouts."""
        tags = [(0, "SECTION"), (2, "OBJECTS"), (0, "DICTIONARY"), (5, "A"), (330, "0"), (100, "AcDbDictionary"), (281, 1),
                (3, "ACAD_LAYOUT"), (350, "B"), (0, "DICTIONARY"), (5, "B"), (330, "A"), (100, "AcDbDictionary"), (281, 1)]
        for name, handle, *_ in self.layouts:
            tags += [(3, name), (350, handle)]
        for name, handle, order, paper, width, height in self.layouts:
            tags += [(0, "LAYOUT"), (5, handle), (330, "B"), (100, "AcDbPlotSettings"), (1, ""), (4, paper), (44, width),
                     (45, height), (142, 1.0), (143, 1.0), (72, 1), (100, "AcDbLayout"), (1, name), (71, order),
                     (330, self.spaces["*Paper_Space" if order else "*Model_Space"])]
        return tags + [(0, "ENDSEC")]

    def block(self, name, entities, anonymous=False, xref="", description=""):
        flags = (1 if anonymous else 0) | (4 if xref else 0) | (
            2 if any(tags[0] == (0, "ATTDEF") for tags in entities) else 0)
        self.blocks.append((name, flags, xref, description, entities))

    # ---------------------------------------------------------------- file

    def _table(self, name, records):
        tags = [(0, "TABLE"), (2, name)]
        if self.modern:
            tags += [(5, self.handle()), (100, "AcDbSymbolTable")]
        tags.append((70, len(records)))
        for kind, subclass, record in records:
            tags.append((0, kind))
            if self.modern:
                handle = self.spaces.get(record[0][1]) or self.handle()
                tags += [(105 if kind == "DIMSTYLE" else 5, handle), (100, "AcDbSymbolTableRecord"), (100, subclass)]
            tags += record
        return tags + [(0, "ENDTAB")]

    def _tables(self):
        names = ["*Model_Space", "*Paper_Space"] + [block[0] for block in self.blocks]
        tags = [(0, "SECTION"), (2, "TABLES")]
        tags += self._table("LTYPE", [("LTYPE", "AcDbLinetypeTableRecord", [
            (2, "CONTINUOUS"), (70, 0), (3, "Solid line"), (72, 65), (73, 0), (40, 0.0)])])
        tags += self._table("LAYER", [("LAYER", "AcDbLayerTableRecord", [
            (2, name), (70, 0), (62, colour), (6, "CONTINUOUS")]) for name, colour in self.layers])
        tags += self._table("STYLE", [("STYLE", "AcDbTextStyleTableRecord", [
            (2, "STANDARD"), (70, 0), (40, 0.0), (41, 1.0), (50, 0.0), (71, 0), (42, 2.5), (3, "txt"), (4, "")])])
        if self.modern:
            tags += self._table("APPID", [("APPID", "AcDbRegAppTableRecord", [(2, "ACAD"), (70, 0)])])
        tags += self._table("DIMSTYLE", [("DIMSTYLE", "AcDbDimStyleTableRecord", [
            (2, "STANDARD"), (70, 0), *self.dimstyle])])
        if self.modern:
            tags += self._table("BLOCK_RECORD", [("BLOCK_RECORD", "AcDbBlockTableRecord", [(2, name)]) for name in names])
        return tags + [(0, "ENDSEC")]

    def _blocks(self):
        spaces = [("*Model_Space", 0, "", "", []), ("*Paper_Space", 0, "", "", [])] if self.modern else []
        tags = [(0, "SECTION"), (2, "BLOCKS")]
        for name, flags, xref, description, entities in spaces + self.blocks:
            tags += self.entity("BLOCK", "AcDbEntity", "AcDbBlockBegin", (2, name), (70, flags), (10, 0.0), (20, 0.0),
                                (3, name), (1, xref), *([(4, description)] if description else []))
            for entity in entities:
                tags += entity
            tags += self.entity("ENDBLK", "AcDbBlockEnd")
        return tags + [(0, "ENDSEC")]

    def tags(self):
        tags = [(999, "Quarry sample"), (0, "SECTION"), (2, "HEADER"), (9, "$ACADVER"), (1, self.version),
                (9, "$DWGCODEPAGE"), (3, self.codepage)]
        for name, values in self.header:
            tags += [(9, name), *values]
        for name, value in self.custom:
            tags += [(9, "$CUSTOMPROPERTYTAG"), (1, name), (9, "$CUSTOMPROPERTY"), (1, value)]
        tags += [(9, "$HANDSEED"), (5, "FFFF"), (0, "ENDSEC")]
        body = self._tables() + self._blocks()
        tags += body + [(0, "SECTION"), (2, "ENTITIES")]
        for entity in self.model + self.paper:
            tags += entity
        tags.append((0, "ENDSEC"))
        if self.layouts:
            tags += self._objects()
        return tags + [(0, "EOF")]

    def bytes(self, encoding="cp1252", newline="\n"):
        out = bytearray()
        for code, value in self.tags():
            shown = f"{value:.10g}" if isinstance(value, float) else str(value)
            if isinstance(value, float) and "." not in shown and "e" not in shown:
                shown += ".0"
            out += f"{code:3d}{newline}".encode() + shown.encode(encoding) + newline.encode()
        return bytes(out)

    def binary(self, encoding="cp1252"):
        """Binary DXF of R13 and later: codes are 16 bits, values as their code says."""
        out = bytearray(b"AutoCAD Binary DXF\r\n\x1a\0")
        for code, value in self.tags():
            if code == 999:
                continue
            out += struct.pack("<h", code)
            if 10 <= code <= 59 or 110 <= code <= 149 or 210 <= code <= 239 or 1010 <= code <= 1059:
                out += struct.pack("<d", float(value))
            elif 60 <= code <= 79 or 170 <= code <= 179 or 270 <= code <= 289 or 370 <= code <= 389 or \
                    400 <= code <= 409 or 1060 <= code <= 1070:
                out += struct.pack("<h", int(value))
            elif 90 <= code <= 99 or 420 <= code <= 429 or 440 <= code <= 459 or code == 1071:
                out += struct.pack("<i", int(value))
            else:
                out += str(value).encode(encoding) + b"\0"
        return bytes(out)
