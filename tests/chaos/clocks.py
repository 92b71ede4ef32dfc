"""A stack whose clocks the suite can set: every program is started with clock.c before it, and a file that says
how far off its time of day is.

libfaketime does not serve here: with a file that is read again and again its programs answer four times slower,
and it moves the deadlines of pthread's waits. Only the time of day is changed, as a person or NTP would change
it; the clocks that measure durations go on. The children of a worker share its clock.
"""
import pathlib
import struct
import subprocess
import time

from tests.chaos.stack import Stack

SOURCE = pathlib.Path(__file__).with_name("clock.c")


class ClockStack(Stack):
    worker_names = ("w1", "w2")

    def _start(self):
        self.library = None
        if not self.options.sanitized and self._build():
            for name in ("postgres", "c1", "c2", *self.worker_names):
                self.set_clock(name, 0)
                self.env[name] = {"LD_PRELOAD": str(self.library), "CHAOS_CLOCK": str(self.folder / f"clock-{name}")}
        super()._start()

    def _build(self):
        library = self.folder / "clock.so"
        done = subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl"], capture_output=True)
        if done.returncode == 0:
            library.chmod(0o755)
            self.library = library
        return done.returncode == 0

    def set_clock(self, name, offset_s):
        """From now on that program's time of day is so many seconds off."""
        path = self.folder / f"clock-{name}"
        with open(path, "r+b" if path.exists() else "w+b") as out:
            out.write(struct.pack("=q", offset_s * 1_000_000_000))
        path.chmod(0o644)

    def seconds_off(self, name):
        """What a process under that clock finds: proves that the clock is really moved."""
        found = subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True,
                               env={**self.env[name], "PATH": "/usr/bin:/bin"})
        return int(found.stdout) - int(time.time())
