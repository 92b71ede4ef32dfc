"""The simulation of the engine at its release speed (docs/engine.md)."""

import subprocess

import pytest

from tests.harness.quarry import BIN

SEEDS, PARTS = 10_000, 2


@pytest.mark.skipif(not (BIN / "sim").exists(), reason="the programs were built without the simulation")
def test_ten_thousand_seeds_hold():
    step = SEEDS // PARTS
    runs = [
        subprocess.Popen(
            [BIN / "sim", "--seeds", f"{first + 1}..{first + step}"], stdout=subprocess.PIPE, text=True
        )
        for first in range(0, SEEDS, step)
    ]
    outputs = [run.communicate()[0] for run in runs]
    for run, output in zip(runs, outputs):
        assert run.returncode == 0, output
        assert f"seeds {step}," in output
