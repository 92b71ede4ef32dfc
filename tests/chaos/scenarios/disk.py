"""A worker's spool disk without a byte left."""
import os
import time

from tests.chaos.scenarios import scenario


@scenario("spool disk full", needs=("mounts",), stack="network")
def spool_full(case):
    filler = case.stack.folder / "spool-w3" / "filler"
    with open(filler, "wb", buffering=0) as out:
        try:
            while True:
                out.write(b"\0" * 65536)
        except OSError:  # to the last page
            pass
    time.sleep(case.lasting(30))
    case.took_effect(" spool.full " in case.stack.programs["w3"].log.read_text(errors="replace"),
                     "the worker did not say spool.full")
    os.unlink(filler)
