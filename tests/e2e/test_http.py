"""The coordinator's HTTP side: metrics that promtool accepts and docs/metrics.md explains, and health."""

import re
import shutil
import subprocess

import pytest

from tests.harness.quarry import ROOT, until

FAMILY = re.compile(r"^# TYPE (\S+) (\S+)$", re.M)


def value(text, series):
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.M)
    assert found, f"no {series} in\n{text}"
    return float(found.group(1))


@pytest.fixture
def finished(stack_of, tmp_path):
    """A stack after a run of three texts and one that is no file for us."""
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text(f"this is {name}\n")
    (tmp_path / "broken.pdf").write_text("not a PDF at all\n")
    tmp_path.chmod(0o755)
    stack = stack_of(roots={"in": tmp_path})
    stack.start_coordinator()
    stack.start_worker("w1", slots=2)
    stack.wait_run(stack.create_run("root://in/"))
    return stack


def test_metrics_agree_with_the_run(finished):
    text = finished.http("/metrics")
    assert value(text, 'quarry_results_total{outcome="committed"}') == 3
    assert value(text, 'quarry_results_total{outcome="failed"}') == 1
    assert value(text, 'quarry_results_total{outcome="stale"}') == 0
    assert value(text, "quarry_sessions_connected") == 1
    assert value(text, "quarry_slots") == 2
    assert value(text, "quarry_leases_accepted_total") >= 4
    until(lambda: value(finished.http("/metrics"), 'quarry_jobs{status="completed"}') == 3,
          "the cached counts of jobs")
    assert value(finished.http("/metrics"), 'quarry_jobs{status="failed"}') == 1


def test_metrics_are_clean_and_documented(finished):
    text = finished.http("/metrics")
    documented = (ROOT / "docs" / "metrics.md").read_text()
    names = [name for name, _ in FAMILY.findall(text)]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.search(rf"\b{name}\b", documented)] == []
    if shutil.which("promtool"):
        subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=True, timeout=60)


def test_health_pages(finished):
    assert finished.http("/healthz") == "alive\n"
    assert finished.http("/readyz") == "ready\n"
    assert "hint:" in finished.http("/nothing", code=404)
