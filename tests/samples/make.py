#!/usr/bin/env python3
"""Make the sample files beside this script. Plain Python, same bytes every time.

    tests/samples/make.py            write them
    tests/samples/make.py --check    exit 1 when a file differs from what this would write
"""
import pathlib
import struct
import sys
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))
sys.dont_write_bytecode = True

from tests.harness.samples import drawings_dxf, drawings_pdf, models_geometry, models_ifc, models_step  # noqa: E402
from tests.harness.samples.pdf import Pdf, document, lines  # noqa: E402


def simple():
    return document([lines("Bearing housing BH-204", "Material: EN-GJL-250", "All dimensions in mm (ISO 2768-m)")])


def metadata():
    pdf = Pdf("1.6")
    tree = pdf.pages([lines(f"Maintenance manual, page {n}", "Check the oil level before every start.") for n in (1, 2, 3)])
    xmp = pdf.stream(b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmp:CreatorTool="Quarry sample generator" xmp:CreateDate="2026-01-31T08:15:30+01:00">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Pump P-101</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>A. Miller</rdf:li><rdf:li>J. Novak</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>en</rdf:li></rdf:Bag></dc:language>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""", b" /Type /Metadata /Subtype /XML")
    pdf.info = pdf.add(b"<< /Title (Pump P-101) /Producer (Quarry sample generator) /Keywords (pump, manual) "
                       b"/Subject <FEFF00DC00620065007200730069006300680074> "
                       b"/CreationDate (D:20260131081530+01'00') /ModDate (D:20260201) /DrawingNumber (P101-00-7) >>")
    return pdf.bytes(pdf.add(b"<< /Type /Catalog /Pages %d 0 R /Metadata %d 0 R >>" % (tree, xmp)))


def drawing():
    frame = b"1 w 28 28 1135 786 re S 820 28 343 90 re S 820 73 m 1163 73 l S\n"
    part = b"0.7 w 200 300 400 200 re S 400 400 m 460 400 l S\n"
    labels = b"\n".join([lines("400", size=10, x=390, y=285), lines("200", size=10, x=610, y=395),
                         lines("TITLE: BRACKET", size=10, x=830, y=95), lines("DWG NO: BR-1001", "REV: C", "SCALE: 1:2",
                                                                             size=8, x=830, y=58)])
    return document([frame + part + labels], box="0 0 1191 842")


def rotated():
    return document([lines("This page is shown turned by 90 degrees.")], more=b" /Rotate 90")


def image_only():
    pdf = Pdf()
    pixels = bytes((x * y) % 256 for y in range(16) for x in range(16))
    image = pdf.stream(pixels, b" /Type /XObject /Subtype /Image /Width 16 /Height 16 /ColorSpace /DeviceGray "
                               b"/BitsPerComponent 8", flate=True)
    tree = pdf.pages([b"q 595 0 0 842 0 0 cm /Im1 Do Q"], resources=b"<< /XObject << /Im1 %d 0 R >> >>" % image)
    return pdf.bytes(pdf.add(b"<< /Type /Catalog /Pages %d 0 R >>" % tree))


def damaged_page():
    pdf = Pdf()
    tree = pdf.pages([lines("First page, in order."), b"x", lines("Third page, in order.")])
    broken = zlib.compress(lines("The second page breaks off", "and this line is lost.") * 40, 9)[:60]
    number = next(i for i, body in enumerate(pdf.objects, 1) if callable(body) and b"stream\nx\n" in body(i))
    pdf.objects[number - 1] = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(broken), broken)
    return pdf.bytes(pdf.add(b"<< /Type /Catalog /Pages %d 0 R >>" % tree))


def damaged_xref():
    data = document([lines("The cross-reference table of this file points nowhere.")])
    return data.replace(b"0000000", b"0000009")


def truncated():
    data = document([lines(f"Sheet {n} of 5", "Torque table, see page 5.") for n in range(1, 6)])
    return data[:int(len(data) * 0.7)]


def lost_tree():
    return simple().replace(b"/Kids [", b"/Kidz [")


def page_loop():
    pdf = Pdf()
    tree = pdf.pages([lines("One real page.")])
    pdf.objects[tree - 1] = pdf.objects[tree - 1].replace(b"/Kids [", b"/Kids [%d 0 R " % tree)
    return pdf.bytes(pdf.add(b"<< /Type /Catalog /Pages %d 0 R >>" % tree))


def deep_array():
    pdf = Pdf()
    tree = pdf.pages([lines("Arrays nested 20,000 deep stand in the catalog.")])
    return pdf.bytes(pdf.add(b"<< /Type /Catalog /Pages %d 0 R /Deep %s%s >>" % (tree, b"[" * 20000, b"]" * 20000)))


def zip_named_pdf():
    name, data = b"readme.txt", b"A ZIP archive under the name of a PDF.\n"
    crc = zlib.crc32(data)
    common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0x21, crc, len(data), len(data), len(name), 0)
    local = b"PK\x03\x04" + common + name + data
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    return local + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


NOTE = "Prüfprotokoll Nr. 17\r\nDruck: 16 bar, Temperatur: 80 °C\r\nErgebnis: dicht, ±0,5 mm\r\n"

FILES = {
    "pdf/simple.pdf": simple,
    "pdf/metadata.pdf": metadata,
    "pdf/drawing.pdf": drawing,
    "pdf/rotated.pdf": rotated,
    "pdf/image-only.pdf": image_only,
    "pdf/encrypted-open.pdf": lambda: document([lines("Encrypted, but with an empty password.")], password=""),
    "pdf/encrypted-locked.pdf": lambda: document([lines("Nobody reads this without the password.")], password="secret"),
    **drawings_pdf.FILES,
    **drawings_dxf.FILES,
    **models_ifc.FILES,
    **models_step.FILES,
    **models_geometry.FILES,
    "damaged/damaged-page.pdf": damaged_page,
    "damaged/damaged-xref.pdf": damaged_xref,
    "damaged/truncated.pdf": truncated,
    "damaged/lost-tree.pdf": lost_tree,
    "damaged/empty.pdf": lambda: b"",
    "damaged/zip-named.pdf": zip_named_pdf,
    "hostile/page-loop.pdf": page_loop,
    "hostile/deep-array.pdf": deep_array,
    "hostile/nul.txt": lambda: b"before\0after\n\0\0\nend\n",
    "text/utf8.txt": lambda: NOTE.encode("utf-8"),
    "text/utf16le-bom.txt": lambda: b"\xFF\xFE" + NOTE.encode("utf-16-le"),
    "text/utf16be.txt": lambda: NOTE.encode("utf-16-be"),
    "text/latin1.txt": lambda: NOTE.encode("latin-1"),
    "text/windows-1252.txt": lambda: "Preis: 12,50 €\r\n„Muster“ – siehe Anhang\r\n".encode("cp1252"),
    "text/parts.csv": lambda: b"pos;part;qty;material\n1;Housing;1;EN-GJL-250\n2;Shaft;1;42CrMo4\n3;Bolt M8x40;6;8.8\n",
    "text/notes.md": lambda: "# Design review\n\n- wall thickness 6 mm → 8 mm\n- new seal: FKM 70\n".encode(),
    "text/blank.txt": lambda: b" \r\n\t\r\n",
}


def main():
    check = sys.argv[1:] == ["--check"]
    different = []
    for name, make in FILES.items():
        path = HERE / name
        data = make()
        if check:
            if not path.exists() or path.read_bytes() != data:
                different.append(name)
            continue
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    for name in different:
        print(f"{name} is not what make.py makes")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
