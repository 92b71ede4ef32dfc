"""Small DWG drawings of the project's own making, in the format of AutoCAD 2.6 (AC1003): plain records without bit
packing, check sums or sentinels. Nothing that is installed writes DWG, so the bytes are put together here.

Format: as LibreDWG's specifications have it (header.spec, header_variables_r11.spec, dwg.spec; versions before R13).
"""
import struct

VERSION, N_VARIABLES = b"AC1003", 120
LINE, CIRCLE, TEXT, ARC = 1, 3, 7, 8
HAS_ROTATION = 1  # of a TEXT
LAYER_SIZE, STYLE_SIZE, LTYPE_SIZE, BLOCK_SIZE, VIEW_SIZE = 37, 194, 187, 37, 81

# What the 120 variables take, in their order: number of doubles, of shorts, or (bytes).
VARIABLES = [
    ("doubles", 3), ("entities", 1), ("extents", 6), ("limits", 4), ("doubles", 4), ("shorts", 1), ("doubles", 5), ("shorts", 3),
    ("doubles", 2), ("shorts", 5), ("scale", 1), ("height", 1), ("doubles", 1), ("shorts", 1), ("bytes", 8), ("shorts", 4), ("doubles", 1),
    ("units", 2), ("shorts", 1), ("doubles", 4), ("shorts", 5), ("bytes", 15), ("doubles", 10), ("bytes", 8 + 46), ("doubles", 2 + 3 + 18),
    ("shorts", 2), ("bytes", 1), ("doubles", 2), ("bytes", 33), ("shorts", 3), ("bylayer", 1), ("bytes", 4 * 8), ("shorts", 3 + 7),
    ("doubles", 1), ("shorts", 2), ("doubles", 2), ("shorts", 5), ("doubles", 5), ("bytes", 4 + 16 + 16)]


def doubles(*values):
    return struct.pack(f"<{len(values)}d", *values)


def name(text, size=32):
    data = text.encode("ascii")
    assert len(data) < size
    return data.ljust(size, b"\0")


class Drawing:
    def __init__(self, layers=("0",), extents=(0, 0, 100, 100)):
        self.layers, self.extents = list(layers), extents
        self.records = []

    def put(self, kind, layer, data, options=0):
        head = struct.pack("<BBHHH", kind, 0, 8 + len(data), self.layers.index(layer), options)
        self.records.append(head + data)

    def line(self, layer, x1, y1, x2, y2):
        self.put(LINE, layer, doubles(x1, y1, x2, y2))

    def circle(self, layer, x, y, radius):
        self.put(CIRCLE, layer, doubles(x, y, radius))

    def arc(self, layer, x, y, radius, begin, end):
        """From angle to angle, in radians."""
        self.put(ARC, layer, doubles(x, y, radius, begin, end))

    def text(self, layer, x, y, height, words, rotation=0.0):
        data = words.encode("ascii")
        text = doubles(x, y, height) + struct.pack("<H", len(data)) + data
        self.put(TEXT, layer, text + (doubles(rotation) if rotation else b""), HAS_ROTATION if rotation else 0)

    def variables(self):
        left, bottom, right, top = self.extents
        given = {"entities": struct.pack("<H", len(self.records)), "extents": doubles(left, bottom, 0, right, top, 0),
                 "limits": doubles(left, bottom, right, top), "scale": doubles(1), "height": doubles(2.5),
                 "units": struct.pack("<2H", 2, 4), "bylayer": struct.pack("<H", 0xFF)}
        size = {"doubles": 8, "shorts": 2, "bytes": 1}
        return b"".join(given.get(kind) or bytes(size[kind] * n) for kind, n in VARIABLES)

    def tables(self):
        """Records of BLOCK, LAYER, STYLE, LTYPE and VIEW, with the size of each."""
        layers = [b"\0" + name(layer) + struct.pack("<hH", 7 if i == 0 else i, 0) for i, layer in enumerate(self.layers)]
        style = b"\0" + name("STANDARD") + doubles(0, 1, 0) + b"\0" + doubles(2.5) + name("txt", 64) + name("", 64)
        ltype = b"\0" + name("CONTINUOUS") + name("Solid line", 48) + b"A\0" + doubles(*[0] * 13)
        return [(BLOCK_SIZE, []), (LAYER_SIZE, layers), (STYLE_SIZE, [style]), (LTYPE_SIZE, [ltype[:LTYPE_SIZE]]), (VIEW_SIZE, [])]

    def bytes(self):
        variables, tables, entities = self.variables(), self.tables(), b"".join(self.records)
        start = 0x5E + len(variables) + 2
        at = start + len(entities)
        heads, bodies = b"", b""
        for size, records in tables:
            assert all(len(record) == size for record in records), (size, [len(record) for record in records])
            heads += struct.pack("<HHHI", size, len(records), 0, at + len(bodies) if records else 0)
            bodies += b"".join(records)
        end = at + len(bodies)
        head = VERSION.ljust(12, b"\0") + struct.pack("<BHHHB6I", 1, 3, 5, N_VARIABLES, 0, start, start + len(entities), end, 0, end, 0)
        return head + heads + variables + bytes(2) + entities + bodies + bytes(64)


def plate():
    """A plate with two holes and a rounded corner; what it holds is counted in tests/e2e/test_dwg.py."""
    drawing = Drawing(["0", "OUTLINE", "HOLES", "NOTES"], (0, 0, 120, 80))
    drawing.line("OUTLINE", 0, 0, 120, 0)
    drawing.line("OUTLINE", 120, 0, 120, 70)
    drawing.arc("OUTLINE", 110, 70, 10, 0, 1.5707963267948966)
    drawing.line("OUTLINE", 110, 80, 0, 80)
    drawing.line("OUTLINE", 0, 80, 0, 0)
    drawing.circle("HOLES", 30, 40, 4.5)
    drawing.circle("HOLES", 90, 40, 4.5)
    drawing.text("NOTES", 10, -12, 3.5, "PLATE 120x80x8 S235JR")
    drawing.text("NOTES", 125, 10, 2.5, "2x HOLE 9 THRU", 1.5707963267948966)
    return drawing.bytes()
