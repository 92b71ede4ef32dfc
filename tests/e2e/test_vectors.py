"""Search by vectors, with pgvector and without: our migrations and statements on PGlite, a PostgreSQL with its pgvector
from npm (tests/vector)."""

import json
import re
import shutil
import subprocess

import pytest

from tests.harness.quarry import ROOT

FOLDER = ROOT / "tests/vector"
pytestmark = pytest.mark.skipif(not shutil.which("node") or not (FOLDER / "node_modules/@electric-sql/pglite").exists(),
                                reason="no node, or no npm packages in tests/vector (npm ci)")


@pytest.fixture(scope="module")
def answers():
    done = subprocess.run(["node", FOLDER / "vector.mjs"], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_indexes_are_made_where_the_extension_is(answers):
    assert answers["without"] == "exact: the server has no pgvector"
    assert answers["with"] == "pgvector: 1 HNSW indexes"  # of DeepSDF's length, before there is any
    assert answers["again"] == "pgvector: 2 HNSW indexes"  # and of what was stored meanwhile
    assert [re.search(r"vector\((\d+)\)\) vector_cosine_ops", index).group(1) for index in answers["indexes"]] == ["3", "256"]
    assert "cad_embeddings_hnsw" in answers["plan"] and "Seq Scan" not in answers["plan"]


def test_the_index_finds_what_exact_search_finds(answers, capsys):
    with capsys.disabled():
        print(f"\nHNSW against exact search: recall {answers['recall']:.3f} of {answers['asked']}, "
              f"distances differ by at most {answers['worst_difference']:.1e}")
    assert answers["asked"] == 200 and answers["recall"] >= 0.95 and answers["worst_difference"] < 1e-5


def test_distances_are_right(answers):
    for name in ("small", "small_exact"):
        assert [model for model, _ in answers[name]] == [1, 2]
        assert [round(distance, 6) for _, distance in answers[name]] == [0, 0.4]
    assert [round(distance, 6) for _, distance in answers["l2"]] == [0, 0.894427]
    assert answers["other_length"] == [] and answers["nothing"] == []  # nothing to compare; no direction


def test_an_index_gives_as_many_as_are_asked_for(answers):
    assert answers["many"] == 120  # an HNSW scan stops at hnsw.ef_search rows, 40 by default


def test_the_search_of_operators_is_the_same_both_ways(answers):
    assert answers["search"] == answers["search_index"] and len(answers["search"]) == 8
    assert {job % 20 for job in answers["search"]} == {1}  # all of its cluster,
    assert not {1, 21} & set(answers["search"])  # without itself and what a newer version has taken the place of


def test_the_lock_names_no_other_registry():
    for lock in FOLDER.glob("package-lock.json"):
        assert set(re.findall(r"https?://[^/\"]+", lock.read_text())) <= {"https://registry.npmjs.org"}
