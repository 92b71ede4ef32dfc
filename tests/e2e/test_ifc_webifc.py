"""Values of IFC models compared, one by one, with those an independent reader finds: web-ifc.

    npm ci --prefix bench/part21        installs it; without it the tests are skipped

Read are the project's own models, which have a property of every kind, and the corpus where it is present (../shared/corpus
beside the checkout, or QUARRY_CORPUS). Run with -s to see the figures.
"""
import collections
import json
import os
import pathlib
import subprocess

import pytest

from tests.harness.quarry import BIN, ROOT, SAMPLES

CORPUS = pathlib.Path(os.environ.get("QUARRY_CORPUS", ROOT.parent / "shared" / "corpus"))
FOLDER = ROOT / "bench" / "part21"
FILES = sorted((SAMPLES / "ifc").glob("*.ifc")) + sorted((CORPUS / "ifc").glob("*.ifc"))

pytestmark = pytest.mark.skipif(not (FOLDER / "node_modules" / "web-ifc").exists(),
                                reason="no web-ifc; hint: npm ci --prefix bench/part21")


@pytest.fixture(scope="module")
def theirs():
    done = subprocess.run(["node", ROOT / "tests" / "harness" / "webifc_properties.mjs", FOLDER, *FILES], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=300, check=True)
    return json.loads(done.stdout.decode("utf-8").splitlines()[-1])


@pytest.fixture(scope="module")
def ours():
    done = subprocess.run([BIN / "quarry-worker", "--extract", "-o", "jsonl", *FILES], capture_output=True, timeout=300,
                          check=False)
    return {record["file"]: record for record in map(json.loads, done.stdout.decode("utf-8").splitlines())}


def plain(value):
    """Numbers as numbers, blanks as one, each value of a list by itself."""
    def one(text):
        try:
            return f"{float(text):.12g}"
        except ValueError:
            return text
    return "; ".join(one(part) for part in " ".join(str(value).split()).split("; "))


def test_all_property_values_are_the_same(ours, theirs):
    """A multiset of (set, name, value, object, origin) in each file: nothing missing, nothing more."""
    values, equal, files, whole = 0, 0, 0, 0
    for path, answer in theirs.items():
        expected = collections.Counter(tuple(map(plain, row)) for row in answer["values"])
        found = collections.Counter(
            tuple(plain(row.get(part, "")) for part in ("set", "name", "value", "owner", "source"))
            for row in ours[path].get("parameters", [])
            if row["source"] in ("occurrence", "type") and row["set"] not in ("classification", "documents"))
        missing, more = expected - found, found - expected
        values += sum(expected.values())
        equal += sum((expected & found).values())
        files += bool(expected or found)
        whole += bool(expected or found) and not missing and not more
        for what, rows in (("only web-ifc has", missing), ("only ours has", more)):
            for row, n in list(rows.items())[:10]:
                print(f"  {path}: {what} {n} x {row}")
        assert not missing and not more, path
    print(f"{equal} of {values} values equal to web-ifc's; {whole} of {files} files with properties equal in all of them")
    assert equal >= (5_000 if len(FILES) > 40 else 18)


def test_elements_stand_where_web_ifc_sees_them(ours, theirs):
    places, files = 0, 0
    for path, answer in theirs.items():
        found = {product["id"]: product.get("container") for product in ours[path]["cad"].get("products", [])}
        found.update((node["id"], node.get("parent")) for node in ours[path]["cad"].get("spatial", []))
        wrong = [(guid, structure, found.get(guid)) for guid, structure in answer["places"] if found.get(guid) != structure]
        assert not wrong, (path, wrong[:10])
        places += len(answer["places"])
        files += bool(answer["places"])
    print(f"{places} elements in {files} files stand in the structure that web-ifc sees")
    assert places >= 8


def test_objects_are_made_of_what_web_ifc_sees(ours, theirs):
    """Materials with the thickness of their layers, of the objects that have them by a relation of their own."""
    factors = {"mm": 1, "cm": 10, "m": 1000, "inch": 25.4, "foot": 304.8}
    parts, files = 0, 0
    for path, answer in theirs.items():
        factor = factors[ours[path]["cad"]["length_unit"]]
        expected = collections.Counter((guid, " ".join(name.split()), plain(thickness * factor if thickness != "" else ""))
                                       for guid, name, thickness in answer["materials"])
        found = collections.Counter((row["owner"], " ".join(row["name"].split()), plain(row.get("thickness", "")))
                                    for row in ours[path].get("materials", []) if row["source"] == "occurrence")
        assert found == expected, (path, list((found - expected).items())[:5], list((expected - found).items())[:5])
        parts += len(answer["materials"])
        files += bool(answer["materials"])
    print(f"{parts} materials of objects in {files} files are those that web-ifc sees")
    assert parts >= 8
