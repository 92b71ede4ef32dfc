"""Hostile DXF files: tables, blocks, insertions, dimensions and layouts without end."""
from bench.hostile_files import collect
from bench.hostile_files.dxf import ENDSEC, TAIL, entities, groups, header, put, put_all, section, text

CASES = []
case = collect(CASES, ".dxf")


def block(name, body):
    return groups(0, "BLOCK", 8, "0", 2, name, 70, 0, 10, 0, 20, 0) + body + groups(0, "ENDBLK")


def insert(name, columns=1, rows=1, step=10.0, more=""):
    return groups(0, "INSERT", 8, "0", 2, name, 10, 1, 20, 1, 70, columns, 71, rows, 44, step, 45, step) + more


@case("dxf-block-bomb", 10)
def block_bomb(file, n):
    """levels of blocks, each an array of 1000 x 1000 of the next; the last one holds the first"""
    put(file, header() + section("BLOCKS"))
    for i in range(n):
        put(file, block(f"B{i}", text(0, 0, f"level {i}") + insert(f"B{(i + 1) % n}", 1000, 1000)))
    put(file, ENDSEC + section("ENTITIES") + insert("B0", 1000, 1000) + TAIL)


@case("dxf-block-tree", 30)
def block_tree(file, n):
    """levels of blocks that hold the next one twice: 2 to the n"""
    put(file, header() + section("BLOCKS"))
    for i in range(n):
        put(file, block(f"B{i}", insert(f"B{i + 1}") * 2))
    put(file, block(f"B{n}", text(0, 0, "leaf")) + ENDSEC + section("ENTITIES") + insert("B0") + TAIL)


@case("dxf-block-chain", 100_000)
def block_chain(file, n):
    """blocks, each in the one before, and a copy of each in the drawing"""
    put(file, header() + section("BLOCKS"))
    put_all(file, (block(f"B{i}", text(0, 0, f"T{i}") + insert(f"B{i + 1}")) for i in range(n)))
    put(file, ENDSEC + section("ENTITIES"))
    put_all(file, (insert(f"B{i}") for i in range(n)))
    put(file, TAIL)


@case("dxf-array", 32767)
def array(file, n):
    """rows and columns of one insertion"""
    put(file, header() + section("BLOCKS") + block("A", text(0, 0, "12.5")) + ENDSEC + section("ENTITIES") +
        insert("A", n, n) + insert("A", 65535, 65535) + insert("A", -n, n) + insert("A", 2**31 - 1, 2**31 - 1) + TAIL)


def table(kind, more):
    """A table of n entries of one kind."""
    def write(file, n):
        put(file, header() + section("TABLES") + groups(0, "TABLE", 2, kind, 70, n))
        put_all(file, (groups(0, kind, 2, f"{kind}_{i}", 70, 0) + more for i in range(n)))
        put(file, groups(0, "ENDTAB") + ENDSEC + section("ENTITIES"))
        put_all(file, (text(i, i, "t", layer=f"LAYER_{i}") for i in range(1000)))
        put(file, TAIL)
    write.__doc__ = f"entries of the table {kind}"
    return write


case("dxf-layers", 1_000_000)(table("LAYER", groups(62, 7, 6, "CONTINUOUS")))
case("dxf-linetypes", 1_000_000)(table("LTYPE", groups(3, "a line", 72, 65, 73, 0, 40, 0.0)))
case("dxf-styles", 1_000_000)(table("STYLE", groups(40, 0.0, 41, 1.0, 3, "txt")))


@case("dxf-dimstyles", 100_000)
def dimstyles(file, n):
    """dimension styles and as many dimensions, each with its own"""
    put(file, header() + section("TABLES") + groups(0, "TABLE", 2, "DIMSTYLE", 70, n))
    put_all(file, (groups(0, "DIMSTYLE", 105, f"{i + 16:X}", 2, f"STYLE_{i}", 144, 1.0, 271, 2) for i in range(n)))
    put(file, groups(0, "ENDTAB") + ENDSEC + section("ENTITIES"))
    put_all(file, (dimension(i, style=f"STYLE_{i}") for i in range(n)))
    put(file, TAIL)


def dimension(i, style="STANDARD", shape=None):
    drawn = (2, shape) if shape else ()
    return groups(0, "DIMENSION", 5, f"{i + 0x100000:X}", 8, "0", *drawn, 3, style, 70, 0, 1, "",
                  10, i, 20, 5, 11, i, 21, 5, 13, i, 23, 0, 14, i + 10, 24, 0, 42, 10 + i % 7)


@case("dxf-blocks", 1_000_000)
def blocks(file, n):
    """blocks, some of them inserted"""
    put(file, header() + section("BLOCKS"))
    put_all(file, (block(f"BLOCK_{i}", text(0, 0, f"b{i}")) for i in range(n)))
    put(file, ENDSEC + section("ENTITIES"))
    put_all(file, (insert(f"BLOCK_{i * 7 % n}") for i in range(n // 10)))
    put(file, TAIL)


@case("dxf-same-block", 100_000)
def same_block(file, n):
    """definitions of one block, and as many without a name"""
    put(file, header() + section("BLOCKS"))
    put_all(file, (block("SAME", text(i, 0, f"s{i}")) + block("", text(i, 0, f"n{i}")) for i in range(n)))
    put(file, ENDSEC + section("ENTITIES") + insert("SAME") + insert("") + TAIL)


@case("dxf-anonymous", 100_000)
def anonymous(file, n):
    """copies of dynamic blocks that name their originals by handle"""
    put(file, header("AC1021") + section("TABLES") + groups(0, "TABLE", 2, "BLOCK_RECORD", 70, n))
    put_all(file, (groups(0, "BLOCK_RECORD", 5, f"{i + 16:X}", 2, f"*U{i}", 1001, "AcDbBlockRepBTag", 1070, 1,
                          1005, f"{n - i + 16:X}") for i in range(n)))
    put(file, groups(0, "ENDTAB") + ENDSEC + section("BLOCKS"))
    put_all(file, (block(f"*U{i}", text(0, 0, f"b{i}")) for i in range(n)))
    put(file, ENDSEC + section("ENTITIES"))
    put_all(file, (insert(f"*U{i}") for i in range(n)))
    put(file, TAIL)


@case("dxf-dimensions", 1_000_000)
def dimensions(file, n):
    """DIMENSIONs"""
    entities(file, (dimension(i) for i in range(n)))


@case("dxf-dimensions-drawn", 100_000)
def dimensions_drawn(file, n):
    """DIMENSIONs, each with the block that draws it"""
    put(file, header() + section("BLOCKS"))
    put_all(file, (block(f"*D{i}", text(i, 1, f"{10 + i % 7}") +
                         groups(0, "LINE", 8, "0", 10, i, 20, 0, 11, i + 10, 21, 0) * 3) for i in range(n)))
    put(file, ENDSEC + section("ENTITIES"))
    put_all(file, (dimension(i, shape=f"*D{i}") for i in range(n)))
    put(file, TAIL)


@case("dxf-tolerances", 200_000)
def tolerances(file, n):
    """TOLERANCE frames"""
    frame = "{\\Fgdt;j}%%v{\\Fgdt;n}0.1{\\Fgdt;m}%%vA%%vB%%v"
    entities(file, (groups(0, "TOLERANCE", 8, "0", 3, "STANDARD", 10, i % 1000, 20, i // 1000, 1, frame)
                    for i in range(n)))


def attribs(i, count):
    return "".join(groups(0, "ATTRIB", 8, "0", 10, 1, 20, k, 40, 2.5, 1, f"value {i}.{k}", 2, f"TAG{k}", 70, 0)
                   for k in range(count)) + groups(0, "SEQEND")


@case("dxf-attribs", 1_000_000)
def many_attribs(file, n):
    """ATTRIBs, ten on an insertion"""
    put(file, header() + section("BLOCKS") + block("PART", text(0, 0, "p")) + ENDSEC + section("ENTITIES"))
    put_all(file, (insert("PART", more=groups(66, 1)) + attribs(i, 10) for i in range(n // 10)), 500)
    put(file, TAIL)


@case("dxf-attribs-one", 1_000_000)
def one_insert_attribs(file, n):
    """ATTRIBs on one insertion"""
    put(file, header() + section("BLOCKS") + block("PART", text(0, 0, "p")) + ENDSEC + section("ENTITIES"))
    put(file, insert("PART", more=groups(66, 1)))
    put_all(file, (groups(0, "ATTRIB", 8, "0", 10, 1, 20, k, 40, 2.5, 1, f"v{k}", 2, f"TAG{k}", 70, 0)
                   for k in range(n)))
    put(file, groups(0, "SEQEND") + TAIL)


@case("dxf-layouts", 100_000)
def layouts(file, n):
    """layouts, each with its block and a text"""
    put(file, header() + section("TABLES") + groups(0, "TABLE", 2, "BLOCK_RECORD", 70, n))
    put_all(file, (groups(0, "BLOCK_RECORD", 5, f"{i + 256:X}", 2, f"*Paper_Space{i}") for i in range(n)))
    put(file, groups(0, "ENDTAB") + ENDSEC + section("BLOCKS"))
    put_all(file, (block(f"*Paper_Space{i}", text(1, 1, f"sheet {i}")) for i in range(n)))
    put(file, ENDSEC + section("ENTITIES") + text(0, 0, "model") + ENDSEC + section("OBJECTS"))
    put_all(file, (groups(0, "LAYOUT", 5, f"{i + 0x100000:X}", 100, "AcDbPlotSettings", 44, 210, 45, 297,
                          100, "AcDbLayout", 1, f"Sheet {i}", 70, 1, 71, i, 330, f"{i + 256:X}") for i in range(n)))
    put(file, TAIL)


@case("dxf-owners", 100_000)
def owners(file, n):
    """texts owned by block records that are defined one by one"""
    put(file, header() + section("TABLES") + groups(0, "TABLE", 2, "BLOCK_RECORD", 70, n))
    put_all(file, (groups(0, "BLOCK_RECORD", 5, f"{i + 256:X}", 2, f"*Paper_Space{i}") for i in range(n)))
    put(file, groups(0, "ENDTAB") + ENDSEC + section("ENTITIES"))
    put_all(file, (groups(0, "TEXT", 330, f"{i + 256:X}", 67, 1, 410, f"Sheet {i}", 8, "0", 10, i, 20, 1, 40, 2.5,
                          1, f"t{i}") for i in range(n)))
    put(file, TAIL)


@case("dxf-objects", 1_000_000)
def objects(file, n):
    """entries of dictionaries and as many XRECORDs"""
    put(file, header() + section("OBJECTS") + groups(0, "DICTIONARY", 5, "C"))
    put_all(file, (groups(3, f"KEY{i}", 350, f"{i + 256:X}") for i in range(n)))
    put_all(file, (groups(0, "XRECORD", 5, f"{i + 256:X}", 330, "C", 1, f"value {i}", 3, "more") for i in range(n)))
    put(file, TAIL)


@case("dxf-variables", 1_000_000)
def variables(file, n):
    """header variables, a third of them custom properties"""
    put(file, section("HEADER") + groups(9, "$ACADVER", 1, "AC1018"))
    put_all(file, (groups(9, f"$VAR{i}", 40, i, 9, "$CUSTOMPROPERTYTAG", 1, f"p{i}", 9, "$CUSTOMPROPERTY", 1, i)
                   for i in range(n // 3)))
    put(file, ENDSEC + section("ENTITIES") + text(0, 0, "t") + TAIL)


@case("dxf-kinds", 1_000_000)
def kinds(file, n):
    """entities, each of its own made-up kind"""
    entities(file, (groups(0, f"KIND{i}", 8, "0", 10, 1) for i in range(n)))


def colliding(count, slots, form):
    """Names whose FNV-1a hashes of 32 bits are the same modulo `slots`."""
    found, i = [], 0
    while len(found) < count:
        name, value = form.format(i), 2166136261
        for byte in name.encode():
            value = (value ^ byte) * 16777619 & 0xFFFFFFFF
        if value % slots == 0:
            found.append(name)
        i += 1
    return found


@case("dxf-kinds-colliding", 10_000_000)
def kinds_colliding(file, n):
    """entities of a few hundred made-up kinds that fall into one place of a hash table"""
    names = [groups(0, name) for name in colliding(min(n, 450), 1024, "K{}")]
    put(file, header() + section("ENTITIES"))
    put(file, "".join(names))
    put_all(file, (names[-1 - (i & 1)] for i in range(n)), 100_000)
    put(file, text(0, 0, "t") + TAIL)


@case("dxf-dimstyles-colliding", 1_000_000)
def dimstyles_colliding(file, n):
    """dimensions whose styles fall into one place of a hash table"""
    names = colliding(min(n, 4000), 512, "STYLE_{}")
    put(file, header() + section("TABLES") + groups(0, "TABLE", 2, "DIMSTYLE", 70, len(names)))
    put_all(file, (groups(0, "DIMSTYLE", 2, name, 271, 2) for name in names))
    put(file, groups(0, "ENDTAB") + ENDSEC + section("ENTITIES"))
    put_all(file, (dimension(i, style=names[0]) for i in range(n)))
    put(file, TAIL)


@case("dxf-one-handle", 1_000_000)
def one_handle(file, n):
    """XRECORDs looked up among dictionary entries that all have one handle, or one hash"""
    put(file, header() + section("OBJECTS") + groups(0, "DICTIONARY", 5, "C"))
    put_all(file, (groups(3, f"KEY{i}", 350, "AB") for i in range(min(n, 10_000))))
    # the hash is the upper half of a product, which is 0 for these: multiples of the inverse of the factor
    inverse = pow(0x9E3779B97F4A7C15, -1, 1 << 64)
    same = [f"{inverse * (i + 1) % (1 << 64):X}" for i in range(10_001)]
    put_all(file, (groups(3, f"NAME{i}", 350, same[i]) for i in range(min(n, 10_000))))
    put_all(file, (groups(0, "XRECORD", 5, same[-1], 1, "v") for _ in range(n)))
    put(file, ENDSEC + section("ENTITIES") + text(0, 0, "t") + TAIL)


@case("dxf-classes", 1_000_000)
def classes(file, n):
    """classes"""
    put(file, header() + section("CLASSES"))
    put_all(file, (groups(0, "CLASS", 1, f"C{i}", 2, f"AcDb{i}", 3, "App", 90, 0, 280, 0, 281, 1) for i in range(n)))
    put(file, ENDSEC + section("ENTITIES") + text(0, 0, "t") + TAIL)


@case("dxf-vertices", 2_000_000)
def vertices(file, n):
    """vertices of one POLYLINE and as many of one LWPOLYLINE"""
    put(file, header() + section("ENTITIES") + groups(0, "POLYLINE", 8, "0", 66, 1))
    put_all(file, (groups(0, "VERTEX", 8, "0", 10, i, 20, i % 3) for i in range(n)))
    put(file, groups(0, "SEQEND", 0, "LWPOLYLINE", 8, "0", 90, n))
    put_all(file, (groups(10, i, 20, i % 3) for i in range(n)))
    put(file, text(0, 0, "t") + TAIL)


@case("dxf-images", 100_000)
def images(file, n):
    """references to files: images and outside drawings"""
    put(file, header() + section("BLOCKS"))
    put_all(file, (groups(0, "BLOCK", 8, "0", 2, f"X{i}", 70, 4, 1, f"c:\\plans\\x{i}.dwg", 0, "ENDBLK")
                   for i in range(n)))
    put(file, ENDSEC + section("OBJECTS"))
    put_all(file, (groups(0, "IMAGEDEF", 5, f"{i + 256:X}", 1, f"c:\\pictures\\{i}.png") for i in range(n)))
    put(file, TAIL)
