"""IFC models that are none, half of one, or made to keep a reader busy: each ends within its budget and says why."""
import io
import struct
import zipfile
import zlib

import pytest

from tests.harness.models import notes, only, parameters, reader
from tests.harness.samples import models_ifc as ifc

MEMORY = 512 << 20


@pytest.fixture
def extract(tmp_path):
    run = reader(tmp_path, "model.ifc")

    def checked(data, name="model.ifc"):
        record = run(data, name)
        assert record.get("peak_memory_bytes", 0) < MEMORY, record["peak_memory_bytes"]
        if record["status"] == "failed":
            assert record["error"]["class"] and record["error"]["message"], record
        return record
    return checked


def model(*rows, schema="IFC4"):
    """A file of these records, as they are written: '#1=IFCWALL(...)'."""
    return ("ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\n"
            f"FILE_NAME('','',(''),(''),'','','');\nFILE_SCHEMA(('{schema}'));\nENDSEC;\nDATA;\n"
            + "".join(f"{row};\n" for row in rows) + "ENDSEC;\nEND-ISO-10303-21;\n").encode("ascii")


def wall(number, name="w"):
    return f"#{number}=IFCWALL('g{number}',$,'{name}',$,$,$,$,$,$)"


def single(number, name="p", value="IFCLABEL('v')"):
    return f"#{number}=IFCPROPERTYSINGLEVALUE('{name}',$,{value},$)"


def pset(number, properties, name="S"):
    return f"#{number}=IFCPROPERTYSET('s{number}',$,'{name}',$,({properties}))"


def defines(number, objects, definition):
    return f"#{number}=IFCRELDEFINESBYPROPERTIES('r{number}',$,$,$,({objects}),#{definition})"


def numbers(first, n):
    return ",".join(f"#{number}" for number in range(first, first + n))


# ---------------------------------------------------------------- what is none, or half of one


def test_xml_is_recognised_and_not_read(extract):
    data = (b'<?xml version="1.0"?>\n<ifcXML xmlns="http://www.buildingsmart-tech.org/ifcXML/IFC4/final">'
            b"<IfcProject/></ifcXML>\n")
    for name, content in (("model.ifcxml", data), ("model.ifc", b"\xef\xbb\xbf" + data),
                          ("model.ifczip", ifc.zipped(data, "model.ifcxml"))):
        error = extract(content, name)["error"]
        assert error["class"] == "unsupported" and "ifcXML" in error["message"] and "hint: save" in error["message"]


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_half_a_model_is_kept(extract, keep):
    data = ifc.house().ifc.bytes()
    record = extract(data[:int(len(data) * keep)])
    assert record["status"] == "completed" and record["partial"]
    assert "p21.end.missing" in notes(record)
    if keep > 0.3:
        assert record["cad"]["spatial"] and record["cad"]["products"]


def test_noise(extract):
    assert extract(bytes(range(256)) * 4000)["error"]["class"] == "invalid_input"


# ---------------------------------------------------------------- archives


def archive(*members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as packed:
        for name, data in members:
            packed.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, method)
    return out.getvalue()


def zip64(name, data):
    """An archive whose directory keeps all numbers in its 64-bit fields."""
    packed = zlib.compress(data)[2:-4]
    crc, ones = zlib.crc32(data), 0xFFFFFFFF
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 45, 0, 8, 0, 0, crc, len(packed), len(data), len(name), 0) + name + packed
    extra = struct.pack("<2H3Q", 1, 24, len(data), len(packed), 0)
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 45, 45, 0, 8, 0, 0, crc, ones, ones, len(name), len(extra), 0, 0, 0, 0,
                        ones) + name + extra
    end64 = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(entry), len(local))
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(local) + len(entry), 1)
    return local + entry + end64 + locator + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, ones, ones, 0)


def encrypted(data):
    packed = bytearray(archive(("model.ifc", data)))
    for sign, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        packed[packed.index(sign) + at] |= 1
    return bytes(packed)


def test_archives_that_hold_a_model(extract):
    house = ifc.house().ifc.bytes()
    plain = extract(house)
    for why, data in (("stored", archive(("a/house.ifc", house), method=zipfile.ZIP_STORED)),
                      ("a path outside", archive(("../../etc/passwd.ifc", house))),
                      ("among others", archive(("readme.txt", b"x"), ("__MACOSX/._house.ifc", b"x"), ("house.IFC", house))),
                      ("64 bits", zip64(b"house.ifc", house))):
        record = extract(data, "house.ifczip")
        assert record["status"] == "completed" and record["cad"] == plain["cad"], why
        assert not record.get("partial"), why


def test_two_models_in_an_archive(extract):
    house = ifc.house().ifc.bytes()
    record = extract(archive(("a.ifc", house), ("b.ifc", house)), "two.ifczip")
    assert record["partial"] and "p21.archive.more" in notes(record)
    assert record["metadata"]["archive_member"] == "a.ifc"


@pytest.mark.parametrize("why, make, expected", [
    ("a bomb", lambda house: archive(("m.ifc", house + b" " * (300 << 20))), "invalid_input"),
    ("a password", encrypted, "permission"),
    ("no model", lambda house: archive(("readme.txt", house)), "invalid_input"),
    ("an archive in an archive", lambda house: archive(("m.ifczip", archive(("m.ifc", house)))), "invalid_input"),
    ("another method", lambda house: archive(("m.ifc", house), method=zipfile.ZIP_LZMA), "unsupported"),
    ("a model that is an archive", lambda house: archive(("m.ifc", archive(("m.ifc", house)))), "invalid_input"),
    ("64 bits that lead nowhere", lambda house: zip64(b"m.ifc", house).replace(struct.pack("<Q", 0), b"\xfe" * 8),
     "invalid_input"),
])
def test_archives_that_do_not(extract, why, make, expected):
    record = extract(make(ifc.house().ifc.bytes()), "model.ifczip")
    assert record["status"] == "failed" and record["error"]["class"] == expected, (why, record)


def test_a_cut_archive_is_read_as_far_as_it_goes(extract):
    data = archive(("house.ifc", ifc.house().ifc.bytes()))
    record = extract(data[:len(data) * 2 // 3], "house.ifczip")
    assert record["status"] == "completed" and record["partial"] and "p21.archive.damaged" in notes(record)
    assert record["cad"]["spatial"]


# ---------------------------------------------------------------- shapes that a model must not have


def aggregates(number, parent, *children):
    return f"#{number}=IFCRELAGGREGATES('a{number}',$,$,$,#{parent},({','.join(f'#{child}' for child in children)}))"


def test_rings_of_wholes(extract):
    record = extract(model(wall(1, "a"), wall(2, "b"), wall(3, "alone"), aggregates(4, 1, 2), aggregates(5, 2, 1),
                           aggregates(6, 3, 3)))
    assert len(record["cad"]["products"]) == 3
    assert [row.get("cycle", False) for row in record["cad"]["assemblies"]] == [True, True, True]
    assert "ifc.parts.deep" in notes(record)


def test_a_part_of_two_wholes(extract):
    """A diamond: both relations are listed, and the part is counted once."""
    record = extract(model(*(wall(n, f"w{n}") for n in (1, 2, 3, 4)), aggregates(5, 1, 2, 3), aggregates(6, 2, 4),
                           aggregates(7, 3, 4)))
    assert len(record["cad"]["assemblies"]) == 4
    assert sum(int(row["quantity"]) for row in record["bom"]) == 4


def test_a_hundred_levels_of_wholes(extract):
    record = extract(model("#900=IFCBUILDINGSTOREY('st',$,'Floor',$,$,$,$,$,$,0.)", *(wall(n) for n in range(1, 101)),
                           *(aggregates(200 + n, n, n + 1) for n in range(1, 100)),
                           "#901=IFCRELCONTAINEDINSPATIALSTRUCTURE('c',$,$,$,(#1),#900)"))
    assert "ifc.parts.deep" in notes(record)
    assert sum("container" in product for product in record["cad"]["products"]) == 64


def test_two_of_what_there_is_one_of(extract):
    def given(*relations):
        return extract(model(wall(1), "#2=IFCMATERIAL('A',$,$)", "#3=IFCMATERIAL('B',$,$)", *relations))
    record = given("#4=IFCRELASSOCIATESMATERIAL('m',$,$,$,(#1),#2)", "#5=IFCRELASSOCIATESMATERIAL('m',$,$,$,(#1),#3)")
    assert only(record["materials"], source="occurrence")["name"] == "A" and "ifc.relation.twice" in notes(record)
    record = given("#4=IFCRELASSOCIATESMATERIAL('m',$,$,$,(#1),#2)", "#5=IFCRELASSOCIATESMATERIAL('m',$,$,$,(#1),#2)")
    assert "ifc.relation.twice" not in notes(record), "the same twice is no contradiction"


def test_sets_that_contain_themselves(extract):
    record = extract(model(wall(1), pset(2, "#2,#3,#4"), "#3=IFCCOMPLEXPROPERTY('c',$,'u',(#3,#4))", single(4), defines(5, "#1", 2),
                           defines(6, "#1,#5", 5)))
    assert record["partial"] and "ifc.property.deep" in notes(record)
    assert ("S", "p") in parameters(record)


def test_references_that_lead_nowhere(extract):
    record = extract(model(wall(1), pset(2, "#90,#3,#91"), single(3), defines(4, "#1,#92", 2), defines(5, "#1", 93),
                           "#6=IFCRELASSOCIATESMATERIAL('m',$,$,$,(#1),#94)",
                           "#7=IFCRELASSOCIATESMATERIAL('m',$,$,$,(#1),#8)", "#8=IFCMATERIALLAYERSETUSAGE(#95,$,$,$,$)",
                           "#9=IFCRELCONTAINEDINSPATIALSTRUCTURE('c',$,$,$,(#1),#96)"))
    assert record["cad"]["unresolved_references"] >= 6 and "ifc.reference.dangling" in notes(record)
    assert ("S", "p") in parameters(record)


def test_too_few_and_too_many_attributes(extract):
    """What is there is read: nothing is invented."""
    whole = ifc.house().ifc
    for records in ([record.split(",")[0] + ")" for record in whole.records], [record[:-1] + ",7,'x',(1))" for record in whole.records],
                    [record.split("(")[0] + "()" for record in whole.records]):
        whole_records, whole.records = whole.records, [r if r.count("(") == r.count(")") else r.split("(")[0] + "($)" for r in records]
        record = extract(whole.bytes())
        whole.records = whole_records
        assert record["status"] == "completed" and record["metadata"]["walls"] == "2"


def test_absurd_numbers_and_lists(extract):
    many = ",".join(["IFCREAL(1.)"] * 5000)
    record = extract(model(wall(1), pset(2, "#3,#4,#5,#6"), single(3, "huge", "IFCREAL(1.E999)"),
                           single(4, "long", "IFCINTEGER(" + "9" * 400 + ")"), f"#5=IFCPROPERTYLISTVALUE('list',$,({many}),$)",
                           single(6, "text", "IFCTEXT('" + "x" * (4 << 20) + "')"), defines(7, "#1", 2)))
    found = parameters(record)
    assert found[("S", "list")][0].count(";") == 999 and "ifc.value.cut" in notes(record)
    assert len(found[("S", "text")][0]) < 4 << 20 and "record.capped" in notes(record) and record["partial"]


# ---------------------------------------------------------------- what grows faster than the file


def deep(levels):
    """Lists within lists, as deep as a file can hold them."""
    return model(wall(1), f"#2=IFCPROPERTYSET('x',$,'deep',$,{'(' * levels}{')' * levels})", defines(3, "#1", 2))


def chain(levels):
    """A property in a property in a property …"""
    return model(wall(1), *(f"#{n}=IFCCOMPLEXPROPERTY('p',$,'u',(#{n + 1}))" for n in range(10, 10 + levels)),
                 pset(2, "#10"), defines(3, "#1", 2))


def shared(objects, properties):
    """One set with many properties that many walls share."""
    first = objects + 1
    return model(*(wall(n) for n in range(1, first)),
                 *(single(first + n, f"p{n}", f"IFCINTEGER({n})") for n in range(properties)),
                 pset(first + properties, numbers(first, properties)), defines(first + properties + 1, numbers(1, objects), first + properties))


def related(relations):
    """Everything is about one wall."""
    return model(wall(1), single(2), pset(3, "#2"), *(defines(10 + n, "#1", 3) for n in range(relations)))


def about_nothing(relations, properties):
    """A long set that many relations give to nobody."""
    return model(wall(1), *(single(10 + n) for n in range(properties)), pset(2, numbers(10, properties)),
                 *(defines(10 + properties + n, "", 2) for n in range(relations)))


def about_nobody(relations, properties):
    """A long set of properties that are not there."""
    return model(wall(1), pset(2, numbers(10**8, properties)), *(defines(10 + n, "#1", 2) for n in range(relations)))


def multiplied_units():
    """Units of sixteen units of sixteen units, and values in them."""
    units = [f"#{level * 100 + n}=IFCDERIVEDUNIT(({numbers(level * 100 + 150, 16)}),.USERDEFINED.,$)" for level in range(1, 5)
             for n in range(16)]
    elements = [f"#{level * 100 + 50 + n}=IFCDERIVEDUNITELEMENT(#{level * 100 + n},1)" for level in range(1, 6) for n in range(16)]
    values = [f"#{1000 + n}=IFCPROPERTYSINGLEVALUE('p{n}',$,IFCREAL(1.),#{100 + n % 16})" for n in range(20_000)]
    return model(wall(1), *units, *elements, *values, pset(2, numbers(1000, 20_000)), defines(3, "#1", 2))


def reflected(objects, properties):
    """Walls that all reflect one with a long set, which they have themselves as well."""
    first = 10 + properties
    return model(wall(1), single(3), *(single(10 + n) for n in range(properties)), pset(2, numbers(10, properties)), defines(4, "#1", 2),
                 pset(5, "#3"), *(wall(first + n) for n in range(objects)), defines(6, numbers(first, objects), 5),
                 f"#7=IFCRELDEFINESBYOBJECT('o',$,$,$,({numbers(first, objects)}),#1)")


def layered(relations, layers):
    return model(wall(1), "#2=IFCMATERIAL('m',$,$)", f"#3=IFCMATERIALLIST(({','.join(['#2'] * layers)}))",
                 *(f"#{10 + n}=IFCRELASSOCIATESMATERIAL('m',$,$,$,(#1),#3)" for n in range(relations)))


HOSTILE = {
    "a million lists": (lambda: deep(1_000_000), None),
    "a property in another a million times": (lambda: chain(1_000_000), "ifc.property.deep"),
    "twenty thousand walls share two thousand properties": (lambda: shared(20_000, 2_000), "ifc.properties.merged"),
    "two hundred thousand walls share a set": (lambda: shared(200_000, 1), "ifc.properties.merged"),
    "two hundred thousand relations to one wall": (lambda: related(200_000), "ifc.properties.merged"),
    "relations to nothing": (lambda: about_nothing(50_000, 50_000), None),
    "properties that are not there": (lambda: about_nobody(10_000, 50_000), "ifc.properties.capped"),
    "units that multiply": (multiplied_units, None),
    "ten thousand walls reflect fifty thousand properties": (lambda: reflected(10_000, 50_000), "ifc.properties.capped"),
    "a million layers": (lambda: layered(10, 1_000_000), "ifc.materials.capped"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_models_end_and_say_why(extract, name):
    make, note = HOSTILE[name]
    record = extract(make())
    print(f"{name}: {record['status']}, {record.get('duration_ms')} ms, {record['peak_memory_bytes'] >> 20} MiB, {sorted(notes(record))}")
    assert record["status"] == "completed" and record["cad"]["products"]
    assert note is None or (note in notes(record) and record["partial"])


def test_merged_properties_are_counted(extract):
    record = extract(shared(20_000, 2_000))
    assert len(record["parameters"]) == 2_000
    assert {row["owners"] for row in record["parameters"]} == {20_000}
    assert record["partial"]


def test_one_wall_in_a_thousand_relations(extract):
    record = extract(related(1_000))
    assert len(record["parameters"]) == 1_000 and only(record["cad"]["products"], name="w")
