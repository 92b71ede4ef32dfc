"""./dev refuses what it does not know, in one line that helps."""

import subprocess

import pytest

from tests.harness.quarry import ROOT


def dev(*args):
    return subprocess.run([ROOT / "dev", *args], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("args, says", [
    (["frobnicate"], "unknown verb 'frobnicate'"),
    (["build", "fast"], "unknown preset 'fast'"),
    (["setup", "--everything"], "unknown argument '--everything'"),
    (["up", "--slots", "many"], "--slots wants a number"),
    (["up", "a", "b"], "one folder at a time"),
    (["up", "--twice"], "unknown option '--twice'"),
])
def test_wrong_use_is_one_line_and_exit_2(args, says):
    done = dev(*args)
    assert done.returncode == 2
    assert says in done.stderr and "hint: ./dev help" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_is_not_there_is_named():
    done = dev("up", "no/such/folder")
    assert done.returncode == 1
    assert "no folder 'no/such/folder'" in done.stderr and done.stderr.count("\n") == 1


def test_help_teaches_every_verb():
    text = dev("help").stdout
    for verb in ("setup", "build", "up", "down", "test", "bench", "lint", "fmt", "psql", "fresh"):
        assert f"./dev {verb}" in text
