"""DXF drawings compared with what ezdxf and a plain scan of the groups say (truth.tsv of the corpus).

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

COLUMNS = "the file has one MTEXT per column, which ezdxf joins into one: both are right, we count what stands there"
UNNAMED = "a block without a name: ezdxf does not open the file; the plain scan does not count it, we list it"

# Files whose counts differ from those of ezdxf, and who is right.
DIFFERS = {
    "dxf/ezdxf-columns_R2007.dxf": COLUMNS,
    "dxf/ezdxf-data-mtext_columns_R2007.dxf": COLUMNS,
    "dxf/ezdxf-mtext_columns_R2000.dxf": COLUMNS,
    "dxf/ezdxf-mtext_columns_R2007.dxf": COLUMNS,
    "dxf/ezdxf-mtext_framed_columns.dxf": COLUMNS,
}

# Files whose counts differ from those of the plain scan of groups, and who is right.
DIFFERS_FROM_SCAN = {
    "hostile/derived-flip32-ezdxf-hatch_text_box_in_fill.dxf":
        "flipped bits make the scan take values for codes; ours is right: the undamaged original has these entities",
    "hostile/ezdxf-r12_blocks_with_no_names.dxf": UNNAMED,
    "hostile/ezdxf-r2000_blocks_with_no_name_and_no_block_record.dxf": UNNAMED,
    "hostile/ezdxf-r2000_blocks_with_no_names.dxf": UNNAMED,
}

# What the files in special encodings must show: the texts that were put into them.
ENCODED = {
    "dxf/derived-codepage-cp1250-R2000.dxf": ("ascii", "windows-1250", ["Řez čerpadlem", "Ocel třídy 11 žíhaná"]),
    "dxf/derived-codepage-cp1251-R2000.dxf": ("ascii", "windows-1251", ["Общий вид насоса", "Сталь 45 ГОСТ 1050-88"]),
    "dxf/derived-codepage-cp932-R12.dxf": ("ascii", "cp932", ["軸 φ20", "ポンプ組立図", "材質 S45C"]),
    "dxf/derived-codepage-gbk-R2000.dxf": ("ascii", "gbk", ["泵装配图", "材料 45号钢"]),
    "dxf/derived-codepage-utf-8-R2010.dxf": ("ascii", "utf-8", ["Ωμέγα", "Общий вид 图 図面 Ø20 ±0.1°", "שרטוט"]),
    "dxf/ezdxf-ASCII_R12.dxf": ("ascii", "windows-1252", ["ABCÄÜÖαβγ"]),
    "dxf/ezdxf-bin_dxf_r2000.dxf": ("binary", "windows-1252", ["ezdxf"]),
    "hostile/derived-utf16-ezdxf-VP4.dxf": ("ascii", "utf-8", ["T0", "T1", "T2", "T3"]),
}

NO_DRAWINGS = {"hostile/derived-wrongext-pdf-as.dxf", "hostile/synthetic-empty.dxf"}

KINDS = ("DIMENSION", "TEXT_MTEXT", "INSERT", "ATTRIB", "layers", "user_blocks")


@pytest.fixture(scope="module")
def results():
    """Pairs of truth and record for every DXF file, hostile ones included."""
    with open(CORPUS / "truth.tsv", newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t") if row["path"].lower().endswith(".dxf")]
    argv = [BIN / "quarry-worker", "--extract", "-o", "jsonl", *(CORPUS / row["path"] for row in rows)]
    done = subprocess.run(argv, capture_output=True, timeout=600, check=False)
    assert done.returncode in (0, 1), done.stderr.decode()
    records = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert [record["file"] for record in records] == [str(CORPUS / row["path"]) for row in rows]
    return list(zip(rows, records))


def counted(record):
    """The counts that the goal is about."""
    entities = record.get("entities", {})
    counts = {kind: entities.get(kind, 0) for kind in ("DIMENSION", "INSERT", "ATTRIB")}
    counts["TEXT_MTEXT"] = entities.get("TEXT", 0) + entities.get("MTEXT", 0)
    counts["layers"] = len(record.get("layers", []))
    counts["user_blocks"] = sum(not block.get("name", "").startswith(("*", "$")) for block in record.get("blocks", []))
    return counts


def test_every_file_ends_and_says_what_came_of_it(results):
    table = collections.Counter()
    for row, record in results:
        table[record["status"], record.get("error", {}).get("class", "")] += 1
        if record["status"] == "failed":
            assert row["path"] in NO_DRAWINGS, record
        elif not record.get("text", "").strip() and not record.get("entities") and not record.get("paper_entities"):
            assert record.get("empty_reason"), f"{row['path']}: nothing came of it and nothing says why"
        assert record.get("peak_memory_bytes", 0) < 256 << 20
    print(dict(table))
    assert len(results) > 200


def test_counts_are_those_of_ezdxf(results):
    checked, different = 0, {}
    for row, record in results:
        if row["dxf_read"] not in ("readfile", "recover"):
            continue
        checked += 1
        want = {kind: int(row["dxf_" + kind] or 0) for kind in KINDS}
        got = counted(record)
        if got != want:
            different[row["path"]] = {kind: (got[kind], want[kind]) for kind in KINDS if got[kind] != want[kind]}
    print(f"{checked - len(different)} of {checked} files equal to ezdxf in {', '.join(KINDS)}")
    for path, counts in different.items():
        print(f"  {path}: ours, ezdxf {counts}: {DIFFERS.get(path)}")
    assert checked > 190
    assert len(different) <= 0.03 * checked
    assert set(different) <= set(DIFFERS)


def test_counts_are_those_that_stand_in_the_files(results):
    """The second oracle, also for files that ezdxf does not open."""
    checked, different = 0, {}
    for row, record in results:
        if row["dxf_rawms_entities"] == "" or record["status"] == "failed":
            continue
        checked += 1
        entities = record.get("entities", {})
        got = {kind: entities.get(kind, 0) for kind in ("DIMENSION", "TEXT", "MTEXT", "INSERT", "ATTRIB")}
        want = {kind: int(row["dxf_rawms_" + kind]) for kind in got}
        got["entities"], want["entities"] = sum(entities.values()) - got["ATTRIB"], int(row["dxf_rawms_entities"])
        got["blocks"], want["blocks"] = counted(record)["user_blocks"], int(row["dxf_raw_user_blocks"])
        got["layers"], want["layers"] = counted(record)["layers"], int(row["dxf_raw_LAYER"])
        if got != want:
            different[row["path"]] = {kind: (got[kind], want[kind]) for kind in got if got[kind] != want[kind]}
    print(f"{checked - len(different)} of {checked} files equal to a scan of the groups")
    for path, counts in different.items():
        print(f"  {path}: ours, scan {counts}: {DIFFERS_FROM_SCAN.get(path)}")
    assert checked > 190
    assert set(different) <= set(DIFFERS_FROM_SCAN)


def test_paper_space_is_counted_as_ezdxf_counts_it(results):
    different = []
    for row, record in results:
        if row["dxf_read"] == "readfile" and row["dxf_psp_entities"]:
            paper = record.get("paper_entities", {})
            got = sum(paper.values()) - paper.get("ATTRIB", 0)
            if got != int(row["dxf_psp_entities"]):
                different.append((row["path"], got, int(row["dxf_psp_entities"])))
    print(f"paper space differs in {len(different)} files: {different}")
    assert not different


def test_binary_files_and_code_pages(results):
    by_path = {row["path"]: record for row, record in results}
    binary = [(row["path"], record) for row, record in results if row["dxf_format"] == "binary"]
    pages = collections.Counter((row["dxf_codepage"].lower(), record["metadata"]["encoding"])
                                for row, record in results if "metadata" in record)
    for path, record in binary:
        print(f"binary {path}: {record['metadata']['acadver']} {record.get('entities')}")
        assert record["metadata"]["dxf_format"] == "binary"
    for (named, used), count in sorted(pages.items()):
        print(f"code page {named or '(none)':10} read as {used:14} {count:4}")
    assert len(binary) >= 13
    for path, (form, encoding, texts) in ENCODED.items():
        record = by_path[path]
        assert (record["metadata"]["dxf_format"], record["metadata"]["encoding"]) == (form, encoding), path
        for text in texts:
            assert text in record["text"], f"{path}: {text}"
    assert not [row["path"] for row, record in results if "\ufffd" in record.get("text", "")]


def test_ascii_and_binary_twins_are_equal(results):
    """trimesh has the same drawing in both forms for eight releases."""
    by_path = {row["path"]: record for row, record in results}
    checked = 0
    for path, record in by_path.items():
        twin = by_path.get(path.replace("a.dxf", "b.dxf"))
        if not path.startswith("dxf/trimesh-ae.r") or not path.endswith("a.dxf"):
            continue
        checked += 1
        for part in ("entities", "paper_entities", "layers", "blocks", "layouts", "text"):
            assert record.get(part) == twin.get(part), (path, part)
    assert checked == 8


def test_versions_are_known(results):
    for row, record in results:
        if row["dxf_acadver"] and record["status"] == "completed":
            assert record["metadata"].get("acadver") == row["dxf_acadver"], row["path"]
