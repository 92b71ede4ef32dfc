"""quarry search similar: through a real coordinator, by embedding and by genome."""

import json
import shutil
import subprocess

import pytest

from tests.e2e.test_cad_tables import Example, b64
from tests.harness.quarry import BIN, SAMPLES

PLATE = {"faces": 10, "surfaces": {"plane": 6, "cylinder": 4}, "curves": {"line": 12, "circle": 8}, "size_mm": [5, 50, 100]}
ROD = {"faces": 3, "surfaces": {"plane": 2, "cylinder": 1}, "curves": {"circle": 4}, "size_mm": [10, 10, 200]}
NONSENSE = {"surfaces": {"plane": 1e300, "cylinder": "many", "cone": -4}, "size_mm": [1, None, 1e-300], "loops_per_face": [1], "curves": 7}


def cad(name, faces=0, genome=None, latent=None, mode="grpc", graph="", **more):
    model = {"name": name, "kind": "part", "mode": mode, "source": "test", **more}
    if faces:
        model["topology"] = {"faces": faces, "adjacency_hash": graph}
    if genome:
        model["genome"] = b64(genome)
    if latent:
        model["embeddings"] = [{"type": "DeepSDF", "values": latent}, {"type": "brepnet", "values": latent[:2]}]
    return {"type": "cad", "cad": model}


FILES = {
    "plate.prt.1": cad("PLATE.PRT", 10, PLATE, [1, 0, 0, 0], graph="aa"),
    "plate.prt.2": cad("PLATE.PRT", 10, PLATE, [1, 0, 0, 0], graph="aa"),
    "cover.prt": cad("COVER.PRT", 10, {**PLATE, "size_mm": [6, 50, 100]}, [0.9, 0.1, 0, 0], graph="aa",
                     products=[{"id": "C-7", "name": "COVER", "root": True}]),
    "rod.prt": cad("ROD.PRT", 3, ROD, [0, 1, 0, 0], mode="json", graph="bb"),
    "opposite.prt": cad("OPPOSITE.PRT", 0, None, [-1, 0, 0, 0]),
    "longer.prt": cad("LONGER.PRT", 0, None, [1, 0, 0, 0, 0]),  # another model's latent: not comparable
    "odd.prt": cad("ODD.PRT", 5, NONSENSE),
    "bare.prt": cad("BARE.PRT"),
    "bad.prt": {"fail": "no model"},
    "note.txt": {"type": "text", "text": "no model"},
}


@pytest.fixture(scope="module")
def stack(module_stack_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alike")
    for name, record in FILES.items():
        (folder / name).write_text(json.dumps(record))
    steps = tmp_path_factory.mktemp("steps")
    for name in ("block.stp", "bracket.stp", "gearbox.step"):
        shutil.copy(SAMPLES / "step" / name, steps)
    shutil.copy(SAMPLES / "step" / "block.stp", steps / "block2.stp")
    stack = module_stack_of(roots={"in": folder, "steps": steps})
    stack.start_coordinator()
    worker = Example(stack, folder, "cad,text")
    stack.run_id = stack.create_run(folder)
    stack.wait_run(stack.run_id)
    worker.stop()
    return stack


def job_of(stack, name):
    return stack.value("SELECT j.id FROM extraction_jobs j JOIN cloud_files f ON f.id = j.file_id WHERE f.name = %s", name)


def names(answer):
    return [model["file"].rsplit("/", 1)[1] for model in answer["models"]]


def test_by_the_latent_it_has(stack):
    answer = stack.ask("search", "similar", "plate.prt.2")
    assert (answer["by"], answer["ways"]) == ("deepsdf", ["deepsdf", "brepnet", "genome"])
    assert answer["model"]["file"] == "root://in/plate.prt.2" and answer["model"]["job_id"] == job_of(stack, "plate.prt.2")
    # without itself, the version it has taken the place of, and a latent of another length
    assert names(answer) == ["cover.prt", "rod.prt", "opposite.prt"]
    near, far, opposite = answer["models"]
    assert abs(near["distance"] - (1 - 0.9 / 0.82 ** 0.5)) < 1e-6 and (far["distance"], opposite["distance"]) == (1, 2)
    assert near["same_graph"] and not far["same_graph"] and not opposite["same_graph"]
    assert (near["part_number"], near["mode"], far["mode"], near["faces"], opposite["faces"]) == ("C-7", "grpc", "json", 10, 0)
    assert {model["by"] for model in answer["models"]} == {"deepsdf"}


def test_by_genome_and_by_another_embedding(stack):
    answer = stack.ask("search", "similar", "plate.prt.2", "--by", "genome")
    assert names(answer) == ["cover.prt", "rod.prt", "odd.prt"]
    distances = [model["distance"] for model in answer["models"]]
    assert 0 < distances[0] < 0.1 < distances[1] < distances[2]
    assert names(stack.ask("search", "similar", "odd.prt")) == ["rod.prt", "cover.prt", "plate.prt.2"]  # nonsense, yet a genome
    assert names(stack.ask("search", "similar", "plate.prt.2", "--by", "brepnet", "--limit", "2")) == ["longer.prt", "cover.prt"]


@pytest.mark.parametrize("named", ["root://in/cover.prt", "cover.prt", "COVER.PRT", "Cover.prt", "C-7", "c-7", "cover"])
def test_a_model_is_found_by_its_names(stack, named):
    assert stack.ask("search", "similar", named)["model"]["file"] == "root://in/cover.prt"


def test_of_a_name_the_newest_and_by_job(stack):
    assert stack.ask("search", "similar", "plate.prt")["model"]["file"] == "root://in/plate.prt.2"
    old = job_of(stack, "plate.prt.1")
    answer = stack.ask("search", "similar", old)  # an old version may be asked about: its newer one is the nearest
    assert answer["model"]["file"] == "root://in/plate.prt.1" and names(answer)[0] == "plate.prt.2"
    assert answer["models"][0]["distance"] == 0


def test_for_people_and_as_lines(stack):
    shown = stack.cli("search", "similar", "plate.prt.2")
    head, first, *_ = shown.stdout.splitlines()
    assert head.split() == ["JOB", "MODEL", "DISTANCE", "BY", "WAY", "FACES", "GRAPH", "FILE"]
    assert first.split()[1:] == ["COVER.PRT", "0.0061", "deepsdf", "grpc", "10", "same", "root://in/cover.prt"]
    assert len({len(line[:line.index("root://")]) for line in shown.stdout.splitlines()[1:]}) == 1
    assert "like root://in/plate.prt.2" in shown.stderr and "by deepsdf" in shown.stderr
    lines = stack.cli("search", "similar", "plate.prt.2", "-o", "jsonl", "--limit", "1").stdout.splitlines()
    assert [json.loads(line)["file"] for line in lines] == ["root://in/cover.prt"]


@pytest.mark.parametrize("words, code, says", [
    (["nothing-like-it"], 3, "there is no model 'nothing-like-it'; hint: its job's id"),
    (["999999"], 3, "job 999999 has no model"),
    (["note"], 3, "no model 'note'"),
    (["bare.prt"], 3, "no embedding and no faces to compare by"),
    (["bad.prt"], 3, "the job is failed; hint: quarry job why"),
    (["opposite.prt", "--by", "genome"], 3, "cannot be compared by 'genome'; hint: it has deepsdf, brepnet"),
    (["cover.prt", "--by", "x' OR 1=1"], 3, "it has deepsdf, brepnet, genome"),
    (["cover.prt", "--limit", "201"], 2, "limit"),
    (["cover.prt", "--limit", "0"], 2, "limit"),
    (["99999999999999999999"], 2, "is not a job id"),
    ([""], 2, "no name"),
    ([], 2, "model or job is missing"),
    (["a", "b"], 2, "unexpected argument 'b'"),
])
def test_what_cannot_be_answered_says_what_to_try(stack, words, code, says):
    done = stack.cli("search", "similar", *words, code=code)
    assert says in done.stderr and done.stdout == ""


def test_nothing_near_is_said(stack):
    shown = stack.cli("search", "similar", "longer.prt", "--by", "deepsdf")
    assert shown.stdout == "" and "no other model has a deepsdf" in shown.stderr
    assert stack.ask("search", "similar", "longer.prt", "--by", "deepsdf")["models"] == []
    assert stack.cli("search", "similar", "longer.prt", "--by", "deepsdf", "-o", "jsonl").stdout == ""


def test_step_files_read_by_the_worker_compare_by_genome(stack):
    stack.start_worker("w1", 2, "--types", "step")
    stack.wait_run(stack.create_run("root://steps/"))
    answer = stack.ask("search", "similar", "root://steps/block.stp")
    assert answer["by"] == "genome" and answer["models"][0]["file"] == "root://steps/block2.stp"
    assert answer["models"][0]["distance"] == 0 and answer["models"][0]["same_graph"]
    assert all(model["distance"] > 0 for model in answer["models"][1:]) and len(answer["models"]) >= 4


def test_search_alone_and_with_another_word_says_what_there_is():
    for words, says in ((["search"], "quarry search what? hint: similar"), (["search", "parameter"], "hint: quarry search has similar")):
        done = subprocess.run([BIN / "quarry", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and says in done.stderr, done.stderr
    helped = subprocess.run([BIN / "quarry", "search", "similar", "--help"], capture_output=True, text=True, check=True).stdout
    assert "quarry search similar wheel.prt" in helped and "--by" in helped
