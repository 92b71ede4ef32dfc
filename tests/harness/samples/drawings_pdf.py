"""The PDF samples: drawings with title blocks, dimensions and parts lists, and a document of many parts."""
from tests.harness.samples.pdf import Pdf, document


class Sheet:
    """The content stream of a page; x and y in points from the lower left corner."""

    def __init__(self, width, height):
        self.box = f"0 0 {width} {height}"
        self.content = [b"0.7 w"]

    def line(self, x0, y0, x1, y1):
        self.content.append(b"%g %g m %g %g l S" % (x0, y0, x1, y1))

    def rect(self, x, y, width, height):
        self.content.append(b"%g %g %g %g re S" % (x, y, width, height))

    def circle(self, x, y, r):
        k = 0.5523 * r
        self.content.append(b"%g %g m %g %g %g %g %g %g c %g %g %g %g %g %g c %g %g %g %g %g %g c %g %g %g %g %g %g c S" % (
            x + r, y, x + r, y + k, x + k, y + r, x, y + r, x - k, y + r, x - r, y + k, x - r, y,
            x - r, y - k, x - k, y - r, x, y - r, x + k, y - r, x + r, y - k, x + r, y))

    def text(self, x, y, value, size=8, up=False):
        data = value.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        turn = b"0 1 -1 0" if up else b"1 0 0 1"
        self.content.append(b"BT /F1 %g Tf %s %g %g Tm (%s) Tj ET" % (size, turn, x, y, data))

    def dimension(self, x0, y0, x1, y1, value, size=8):
        """A dimension line with its text in the middle, horizontal or vertical."""
        self.line(x0, y0, x1, y1)
        width = 0.5 * size * len(value)
        if abs(y1 - y0) < 0.01:
            self.line(x0, y0 - 5, x0, y0 + 20)
            self.line(x1, y0 - 5, x1, y0 + 20)
            self.text((x0 + x1 - width) / 2, y0 + 2, value, size)
        else:
            self.line(x0 - 5, y0, x0 + 20, y0)
            self.line(x0 - 5, y1, x0 + 20, y1)
            self.text(x0 - 2, (y0 + y1 - width) / 2, value, size, up=True)

    def table(self, x, y, widths, height, rows):
        """Ruled cells; rows from the top down, the table's upper left corner is x, y."""
        total = sum(widths)
        for n in range(len(rows) + 1):
            self.line(x, y - n * height, x + total, y - n * height)
        at = x
        for width in [*widths, 0]:
            self.line(at, y, at, y - len(rows) * height)
            at += width
        for n, row in enumerate(rows):
            at = x
            for width, cell in zip(widths, row):
                if cell:
                    self.text(at + 3, y - (n + 1) * height + 4, cell, 7)
                at += width

    def cell(self, x, y, width, height, label, value, size=9):
        """A cell of a title block: a small label above the value."""
        self.rect(x, y, width, height)
        self.text(x + 2, y + height - 7, label, 5)
        if value:
            self.text(x + 4, y + 5, value, size)

    def bytes(self):
        return document([b"\n".join(self.content)], box=self.box)


def gearbox():
    """A3, German: a parts list that grows upward from the title block, a revision table in the upper right corner."""
    sheet = Sheet(1191, 842)
    sheet.rect(28, 28, 1135, 786)
    sheet.circle(400, 420, 150)
    sheet.rect(300, 320, 200, 200)
    for n, (x, y) in enumerate(((250, 620), (420, 640), (560, 560), (600, 300)), 1):
        sheet.circle(x, y, 11)
        sheet.text(x - 2.5, y - 3, str(n))
        sheet.line(x, y - 11, 400, 420)
    sheet.cell(763, 28, 240, 30, "Zeichnungs-Nr.", "G7-1000-00")
    sheet.cell(1003, 28, 80, 30, "Blatt", "1 von 2")
    sheet.cell(1083, 28, 80, 30, "Index", "C")
    sheet.cell(763, 58, 240, 30, "Benennung", "Getriebe G7")
    sheet.cell(1003, 58, 80, 30, "Maßstab", "1:2")
    sheet.cell(1083, 58, 80, 30, "Gewicht", "14,8 kg")
    sheet.cell(763, 88, 100, 25, "Gez.", "A. Müller")
    sheet.cell(863, 88, 140, 25, "Datum", "31.01.2026")
    sheet.cell(1003, 88, 160, 25, "Firma", "Muster Antriebe GmbH")
    sheet.table(763, 185, [40, 45, 90, 145, 80], 14, [
        ["4", "6", "DIN 912 M8x20", "Zylinderschraube", "8.8"],
        ["3", "1", "G7-1003-00", "Welle", "42CrMo4"],
        ["2", "2", "6204-2RS", "Rillenkugellager", ""],
        ["1", "1", "G7-1001-00", "Gehäuse", "EN-GJL-250"],
        ["Pos.", "Menge", "Sachnummer", "Benennung", "Werkstoff"]])
    sheet.table(943, 814, [30, 110, 50, 30], 14, [
        ["Rev", "Änderung", "Datum", "Name"],
        ["A", "Erstausgabe", "10.11.2025", "Mü"],
        ["B", "Bohrung 9 statt 8", "02.12.2025", "Mü"],
        ["C", "Werkstoff Pos. 3", "31.01.2026", "No"]])
    return sheet.bytes()


def shaft():
    """A4 across, English: dimensions with tolerances, fits, threads and a tolerance frame, some of them upright."""
    sheet = Sheet(842, 595)
    sheet.rect(20, 20, 802, 555)
    sheet.rect(150, 330, 400, 80)
    sheet.rect(550, 345, 100, 50)
    sheet.dimension(150, 290, 550, 290, "120.5 ±0.1")
    sheet.dimension(150, 260, 650, 260, "150")
    sheet.dimension(110, 330, 110, 410, "Ø25 h6")
    sheet.dimension(700, 345, 700, 395, "Ø16 +0.05/-0.02")
    sheet.text(570, 430, "M16x1.5-6g")
    sheet.text(240, 440, "4x Ø5.5 THRU")
    sheet.text(160, 430, "2x45°")
    sheet.text(480, 440, "R2.5")
    sheet.text(330, 312, "(75)")
    sheet.line(300, 308, 400, 308)
    sheet.text(60, 180, "NOTES:", 8)
    sheet.text(60, 168, "1. REMOVE ALL BURRS AND SHARP EDGES", 8)
    sheet.text(60, 156, "2. HEAT TREAT TO 28-32 HRC", 8)
    sheet.text(60, 144, "3. UNLESS OTHERWISE SPECIFIED TOLERANCES ISO 2768-mK", 8)
    sheet.cell(502, 20, 200, 24, "DWG NO", "SH-310")
    sheet.cell(702, 20, 60, 24, "REV", "2")
    sheet.cell(762, 20, 60, 24, "SHEET", "1/1")
    sheet.cell(502, 44, 200, 24, "TITLE", "INPUT SHAFT")
    sheet.cell(702, 44, 60, 24, "SCALE", "1:1")
    sheet.cell(762, 44, 60, 24, "SIZE", "A4")
    sheet.cell(502, 68, 110, 24, "MATERIAL", "42CrMo4")
    sheet.cell(612, 68, 90, 24, "FINISH", "Phosphated")
    sheet.cell(702, 68, 120, 24, "DRAWN BY", "J. Novak")
    return sheet.bytes()


def structure():
    """A document with everything beside its text: bookmarks, links, comments, a form, an attachment, layers, labels."""
    pdf = Pdf("1.7")
    layer_on = pdf.add(b"<< /Type /OCG /Name (Dimensions) >>")
    layer_off = pdf.add(b"<< /Type /OCG /Name (Construction lines) >>")
    font = pdf.add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    resources = b"<< /Font << /F1 %d 0 R >> /Properties << /L1 %d 0 R /L2 %d 0 R >> >>" % (font, layer_on, layer_off)
    tree = pdf.pages([b"BT /F1 12 Tf 72 760 Td (Cover sheet) Tj ET /OC /L1 BDC BT /F1 12 Tf 72 700 Td (Layer text) Tj ET EMC "
                      b"/OC /L2 BDC BT /F1 12 Tf 72 680 Td (Hidden text) Tj ET EMC",
                      b"BT /F1 12 Tf 72 760 Td (Data sheet) Tj ET"], resources=resources)
    kids = [int(word) for word in pdf.objects[tree - 1].split(b"[")[1].split(b"]")[0].split() if word not in (b"0", b"R")]
    link = pdf.add(b"<< /Type /Annot /Subtype /Link /Rect [72 750 200 775] /A << /S /URI /URI (https://example.com/bh-204) >> >>")
    note = pdf.add(b"<< /Type /Annot /Subtype /Text /Rect [300 750 320 770] /Contents (Check the bore) /T (A. Miller) "
                   b"/M (D:20260131081530Z) >>")
    field = pdf.add(b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (inspector) /V (J. Novak) /Rect [72 600 200 620] >>")
    first = pdf.objects[kids[0] - 1]
    pdf.objects[kids[0] - 1] = first[:-2] + b"/Annots [%d 0 R %d 0 R %d 0 R] >>" % (link, note, field)
    data = pdf.stream(b"pos;part\n1;Housing\n", b" /Type /EmbeddedFile /Subtype /text#2Fcsv /Params << /Size 19 >>")
    attached = pdf.add(b"<< /Type /Filespec /F (parts.csv) /UF (parts.csv) /Desc (Parts list) /EF << /F %d 0 R >> >>" % data)
    root = len(pdf.objects) + 1
    pdf.objects.append(None)
    outline = len(pdf.objects) + 1
    pdf.objects.append(b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count 2 >>" % (outline + 1, outline + 2))
    pdf.objects.append(b"<< /Title (Cover) /Parent %d 0 R /Next %d 0 R /Dest [%d 0 R /Fit] >>" % (outline, outline + 2, kids[0]))
    pdf.objects.append(b"<< /Title (Data) /Parent %d 0 R /Prev %d 0 R /Dest [%d 0 R /Fit] /First %d 0 R /Last %d 0 R /Count 1 >>"
                       % (outline, outline + 1, kids[1], outline + 3, outline + 3))
    pdf.objects.append(b"<< /Title (Table 1) /Parent %d 0 R /Dest [%d 0 R /Fit] >>" % (outline + 2, kids[1]))
    pdf.objects[root - 1] = (
        b"<< /Type /Catalog /Pages %d 0 R /Outlines %d 0 R /AcroForm << /Fields [%d 0 R] >> /Lang (en) "
        b"/Names << /EmbeddedFiles << /Names [(parts.csv) %d 0 R] >> >> "
        b"/OCProperties << /OCGs [%d 0 R %d 0 R] /D << /ON [%d 0 R] /OFF [%d 0 R] >> >> "
        b"/PageLabels << /Nums [0 << /S /r >> 1 << /S /D /St 1 /P (D-) >>] >> >>"
        % (tree, outline, field, attached, layer_on, layer_off, layer_on, layer_off))
    return pdf.bytes(root)


FILES = {
    "pdf/gearbox-parts-list.pdf": gearbox,
    "pdf/shaft.pdf": shaft,
    "pdf/structure.pdf": structure,
}
