"""The benchmarks that bring statements of their own still fit the product's: tiny runs, figures are not looked at."""
import json
import os
import subprocess
import sys

import pytest

from tests.harness.quarry import BIN, ROOT


@pytest.mark.parametrize("script, args, rows", [
    ("depth", ["--depths", "2000,4000", "--claims", "10"], ("depths", 2)),
    ("storage", ["--jobs", "2000"], ("results", 6)),
])
def test_it_runs_to_its_last_line(script, args, rows):
    done = subprocess.run([sys.executable, ROOT / "bench" / f"{script}.py", *args], capture_output=True, text=True,
                          timeout=240, env={**os.environ, "QUARRY_BIN": str(BIN)})
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["bench"] == script and len(report[rows[0]]) == rows[1]
