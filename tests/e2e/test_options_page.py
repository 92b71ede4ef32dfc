"""docs/options.md is what the programs say about their options."""
import os
import subprocess

from tests.harness.quarry import BIN, ROOT

HEAD = """# Options

Printed by the programs themselves (`PROGRAM --help-markdown`). A flag outranks the environment, the
environment the file given by `--config FILE`. Durations have a unit (500ms, 8s, 2m, 1h, 1d), sizes may have
one (64k, 64M, 2G, by 1024). In the environment the items of a list are separated by commas; in the file a
list is a sequence, or for NAME=VALUE items a mapping. The verbs of `quarry` have their own options:
`quarry help VERB`.

"""


def test_the_page_is_up_to_date():
    """With QUARRY_WRITE=1 it is written anew."""
    page = HEAD + "".join(subprocess.run([BIN / program, "--help-markdown"], text=True, check=True,
                                         stdout=subprocess.PIPE, timeout=60).stdout
                          for program in ("quarry-coordinator", "quarry-worker", "quarry-cadbridge", "quarry-creo-sim"))
    page = page.rstrip("\n") + "\n"
    path = ROOT / "docs" / "options.md"
    if os.environ.get("QUARRY_WRITE") == "1":
        path.write_text(page)
    assert path.read_text() == page, "write it anew: QUARRY_WRITE=1 pytest tests/e2e/test_options_page.py"
