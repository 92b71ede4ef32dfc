"""The second step of STEP models through the whole system: what the kernel computed is in the database, and whatever
becomes of it the job is completed."""
import json
import math
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from tests.harness import quarry
from tests.harness.quarry import BIN, ROOT, SAMPLES, children_of, process_stat, until

pytestmark = pytest.mark.skipif(not (BIN / "quarry-geometry.so").exists(), reason="needs a build with the geometry kernel")

MODEL = """ISO-10303-21;
HEADER;
FILE_DESCRIPTION(('kernel:{word} '),'2;1');
FILE_NAME('a','',(''),(''),'','','');
FILE_SCHEMA(('AUTOMOTIVE_DESIGN'));
ENDSEC;
DATA;
#1=CARTESIAN_POINT('',(0.,0.,0.));
ENDSEC;
END-ISO-10303-21;
"""


@pytest.fixture(scope="module")
def misbehaves(tmp_path_factory):
    """Builds for tests have a kernel that misbehaves when a model asks for it; installed programs have none."""
    path = tmp_path_factory.mktemp("kernel") / "a.stp"
    path.write_text(MODEL.format(word="segfault"))
    for folder in (BIN, ROOT / "build/dev/bin"):
        if not (folder / "quarry-geometry.so").exists():
            continue
        done = subprocess.run([folder / "quarry-worker", "--extract", path], capture_output=True, timeout=120)
        if json.loads(done.stdout)[0]["cad"]["geometry"]["status"] == "crash":
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(quarry, "BIN", folder)
                yield
            return
    pytest.skip("not a build for tests")


@pytest.fixture
def folder(tmp_path):
    tmp_path.chmod(0o755)
    return tmp_path


def column(stack, name, what):
    """Of the last job of a file."""
    return stack.value(f"SELECT m.{what} FROM cad_models m JOIN cloud_files f ON f.id = m.file_id "
                       "WHERE f.uri = %s ORDER BY m.job_id DESC LIMIT 1", "root://in/" + name)


def geometry_child(worker):
    for pid in children_of(worker.pid):
        try:
            if b"--geometry-child" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        except OSError:
            pass
    return None


def busy(worker):
    """The geometry child once it has computed for longer than any start takes."""
    pid = geometry_child(worker)
    fields = process_stat(pid)[1] if pid is not None else None
    return pid if fields and int(fields[11]) + int(fields[12]) > 3 * os.sysconf("SC_CLK_TCK") else None


def test_what_the_kernel_computed_is_stored(stack_of, folder):
    for name in ("block.stp", "gearbox.step"):
        shutil.copy(SAMPLES / "step" / name, folder)
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    stack.start_worker("w1", slots=2)
    stack.wait_run(stack.create_run("root://in/"))
    for name in ("block.stp", "gearbox.step"):
        assert column(stack, name, "geometry_status") == "done"
        assert column(stack, name, "point_count") == 2048
    assert math.isclose(column(stack, "block.stp", "volume"), 120000 - math.pi * 905, rel_tol=1e-9)
    assert math.isclose(column(stack, "block.stp", "area"), 15800 + math.pi * 392, rel_tol=1e-9)
    # another run without, another worker without
    run = stack.create_run("root://in/", "--again", "--set", "geometry=off")
    stack.wait_run(run)
    assert stack.value("SELECT count(*) FROM cad_models WHERE run_id = %s", run) == 2
    assert stack.value("SELECT count(*) FROM cad_models WHERE run_id = %s AND geometry_status IS NOT NULL", run) == 0


def test_a_worker_may_be_without(stack_of, folder):
    shutil.copy(SAMPLES / "step" / "block.stp", folder)
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    stack.start_worker("w1", 1, "--no-geometry")
    stack.wait_run(stack.create_run("root://in/"))
    assert column(stack, "block.stp", "geometry_status") is None
    assert stack.value("SELECT status FROM extraction_jobs") == "completed"


def test_whatever_the_kernel_does_the_job_is_completed(stack_of, folder, misbehaves):
    for word in ("segfault", "loop", "exec"):
        (folder / f"{word}.stp").write_text(MODEL.format(word=word))
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    stack.start_worker("w1", 2, "--geometry-budget", "2s")
    stack.wait_run(stack.create_run("root://in/"))
    assert stack.value("SELECT count(*) FROM extraction_jobs WHERE status = 'completed'") == 3
    assert column(stack, "segfault.stp", "geometry_status") == "crash"
    assert column(stack, "exec.stp", "geometry_status") == "crash"
    assert column(stack, "loop.stp", "geometry_status") == "timeout"
    assert column(stack, "loop.stp", "schema") == "AUTOMOTIVE_DESIGN"  # the first step's


def test_killed_from_outside_it_costs_the_geometry_alone(stack_of, folder, misbehaves):
    (folder / "loop.stp").write_text(MODEL.format(word="loop"))
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    worker = stack.start_worker("w1", 1, "--geometry-budget", "10m")
    run = stack.create_run("root://in/")
    os.kill(until(lambda: busy(worker), "a kernel at work", 240), signal.SIGKILL)
    stack.wait_run(run)
    assert stack.value("SELECT status FROM extraction_jobs") == "completed"
    assert column(stack, "loop.stp", "geometry_status") == "resource"


def test_cancelling_reaches_the_second_step(stack_of, folder, misbehaves):
    (folder / "loop.stp").write_text(MODEL.format(word="loop"))
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    worker = stack.start_worker("w1", 1, "--geometry-budget", "10m")
    run = stack.create_run("root://in/")
    pid = until(lambda: busy(worker), "a kernel at work", 240)
    begin = time.monotonic()
    stack.cli("run", "cancel", run)
    until(lambda: process_stat(pid)[1] is None or pid not in children_of(worker.pid), "the kernel to end", 30, every=0.01)
    print(json.dumps({"stop": "cancel in the second step", "to_child_end_s": round(time.monotonic() - begin, 2)}))
    until(lambda: stack.value("SELECT status FROM extraction_jobs") == "cancelled", "the job to be cancelled", 30)


@pytest.mark.parametrize("how", ("pause", "drain", "stop"))
def test_stopped_in_the_second_step_the_job_goes_back_and_is_done_once(stack_of, folder, misbehaves, how):
    (folder / "loop.stp").write_text(MODEL.format(word="loop"))
    stack = stack_of(roots={"in": folder})
    stack.start_coordinator()
    worker = stack.start_worker("w1", 1, "--geometry-budget", "10m")
    run = stack.create_run("root://in/")
    pid = until(lambda: busy(worker), "a kernel at work", 240)
    if how == "pause":
        stack.cli("run", "pause", run)
    elif how == "drain":
        stack.cli("worker", "drain", "w1", "--grace", "200ms")
    else:
        assert worker.terminate() == 0
    until(lambda: process_stat(pid)[1] is None or pid not in children_of(worker.pid), "the kernel to end", 60, every=0.01)
    until(lambda: stack.value("SELECT status FROM extraction_jobs") == "pending", "the job to come back", 60)
    assert column(stack, "loop.stp", "schema") is None and column(stack, "loop.stp", "geometry_status") is None  # no half
    if how == "pause":
        stack.cli("run", "resume", run)
    else:
        worker = stack.start_worker("w2", 1, "--geometry-budget", "10m")
    os.kill(until(lambda: busy(worker), "a kernel at work again", 240), signal.SIGKILL)
    stack.wait_run(run)
    assert stack.value("SELECT status FROM extraction_jobs") == "completed"
    print(json.dumps({"stop": how, "infra_losses": stack.value("SELECT infra_losses FROM extraction_jobs")}))
    assert stack.value("SELECT retry_count FROM extraction_jobs") == 0  # no attempt is used up
    assert stack.value("SELECT count(*) FROM cad_models") == 1
    assert column(stack, "loop.stp", "geometry_status") == "resource"
    assert column(stack, "loop.stp", "schema") == "AUTOMOTIVE_DESIGN"
