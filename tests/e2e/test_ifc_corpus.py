"""IFC models compared with a plain count of their records and with web-ifc (truth.tsv of the corpus).

The corpus lies in ../shared/corpus beside the checkout, or where QUARRY_CORPUS says; without it the tests
are skipped. Run with -s to see the figures.
"""
import csv
import json
import os
import pathlib
import subprocess

import pytest

from tests.harness.quarry import BIN, ROOT

CORPUS = pathlib.Path(os.environ.get("QUARRY_CORPUS", ROOT.parent / "shared" / "corpus"))

pytestmark = pytest.mark.skipif(not (CORPUS / "truth.tsv").exists(), reason="no corpus beside the checkout")

# Figures that differ, and who is right.
DIFFERS = {
    ("ifc/webifc-test.ifc", "webifc_lines"):
        "24 data sections use the same 12 numbers: web-ifc counts numbers, the plain count and ours count records",
    ("hostile/derived-flip32-ifcopenshell-RICS NRM3.ifc", "p21_instances"):
        "a flipped quote makes the plain count take records for strings; ours goes on at the next record",
    ("hostile/derived-flip32-ifcopenshell-RICS NRM3.ifc", "p21_types"):
        "a flipped letter in the name of a type in one of those records",
    ("hostile/derived-flip32-ifcopenshell-RICS NRM3.ifc", "webifc_lines"):
        "the same in web-ifc",
    ("hostile/derived-trunc70-gherkin-pass-als012-incorrect_types_not_part_of_alignment.ifc", "webifc_lines"):
        "web-ifc drops the record that the file ends in; the plain count and ours count it",
}


@pytest.fixture(scope="module")
def results():
    """Pairs of truth and record for every IFC file, hostile ones included."""
    with open(CORPUS / "truth.tsv", newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t")
                if row["path"].lower().endswith((".ifc", ".ifczip"))]
    argv = [BIN / "quarry-worker", "--extract", "-o", "jsonl", *(CORPUS / row["path"] for row in rows)]
    done = subprocess.run(argv, capture_output=True, timeout=600, check=False)
    assert done.returncode in (0, 1), done.stderr.decode()
    records = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert [record["file"] for record in records] == [str(CORPUS / row["path"]) for row in rows]
    return list(zip(rows, records))


def found(record):
    cad, metadata = record["cad"], record["metadata"]
    return {
        "p21_instances": cad.get("instances", 0),
        "webifc_lines": cad.get("instances", 0),
        "p21_data_sections": cad.get("data_sections", 0),
        # of complex instances the count takes each combination for one type
        **({} if cad.get("complex_instances") else {"p21_types": len(cad.get("entity_counts", {}))}),
        "ifc_IFCPROPERTYSET": int(metadata["property_sets"]),
        "webifc_psets": int(metadata["property_sets"]),
        "ifc_IFCWALL_any": int(metadata["walls"]),
        "webifc_walls": int(metadata["walls"]),
        "webifc_storeys": int(metadata["storeys"]),
        "webifc_products": int(metadata["products"]),
    }


def differences(row, record):
    """Name -> (ours, truth) of everything the truth knows about the file."""
    different = {name: (value, int(row[name])) for name, value in found(record).items()
                 if row[name] != "" and value != int(row[name])}
    for item in filter(None, row["ifc_counts"].split(";")):
        name, count = item.split("=")
        value = record["cad"].get("entity_counts", {}).get(name, 0)
        if value != int(count):
            different[name] = (value, int(count))
    schema = row["p21_schema"].split("{")[0].strip().upper()
    if schema and schema != record["cad"]["schema"]:
        different["schema"] = (record["cad"]["schema"], schema)
    return different


def test_every_figure_is_that_of_the_truth(results):
    figures, equal, files, compared = {}, 0, 0, 0
    for row, record in results:
        if record["status"] == "failed":
            continue
        files += 1
        different = differences(row, record)
        for name, (ours, truth) in different.items():
            print(f"  {row['path']} {name}: ours {ours}, truth {truth}: {DIFFERS.get((row['path'], name))}")
        assert {(row["path"], name) for name in different} <= set(DIFFERS), row["path"]
        equal += not different
        for name in found(record):
            if row[name] != "":
                compared += 1
                right = figures.setdefault(name, [0, 0])
                right[0] += name not in different
                right[1] += 1
    for name, (right, of) in figures.items():
        print(f"{name}: {right} of {of} files")
    print(f"{equal} of {files} IFC files equal in all of {compared} figures and their counts by class")
    assert files >= 55


def test_every_hostile_file_ends_and_says_why(results):
    for row, record in results:
        if record["status"] == "failed":
            assert row["path"].startswith("hostile/"), record
            assert record["error"]["class"] == "invalid_input" and record["error"]["message"], record
            print(f"{row['path']}: {record['error']['message']}")
        elif row["p21_end_seen"] == "no" and row["p21_instances"] != "0":
            assert record["partial"], row["path"]
        assert record.get("peak_memory_bytes", 0) < 256 << 20


def test_what_models_hold(results):
    """No truth, but nothing may get lost unseen: how many files give which part."""
    parts = {"parameters": 0, "materials": 0, "bom": 0, "layers": 0, "links": 0}
    nested = {"products": 0, "spatial": 0, "assemblies": 0, "colours": 0, "bbox": 0}
    values = 0
    for row, record in results:
        if record["status"] == "failed" or row["path"].startswith("hostile/"):
            continue
        for name in parts:
            parts[name] += name in record
        for name in nested:
            nested[name] += name in record["cad"]
        values += len(record.get("parameters", []))
        assert record.get("text") or record.get("empty_reason"), row["path"]
        assert not {note["code"] for note in record.get("notes", [])} & {"record.capped"}, row["path"]
    print({**parts, **nested}, f"{values} parameters")
    assert parts["parameters"] >= 20 and nested["spatial"] >= 30
