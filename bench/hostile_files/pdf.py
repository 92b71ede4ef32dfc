"""Hostile PDF files. Objects are numbered in the order they are written; `n` is the size of a case."""
import array
import itertools
import zlib

from bench.hostile_files import collect

CASES = []
case = collect(CASES, ".pdf")

FONT = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
FANOUT = 100  # kids of a node of a balanced page tree


class Pdf:
    """Writes objects one after the other and the table of where they stand at the end."""

    def __init__(self, file):
        self.file = file
        self.at = 0
        self.offsets = array.array("Q")
        self.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def write(self, data):
        self.file.write(data)
        self.at += len(data)

    def next(self):
        """The number the next object will have."""
        return len(self.offsets) + 1

    def add(self, body):
        self.offsets.append(self.at)
        self.write(b"%d 0 obj\n%s\nendobj\n" % (len(self.offsets), body.encode("latin-1")))
        return len(self.offsets)

    def stream(self, data, packed=False):
        how = b""
        if packed:
            data, how = zlib.compress(data, 1), b"/Filter/FlateDecode"
        self.offsets.append(self.at)
        self.write(b"%d 0 obj\n<</Length %d%s>>stream\n%s\nendstream\nendobj\n"
                   % (len(self.offsets), len(data), how, data))
        return len(self.offsets)

    def finish(self, root):
        start = self.at
        self.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(self.offsets) + 1))
        for first in range(0, len(self.offsets), 10000):
            self.write(b"".join(b"%010d 00000 n \n" % at for at in self.offsets[first:first + 10000]))
        self.write(b"trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n"
                   % (len(self.offsets) + 1, root, start))


def refs(numbers):
    return " ".join(f"{number} 0 R" for number in numbers)


def page(parent, content, font, more="", box="0 0 595 842"):
    return (f"<</Type/Page/Parent {parent} 0 R/MediaBox[{box}]/Contents {content} 0 R"
            f"/Resources<</Font<</F {font} 0 R>>>>{more}>>")


def one_page(pdf, content=b"BT /F 12 Tf 50 700 Td (one page) Tj ET", more="", box="0 0 595 842", packed=False):
    """A document of one page; returns the number of its Pages node, the catalog is left to the caller."""
    font = pdf.add(FONT)
    body = pdf.stream(content, packed)
    pages = pdf.next()
    pdf.add(f"<</Type/Pages/Count 1/Kids[{pages + 1} 0 R]>>")
    pdf.add(page(pages, body, font, more, box))
    return pages


def many_pages(pdf, n, content_of, box):
    """A balanced tree of n pages whose content content_of(i) gives."""
    font = pdf.add(FONT)
    nodes = [number - number % FANOUT for number in range(0, n, FANOUT)]
    # a group is FANOUT times content and page, then its node; the root stands behind all
    size = 2 * FANOUT + 1
    root = font + sum(2 * min(FANOUT, n - first) + 1 for first in nodes) + 1
    for index, first in enumerate(nodes):
        count = min(FANOUT, n - first)
        node = font + index * size + 2 * count + 1
        kids = []
        for i in range(first, first + count):
            body = pdf.stream(content_of(i), True)
            kids.append(pdf.add(page(node, body, font, box=box)))
        pdf.add(f"<</Type/Pages/Parent {root} 0 R/Count {count}/Kids[{refs(kids)}]>>")
    last = font + (len(nodes) - 1) * size + 2 * (n - nodes[-1]) + 1
    numbers = [font + (i + 1) * size for i in range(len(nodes) - 1)] + [last]
    pdf.add(f"<</Type/Pages/Count {n}/Kids[{refs(numbers)}]>>")
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {root} 0 R>>"))


@case("pdf-pages", 10_000)
def text_pages(file, n):
    """pages of text"""
    def content(i):
        lines = "".join(f"(Page {i + 1}, line {line}: the quick brown fox jumps over the lazy dog) Tj T* "
                        for line in range(40))
        return f"BT /F 10 Tf 14 TL 50 780 Td {lines} ET".encode()
    many_pages(Pdf(file), n, content, "0 0 595 842")


@case("pdf-drawings", 10_000)
def drawing_pages(file, n):
    """pages of lines, dimensions and a title block"""
    words = ("Drawing No. D-%d", "Scale 1:2", "Material S235JR", "Title Bracket", "Sheet %d", "Date 2024-01-02")

    def content(i):
        lines = "".join(f"{20 + k % 100 * 11} {20 + k // 100 * 90} m {30 + k % 100 * 11} {90 + k // 100 * 90} l S "
                        for k in range(700))
        block = "".join(f"BT /F 8 Tf 900 {30 + 14 * row} Td ({word % i if '%' in word else word}) Tj ET "
                        for row, word in enumerate(words))
        sizes = "".join(f"BT /F 8 Tf {40 + k * 40} {300 + k * 10} Td ({k * 7.5 + i % 10:g}) Tj ET "
                        for k in range(20))
        return f"{lines}890 20 280 100 re S {block}{sizes}".encode()
    many_pages(Pdf(file), n, content, "0 0 1190 842")


@case("pdf-outline", 1_000_000)
def outline(file, n):
    """bookmarks in one list"""
    pdf = Pdf(file)
    pages = one_page(pdf)
    root = pdf.next()
    pdf.add(f"<</Type/Outlines/First {root + 1} 0 R/Last {root + n} 0 R/Count {n}>>")
    for i in range(1, n + 1):
        after = f"/Next {root + i + 1} 0 R" if i < n else ""
        before = f"/Prev {root + i - 1} 0 R" if i > 1 else ""
        pdf.add(f"<</Title(Bookmark {i})/Parent {root} 0 R{after}{before}/Dest[{pages + 1} 0 R/Fit]>>")
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {pages} 0 R/Outlines {root} 0 R>>"))


@case("pdf-outline-deep", 100_000)
def outline_deep(file, n):
    """bookmarks each within the one before"""
    pdf = Pdf(file)
    pages = one_page(pdf)
    root = pdf.next()
    pdf.add(f"<</Type/Outlines/First {root + 1} 0 R/Last {root + 1} 0 R/Count 1>>")
    for i in range(1, n + 1):
        inner = f"/First {root + i + 1} 0 R/Last {root + i + 1} 0 R/Count 1" if i < n else ""
        pdf.add(f"<</Title(Level {i})/Parent {root + i - 1} 0 R{inner}/Dest[{pages + 1} 0 R/Fit]>>")
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {pages} 0 R/Outlines {root} 0 R>>"))


@case("pdf-outline-loop", 1000)
def outline_loop(file, n):
    """bookmarks whose last is followed by the first and contains the root"""
    pdf = Pdf(file)
    pages = one_page(pdf)
    root = pdf.next()
    pdf.add(f"<</Type/Outlines/First {root + 1} 0 R/Last {root + n} 0 R/Count {n}>>")
    for i in range(1, n + 1):
        after = root + i + 1 if i < n else root + 1
        inner = f"/First {root} 0 R/Last {root} 0 R" if i == n else ""
        pdf.add(f"<</Title(Bookmark {i})/Parent {root} 0 R/Next {after} 0 R{inner}/Dest[{pages + 1} 0 R/Fit]>>")
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {pages} 0 R/Outlines {root} 0 R>>"))


@case("pdf-annotations", 1_000_000)
def annotations(file, n):
    """comments on one page"""
    pdf = Pdf(file)
    pages = one_page(pdf, more=f"/Annots {5} 0 R")
    kids = pdf.next()
    assert kids == 5
    pdf.add(f"[{refs(range(kids + 1, kids + n + 1))}]")
    for i in range(n):
        x, y = i % 550, i // 550 % 800
        pdf.add(f"<</Type/Annot/Subtype/Text/Rect[{x} {y} {x + 20} {y + 20}]/Contents(Comment {i})/T(Ann)>>")
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {pages} 0 R>>"))


@case("pdf-links", 1_000_000)
def links(file, n):
    """links on one page"""
    pdf = Pdf(file)
    pages = one_page(pdf, more=f"/Annots {5} 0 R")
    kids = pdf.next()
    pdf.add(f"[{refs(range(kids + 1, kids + n + 1))}]")
    for i in range(n):
        x, y = i % 550, i // 550 % 800
        pdf.add(f"<</Type/Annot/Subtype/Link/Rect[{x} {y} {x + 20} {y + 20}]"
                f"/A<</S/URI/URI(https://example.org/{i})>>>>")
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {pages} 0 R>>"))


@case("pdf-fields", 300_000)
def fields(file, n):
    """form fields on one page"""
    pdf = Pdf(file)
    pages = one_page(pdf, more=f"/Annots {5} 0 R")
    kids = pdf.next()
    pdf.add(f"[{refs(range(kids + 1, kids + n + 1))}]")
    for i in range(n):
        pdf.add(f"<</Type/Annot/Subtype/Widget/FT/Tx/T(field{i})/V(value {i})/Rect[{i % 550} 10 {i % 550 + 20} 30]>>")
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {pages} 0 R/AcroForm<</Fields {kids} 0 R>>>>"))


def chain(pdf, n, node, leaf):
    """n nodes each with the next as its only kid, then a leaf; returns the number of the first."""
    first = pdf.next()
    for i in range(n):
        pdf.add(f"<<{node}/Kids[{first + i + 1} 0 R]>>")
    pdf.add(leaf)
    return first


@case("pdf-name-trees", 100_000)
def name_trees(file, n):
    """trees of names, destinations and page labels as deep as they are long, and one that is a loop"""
    pdf = Pdf(file)
    pages = one_page(pdf)
    spec = pdf.add("<</Type/Filespec/F(a.txt)/Desc(deep)>>")
    files = chain(pdf, n, "/Limits[(a)(z)]", f"<</Limits[(a)(z)]/Names[(a){spec} 0 R]>>")
    dests = chain(pdf, n, "/Limits[(a)(z)]", f"<</Limits[(a)(z)]/Names[(d)[{pages + 1} 0 R/Fit]]>>")
    labels = chain(pdf, n, "/Limits[0 9]", "<</Limits[0 9]/Nums[0<</S/D>>]>>")
    loop = pdf.next()
    pdf.add(f"<</Kids[{loop} 0 R {loop} 0 R {loop} 0 R]>>")
    outlines = pdf.next()
    pdf.add(f"<</Type/Outlines/First {outlines + 1} 0 R/Last {outlines + 1} 0 R>>")
    pdf.add(f"<</Title(to a name)/Parent {outlines} 0 R/Dest(d)>>")
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {pages} 0 R/Outlines {outlines} 0 R/PageLabels {labels} 0 R"
                       f"/Names<</EmbeddedFiles {files} 0 R/Dests {dests} 0 R/JavaScript {loop} 0 R>>>>"))


@case("pdf-name-tree-wide", 20)
def name_tree_wide(file, n):
    """name trees whose nodes all have the next one as kid twice: 2 to the n paths"""
    pdf = Pdf(file)
    pages = one_page(pdf)
    spec = pdf.add("<</Type/Filespec/F(a.txt)>>")
    roots = []
    for leaf in (f"<</Names[(a){spec} 0 R]>>", f"<</Names[(d)[{pages + 1} 0 R/Fit]]>>", "<</Nums[0<</S/D>>]>>"):
        roots.append(pdf.next())
        for _ in range(n):
            pdf.add(f"<</Limits[(a)(z)]/Kids[{pdf.next() + 1} 0 R {pdf.next() + 1} 0 R]>>")
        pdf.add(leaf)
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {pages} 0 R/PageLabels {roots[2]} 0 R"
                       f"/Names<</EmbeddedFiles {roots[0]} 0 R/Dests {roots[1]} 0 R>>>>"))


@case("pdf-page-tree-deep", 100_000)
def page_tree_deep(file, n):
    """a page below as many nodes"""
    pdf = Pdf(file)
    font = pdf.add(FONT)
    body = pdf.stream(b"BT /F 12 Tf 50 700 Td (far below) Tj ET")
    first = pdf.next()
    for i in range(n):
        parent = f"/Parent {first + i - 1} 0 R" if i else ""
        pdf.add(f"<</Type/Pages/Count 1{parent}/Kids[{first + i + 1} 0 R]>>")
    pdf.add(page(first + n - 1, body, font))
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {first} 0 R>>"))


@case("pdf-one-point", 50_000)
def one_point(file, n):
    """texts on one point of a drawing page"""
    content = "10 10 m 500 500 l S " * 200 + "".join(f"BT /F 8 Tf 300 300 Td ({i % 977}.5) Tj ET\n" for i in range(n))
    pdf = Pdf(file)
    pages = one_page(pdf, content.encode(), box="0 0 1190 842", packed=True)
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {pages} 0 R>>"))


@case("pdf-letters", 200_000)
def letters(file, n):
    """single letters all over a drawing page, each its own text at its own angle"""
    steps = itertools.islice(itertools.cycle((1, 0.9, 0.7, 0.2, -0.4)), n)
    content = "10 10 m 500 500 l S " * 200 + "".join(
        f"BT /F 4 Tf {c} {1 - abs(c):.1f} {abs(c) - 1:.1f} {c} {i % 1100 + 20} {i // 1100 * 4 % 800 + 10} Tm "
        f"({chr(65 + i % 26)}) Tj ET\n" for i, c in enumerate(steps))
    pdf = Pdf(file)
    pages = one_page(pdf, content.encode(), box="0 0 1190 842", packed=True)
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {pages} 0 R>>"))


@case("pdf-grid", 40_000)
def grid(file, n):
    """cells of a ruled table on one page, under the words of a parts list"""
    rows = max(n // 4, 1)
    step = 800 / rows
    lines = "".join(f"20 {20 + r * step:.3f} m 1100 {20 + r * step:.3f} l S " for r in range(rows + 1))
    cells = "".join(f"BT /F {step:.3f} Tf {25 + c * 250} {21 + r * step:.3f} Td ({text}) Tj ET\n"
                    for r in range(rows) for c, text in enumerate(
                        ("Item", "Qty", "Part No", "Material") if r == rows - 1 else (r, 1, f"P-{r}", "S235JR")))
    pdf = Pdf(file)
    pages = one_page(pdf, (lines + cells).encode(), box="0 0 1190 842", packed=True)
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {pages} 0 R>>"))


@case("pdf-paths", 3_000_000)
def paths(file, n):
    """lines on one page"""
    content = b"".join(b"%d %d m %d %d l S\n" % (i % 1100, i % 800, i % 997, i % 787) for i in range(n))
    pdf = Pdf(file)
    pages = one_page(pdf, content, box="0 0 1190 842", packed=True)
    pdf.finish(pdf.add(f"<</Type/Catalog/Pages {pages} 0 R>>"))
