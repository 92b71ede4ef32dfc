"""Extraction compared with what other tools say about the same files (truth.tsv of the corpus).

The corpus lies in ../shared/corpus beside the checkout, or where QUARRY_CORPUS says; without it the tests
are skipped. Run with -s to see the figures.
"""
import collections
import csv
import json
import os
import pathlib
import subprocess

import pytest

from tests.harness.quarry import BIN, ROOT

CORPUS = pathlib.Path(os.environ.get("QUARRY_CORPUS", ROOT.parent / "shared" / "corpus"))

pytestmark = pytest.mark.skipif(not (CORPUS / "truth.tsv").exists(), reason="no corpus beside the checkout")

# Files whose page count differs from that of the other tools, and why ours is right or the best there is.
PAGES_DIFFER = {
    "hostile/pdfjs-Pages-tree-refs.pdf": "the tree contains itself: one real page, the others count /Count 2",
    "hostile/pdfjs-poppler-67295-0.pdf": "/Count 9999999999 is a lie: there is one page",
    "hostile/synthetic-huge-count.pdf": "/Count 2147483647 is a lie: there is one page",
    "hostile/synthetic-pagetree-loop.pdf": "the tree contains itself: one real page, the others count /Count 2",
    "hostile/pdfjs-poppler-742-0-fuzzed.pdf": "its dictionaries are broken: MuPDF cannot read the page; no tool gets text from it",
    "hostile/pdfjs-poppler-937-0-fuzzed.pdf": "its dictionaries are broken: MuPDF cannot read the page; no tool gets text from it",
    "hostile/qpdf-fuzz-16214.pdf": "its dictionaries are broken: MuPDF cannot read the page; no tool gets text from it",
}

# Files whose text differs by more than 2 % from that of `mutool draw -F txt`, and why.
TEXT_DIFFERS = {
    "pdf/pdfjs-checkbox-bad-appearance.pdf": "a check mark without a Unicode value: we write U+FFFD, mutool nothing",
    "pdf/pdfjs-issue11922_reduced.pdf": "ten blank glyphs: the font says they are blanks, mutool writes U+FFFD",
    "pdf/pdfminer-issue-791-non-unicode-cmap.pdf": "the font itself names the characters: we write the Czech words, mutool U+FFFD",
    "pdf/pypdfsamples-habibi.pdf": "the font itself names the characters: letters and a blank where mutool writes U+FFFD",
    "pdf/tika-testPDFVarious.pdf": "mutool writes six lone surrogates as three invalid bytes each; we write U+FFFD",
}


def extract(rows, ocr):
    """Records of these rows' files, in order."""
    argv = [BIN / "quarry-worker", "--extract", "-o", "jsonl", "--set", f"ocr={ocr}", *(CORPUS / row["path"] for row in rows)]
    done = subprocess.run(argv, capture_output=True, timeout=1800, check=False)
    assert done.returncode in (0, 1), done.stderr.decode()
    records = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert [record["file"] for record in records] == [str(CORPUS / row["path"]) for row in rows]
    return records


@pytest.fixture(scope="module")
def results():
    """Pairs of truth and record for every PDF, text and hostile file; without OCR, which the other tools lack."""
    with open(CORPUS / "truth.tsv", newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t")
                if row["path"].split("/")[0] in ("pdf", "text", "hostile")]
    return list(zip(rows, extract(rows, "off")))


def nonspace(text):
    return len("".join(text.split()))


def test_every_file_ends_and_no_child_crashes(results):
    table = collections.Counter()
    for row, record in results:
        table[row["path"].split("/")[0], record["status"], record.get("error", {}).get("class", "")] += 1
        if record["status"] == "failed":
            assert len(record["error"]["message"]) > 10
        elif not (record.get("text", "").strip() or record.get("entities") or record.get("paper_entities")
                  or record.get("cad", {}).get("entity_counts")):
            assert record.get("empty_reason"), f"{row['path']}: nothing came out and nothing says why"
    for (folder, status, error_class), count in sorted(table.items()):
        print(f"{folder:8} {status:10} {error_class:14} {count:4}")
    assert sum(table.values()) == len(results)
    assert not [key for key in table if key[2] in ("crash", "timeout", "resource", "internal", "connection")]


def test_page_counts_are_those_of_the_other_tools(results):
    checked, different = 0, []
    for row, record in results:
        counts = {int(row[column]) for column in ("pdf_pages_qpdf", "pdf_pages_pdfinfo") if row[column]} - {0}
        if not counts or row["pdf_password"] or record["type"] != "pdf":
            continue
        checked += 1
        if len(record.get("pages", [])) not in counts:
            different.append(row["path"])
    print(f"page counts: {checked - len(different)} of {checked} equal")
    for path in different:
        print(f"  {path}: {PAGES_DIFFER.get(path)}")
    assert checked > 400
    assert set(different) <= set(PAGES_DIFFER)


def test_text_is_within_two_per_cent_of_mutool(results):
    checked, different = 0, []
    for row, record in results:
        if not row["pdf_mutool_nonspace"] or row["pdf_password"] or record["type"] != "pdf":
            continue
        checked += 1
        want, got = int(row["pdf_mutool_nonspace"]), nonspace(record.get("text", ""))
        if abs(want - got) > 0.02 * want:
            different.append((row["path"], want, got))
    print(f"text: {checked - len(different)} of {checked} within 2 % of mutool")
    for path, want, got in different:
        print(f"  {path}: mutool {want}, ours {got}: {TEXT_DIFFERS.get(path)}")
    assert checked > 390
    assert len(different) <= 0.02 * checked
    assert {path for path, _, _ in different} <= set(TEXT_DIFFERS)


def test_pages_of_images_are_read(results):
    report = subprocess.run([BIN / "quarry-worker", "--sandbox-report"], capture_output=True, text=True, check=True)
    if "OCR                 tesseract" not in report.stdout:
        pytest.skip("no OCR on this machine")
    scans = [row for row, record in results
             if 0 < len(record.get("pages", [])) <= 2 and all(page.get("image_only") for page in record["pages"])][:12]
    pages = [page for record in extract(scans, "auto") for page in record["pages"]]
    read = [page for page in pages if page.get("ocr_words")]
    words = sum(page["ocr_words"] for page in read)
    mean = sum(page["ocr_words"] * page["ocr_confidence"] for page in read) / max(words, 1)
    print(f"OCR: {len(read)} of {len(pages)} pages of images have words: {words}, mean confidence {mean:.3f}")
    assert len(read) >= 5
    assert words > 500 and mean > 0.85


def test_glyphs_take_the_names_their_fonts_have(results):
    texts = {row["path"]: record["text"] for row, record in results if record.get("text")}
    assert "Peněžní prostředky na účtech" in texts["pdf/pdfminer-issue-791-non-unicode-cmap.pdf"]
    assert "60,00 ±0,02" in texts["pdf/pdfminer-issue_495_pdfobjref.pdf"]


def test_passwords_and_encryption_are_seen(results):
    checked = 0
    for row, record in results:
        if record["type"] != "pdf" or row["pdf_encrypted"] not in ("yes", "no"):
            continue
        checked += 1
        if row["pdf_needs_password"] == "yes":
            assert record["error"]["class"] == "permission", row["path"]
        elif row["pdf_encrypted"] == "yes":
            assert record["encrypted"], row["path"]
    assert checked > 390


def test_text_files_are_counted_as_others_count_them(results):
    names = {"latin-1": {"iso-8859-1", "windows-1252"}, "ascii": {"ascii"}, "utf-8": {"utf-8"}}
    checked = 0
    for row, record in results:
        if not row["text_chars"]:
            continue
        checked += 1
        found = record["metadata"]
        assert record["encoding"] in names[row["text_encoding"]], row["path"]
        assert (found["lines"], found["words"], found["chars"]) == (
            row["text_lines"], row["text_words"], row["text_chars"]), row["path"]
    assert checked >= 12


def test_hashes_and_sizes_are_those_of_the_manifest(results):
    for row, record in results:
        assert (record["sha256"], record["bytes"]) == (row["sha256"], int(row["bytes"])), row["path"]
