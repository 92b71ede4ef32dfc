"""Hostile DXF files: size, nesting, lengths. `n` is the size of a case, bytes where it says so."""
import struct

from bench.hostile_files import collect

CASES = []
case = collect(CASES, ".dxf")

EOF = "0\nEOF\n"
MB = 1_000_000


def groups(*pairs):
    """Text of groups: code, value, code, value, …"""
    return "".join(f"{pairs[i]}\n{pairs[i + 1]}\n" for i in range(0, len(pairs), 2))


def header(version="AC1015"):
    return groups(0, "SECTION", 2, "HEADER", 9, "$ACADVER", 1, version, 9, "$INSUNITS", 70, 4, 0, "ENDSEC")


def section(name):
    return groups(0, "SECTION", 2, name)


ENDSEC = groups(0, "ENDSEC")
TAIL = ENDSEC + EOF


def put(file, text):
    file.write(text.encode())


def put_all(file, items, batch=5000):
    """Write many short texts in few calls."""
    part = []
    for item in items:
        part.append(item)
        if len(part) == batch:
            put(file, "".join(part))
            part.clear()
    put(file, "".join(part))


def entities(file, items, version="AC1015"):
    put(file, header(version) + section("ENTITIES"))
    put_all(file, items)
    put(file, TAIL)


def text(x, y, value, height=2.5, layer="0"):
    return groups(0, "TEXT", 8, layer, 10, x, 20, y, 40, height, 1, value)


MIXED = (
    groups(0, "LINE", 5, "A1", 8, "walls", 10, 0.5, 20, 1.25, 30, 0.0, 11, 100.5, 21, 200.25, 31, 0.0) * 20 +
    groups(0, "CIRCLE", 5, "A2", 8, "holes", 10, 5.0, 20, 6.0, 30, 0.0, 40, 2.5) * 5 +
    groups(0, "ARC", 5, "A3", 8, "holes", 10, 5.0, 20, 6.0, 40, 2.5, 50, 0.0, 51, 90.0) * 5 +
    groups(0, "LWPOLYLINE", 5, "A4", 8, "walls", 90, 8, 70, 1, *[v for i in range(8) for v in (10, i * 1.5, 20, i)]) +
    groups(0, "SPLINE", 5, "A5", 8, "curves", 71, 3, *[v for i in range(20) for v in (10, i * 2.5, 20, i, 30, 0)]) +
    groups(0, "TEXT", 5, "A6", 8, "notes", 10, 5.0, 20, 6.0, 40, 2.5, 1, "Note 7") +
    groups(0, "MTEXT", 5, "A7", 8, "notes", 10, 5.0, 20, 6.0, 40, 2.5, 1, "{\\fArial|b1;Bold} text\\Pnext line") +
    groups(0, "INSERT", 5, "A8", 8, "parts", 2, "SCREW", 10, 5.0, 20, 6.0) +
    groups(0, "DIMENSION", 5, "A9", 8, "dims", 70, 0, 10, 0.0, 20, 0.0, 13, 0.0, 23, 0.0, 14, 25.0, 24, 0.0, 42, 25.0) +
    groups(0, "HATCH", 5, "AA", 8, "fill", 2, "ANSI31", 91, 1, 92, 1, 93, 4,
           *[v for i in range(4) for v in (72, 1, 10, i, 20, i, 11, i + 1, 21, i)]))


@case("dxf-mixed", 1000 * MB)
def mixed(file, n):
    """bytes of drawing entities of all sorts"""
    put(file, header() + section("BLOCKS") + groups(0, "BLOCK", 2, "SCREW", 10, 0, 20, 0) + text(0, 0, "M6") +
        groups(0, "ENDBLK") + ENDSEC + section("ENTITIES"))
    part = (MIXED * 300).encode()
    for _ in range(max(n // len(part), 1)):
        file.write(part)
    put(file, TAIL)


@case("dxf-texts", 200 * MB)
def texts(file, n):
    """bytes of TEXT and MTEXT alone, each at its own place"""
    line = text(0, 0, "") + groups(0, "MTEXT", 8, "0", 10, 0, 20, 0, 40, 2.5, 1, "")
    size = len(line) + 90
    entities(file, (text(i % 1000 * 30, i // 1000 * 10, f"Text {i} of many, 12.5 mm") +
                    groups(0, "MTEXT", 8, "0", 10, i % 1000 * 30, 20, i // 1000 * 10 + 5, 40, 2.5,
                           1, f"{{\\fArial;Note {i}}}: deburr\\Pall edges") for i in range(n // size)))


@case("dxf-one-value", 100 * MB)
def one_value(file, n):
    """bytes of one value of a TEXT"""
    put(file, header() + section("ENTITIES") + "0\nTEXT\n8\n0\n10\n1\n20\n1\n40\n2\n1\n")
    for _ in range(max(n // MB, 1)):
        file.write(b"x" * min(n, MB))
    put(file, "\n" + TAIL)


@case("dxf-one-code", 100 * MB)
def one_code(file, n):
    """bytes of a line where a group code should stand"""
    put(file, header() + section("ENTITIES") + "0\nTEXT\n8\n0\n10\n1\n20\n1\n40\n2\n1\nbefore\n")
    for _ in range(max(n // MB, 1)):
        file.write(b"7" * min(n, MB))
    put(file, "\nvalue\n" + text(1, 2, "behind") + TAIL)


@case("dxf-no-newline", 100 * MB)
def no_newline(file, n):
    """bytes without any end of line"""
    put(file, "0 SECTION 2 ENTITIES 0 ")
    for _ in range(max(n // MB, 1)):
        file.write(b"0 LINE 8 0 10 1.0 " * (min(n, MB) // 18))


@case("dxf-newlines", 100 * MB)
def newlines(file, n):
    """bytes of empty lines within a drawing"""
    put(file, header() + section("ENTITIES") + text(1, 1, "before"))
    for _ in range(max(n // MB, 1)):
        file.write(b"\n" * min(n, MB))
    put(file, text(1, 2, "behind") + TAIL)


@case("dxf-garbage", 100 * MB)
def garbage(file, n):
    """bytes in which every other line is no group code"""
    put(file, header() + section("ENTITIES") + text(1, 1, "before"))
    part = b"zero\nLINE\n8\nx\n"
    for _ in range(max(n // MB, 1)):
        file.write(part * (min(n, MB) // len(part)))
    put(file, text(1, 2, "behind") + TAIL)


@case("dxf-mtext-braces", 1_000_000)
def mtext_braces(file, n):
    """braces within braces in one MTEXT"""
    parts = ["{" * 250] * (n // 250) + ["x"] + ["}" * 250] * (n // 250)
    pieces = "".join(groups(3, part) for part in parts)
    entities(file, [groups(0, "MTEXT", 8, "0", 10, 1, 20, 1, 40, 2.5) + pieces + groups(1, "end")])


@case("dxf-mtext-codes", 1_000_000)
def mtext_codes(file, n):
    """format codes in one MTEXT: fonts, stacks, columns of lines"""
    part = "{\\fArial|b1;\\H2x;\\S1/2;^I\\P\\U+00D8\\M+182A0%%c}"
    entities(file, [groups(0, "MTEXT", 8, "0", 10, 1, 20, 1, 40, 2.5) +
                    "".join(groups(3, part * 5) for _ in range(n // 5)) + groups(1, "end")])


@case("dxf-one-point", 50_000)
def one_point(file, n):
    """different texts on one point"""
    entities(file, (text(100, 100, f"{i % 977}.5") for i in range(n)))


@case("dxf-one-point-same", 50_000)
def one_point_same(file, n):
    """the same text on one point"""
    entities(file, (text(100, 100, "%%c12 H7") for _ in range(n)))


@case("dxf-one-line", 50_000)
def one_line(file, n):
    """dimension-like texts in one endless line"""
    entities(file, (text(i * 8, 100, f"{i % 97} +0.1") for i in range(n)))


@case("dxf-labels", 50_000)
def labels(file, n):
    """labels of title blocks with values, all over the sheet"""
    words = ("Drawing No.", "D-100", "Title", "Bracket", "Scale", "1:2", "Material", "S235JR", "Rev", "A")
    entities(file, (text(i % 200 * 25, i // 200 * 4, words[i % len(words)]) for i in range(n)))


@case("dxf-grid", 200_000)
def table_grid(file, n):
    """cells of a ruled table, under the words of a parts list"""
    rows, words = n // 4, ("Item", "Qty", "Part No", "Material")
    def lines():
        for r in range(rows + 1):
            yield groups(0, "LINE", 8, "0", 10, 0, 20, r * 5, 11, 200, 21, r * 5)
        for c in range(5):
            yield groups(0, "LINE", 8, "0", 10, c * 50, 20, 0, 11, c * 50, 21, rows * 5)
        for r in range(rows):
            row = words if r == rows - 1 else (r + 1, 1, f"P-{r}", "S235JR")
            yield "".join(text(c * 50 + 2, r * 5 + 1, value) for c, value in enumerate(row))
    entities(file, lines())


@case("dxf-lines-crossing", 20_000)
def lines_crossing(file, n):
    """lines that all cross, with a text here and there"""
    def items():
        for i in range(n // 2):
            yield groups(0, "LINE", 8, "0", 10, 0, 20, i * 0.1, 11, n, 21, i * 0.1)
            yield groups(0, "LINE", 8, "0", 10, i * 0.1, 20, 0, 11, i * 0.1, 21, n)
            if i % 10 == 0:
                yield text(i * 0.1, i * 0.1, f"R{i}")
    entities(file, items())


@case("dxf-lwpolyline-claim", 2**31 - 1)
def lwpolyline_claim(file, n):
    """vertices that an LWPOLYLINE, a HATCH and an MLINE claim to have"""
    entities(file, [groups(0, "LWPOLYLINE", 8, "0", 90, n, 10, 1, 20, 1, 10, 2, 20, 2),
                    groups(0, "LWPOLYLINE", 8, "0", 90, -n - 1, 10, 1, 20, 1),
                    groups(0, "HATCH", 8, "0", 91, n, 92, 1, 93, n, 72, 1),
                    groups(0, "MLINE", 8, "0", 72, n, 73, n, 10, 1, 20, 1),
                    groups(0, "ACAD_TABLE", 8, "0", 91, n, 92, n, 141, 5, 142, 5),
                    groups(0, "MULTILEADER", 8, "0", 90, n), text(1, 1, "behind")])


@case("dxf-xdata", 1_000_000)
def xdata(file, n):
    """strings of XDATA on one entity"""
    put(file, header() + section("ENTITIES") + groups(0, "LINE", 8, "0", 10, 0, 20, 0, 11, 1, 21, 1, 1001, "APP"))
    put_all(file, (groups(1000, f"KEY{i}=some value") for i in range(n)))
    put(file, TAIL)


def binary(*pairs, wide=True):
    """Groups of a binary DXF: strings, and numbers by the code."""
    parts = []
    for i in range(0, len(pairs), 2):
        code, value = pairs[i], pairs[i + 1]
        parts.append(struct.pack("<H", code) if wide else struct.pack("<B", code))
        if isinstance(value, bytes):
            parts.append(value)
        elif isinstance(value, str):
            parts.append(value.encode() + b"\0")
        elif isinstance(value, float):
            parts.append(struct.pack("<d", value))
        else:
            parts.append(struct.pack("<i" if 90 <= code <= 99 else "<h", value))
    return b"".join(parts)


@case("dxf-binary", 100 * MB)
def binary_lengths(file, n):
    """bytes of a string without an end, chunks longer than the file, counts of 2^31, in binary"""
    file.write(b"AutoCAD Binary DXF\r\n\x1a\0")
    file.write(binary(0, "SECTION", 2, "HEADER", 9, "$ACADVER", 1, "AC1015", 0, "ENDSEC",
                      0, "SECTION", 2, "ENTITIES", 0, "TEXT", 8, "0", 10, 1.0, 20, 1.0, 40, 2.5, 1, "read",
                      0, "LWPOLYLINE", 8, "0", 90, 2**31 - 1, 10, 1.0, 20, 1.0,
                      0, "LINE", 8, "0", 310, b"\xff" + b"\0" * 255, 1004, b"\0", 0, "TEXT", 8, "0", 1, b""))
    for _ in range(max(n // MB, 1)):
        file.write(b"y" * min(n, MB))


@case("dxf-binary-chunks", 100 * MB)
def binary_chunks(file, n):
    """bytes of a bitmap in binary chunks, the last longer than what is left"""
    file.write(b"AutoCAD Binary DXF\r\n\x1a\0")
    file.write(binary(0, "SECTION", 2, "ENTITIES", 0, "TEXT", 8, "0", 10, 1.0, 20, 1.0, 40, 2.5, 1, "read",
                      0, "OLE2FRAME", 8, "0", 90, 2**31 - 1))
    part = binary(310, b"\xfe" + b"\x01" * 254) * 4000
    for _ in range(max(n // len(part), 1)):
        file.write(part)
    file.write(binary(310, b"\xff\x01"))
