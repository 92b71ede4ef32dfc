"""Drawings through the whole system: what PostgreSQL and the export hold is what extraction found."""

import json
import subprocess

import pytest

from tests.harness.quarry import BIN, SAMPLES

DRAWINGS = ["dxf/flange-2000.dxf", "dxf/flange-r12.dxf", "dxf/shaft-2007.dxf", "dxf/assembly-2018.dxf",
            "dxf/plate-inch-binary.dxf", "dxf/cyrillic-2000.dxf", "pdf/shaft.pdf", "pdf/gearbox-parts-list.pdf",
            "pdf/structure.pdf", "hostile/block-bomb.dxf"]
CHANGES = ("duration_ms", "peak_memory_bytes", "file")  # from run to run, or the name


@pytest.fixture(scope="module")
def stack(module_stack_of):
    """A stack on which one run over the samples has ended."""
    stack = module_stack_of(roots={"samples": SAMPLES})
    stack.start_coordinator()
    stack.start_worker("w1", slots=2)
    stack.run_id = stack.create_run(SAMPLES)
    stack.wait_run(stack.run_id)
    return stack


@pytest.fixture(scope="module")
def local():
    """The same files, extracted here."""
    done = subprocess.run([BIN / "quarry", "extract", "-o", "jsonl", *DRAWINGS], cwd=SAMPLES, capture_output=True,
                          timeout=300, check=True)
    return {record["file"]: record for record in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def exported(stack):
    lines = stack.cli("export", "--run", stack.run_id).stdout.splitlines()
    return {record["file"].removeprefix("root://samples/"): record for record in map(json.loads, lines)}


def rounded(value):
    """Numbers went through text twice: nine digits are compared."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value


def same(a, b):
    return json.dumps(rounded(a), sort_keys=True) == json.dumps(rounded(b), sort_keys=True)


PARTS = ("status", "text", "title_block", "title_block_places", "gdt", "revisions", "drawing_notes", "outline",
         "annotations", "attachments", "fonts", "styles", "linetypes", "layouts", "layers", "entities", "paper_entities",
         "links", "completeness")


@pytest.mark.parametrize("part", PARTS)
def test_the_export_holds_each_part(part, local, exported):
    some = 0
    for name in DRAWINGS:
        some += part in local[name]
        assert same(local[name].get(part), exported[name].get(part)), name
    assert some > 0, f"no sample has {part}"


def test_every_dimension_is_a_row(stack, local):
    for name, record in local.items():
        rows = stack.sql("SELECT d.kind, d.value, d.text, d.upper_tol, d.lower_tol, d.fit, d.quantity FROM extracted_dimensions d "
                         "JOIN cloud_files f ON f.id = d.file_id WHERE f.uri = %s ORDER BY d.id", "root://samples/" + name)
        want = [(d.get("kind"), d.get("value"), d.get("text"), d.get("upper"), d.get("lower"), d.get("fit"), d.get("quantity"))
                for d in record.get("dimensions", [])]
        assert [tuple(map(rounded, row)) for row in rows] == [tuple(map(rounded, row)) for row in want], name


@pytest.mark.parametrize("table, part", [("extracted_parameters", "parameters"), ("extracted_materials", "materials"),
                                         ("extracted_bom_items", "bom"), ("extracted_pages", "pages")])
def test_lists_are_rows(stack, local, table, part):
    file = "job_id IN (SELECT id FROM extraction_jobs j WHERE j.file_id = f.id)" if part == "pages" else "file_id = f.id"
    counts = dict(stack.sql(f"SELECT f.uri, (SELECT count(*) FROM {table} t WHERE t.{file}) FROM cloud_files f"))
    found = {name: len(record.get(part, [])) for name, record in local.items()}
    assert {name: counts["root://samples/" + name] for name in found} == found
    assert sum(found.values()) > 0


@pytest.mark.parametrize("words, name", [("flange & 'br-2040'", "dxf/flange-2000.dxf"), ("getriebe", "pdf/gearbox-parts-list.pdf"),
                                         ("подшипника", "dxf/cyrillic-2000.dxf")])
def test_pages_are_found_by_their_words(stack, words, name):
    found = stack.sql("SELECT f.uri FROM extracted_pages p JOIN extraction_jobs j ON j.id = p.job_id "
                      "JOIN cloud_files f ON f.id = j.file_id WHERE p.search @@ to_tsquery('simple', %s)", words)
    assert ("root://samples/" + name,) in found


def test_the_largest_page_fits_its_search_vector(stack, tmp_path):
    """A tsvector holds 1 MB: a text of as many different words as possible must still be stored."""
    assert stack.value("SELECT length(to_tsvector('simple', left(string_agg(to_hex(i), ' '), 100000))) "
                       "FROM generate_series(100000, 200000) i") > 10000
