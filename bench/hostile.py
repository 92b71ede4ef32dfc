"""Large and hostile PDF and DXF files, one after the other, through `quarry extract`.

./dev bench hostile [--only WORD]... [--scale S] [--folder DIR] [--list]

Each file is made in a temporary folder, read, and removed. A row says what it took: seconds of the whole
command, of the reading alone ("read") and of the processor in the reading process ("cpu"), that process's peak
memory in MB (VmHWM, and the largest RssAnon seen, sampled from /proc), and how it ended. The last line is one
JSON object. Exit code 1 when a file ended in a crash, in a timeout or beyond the memory limit, which no file
may. Linux only.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.hostile_files import cases  # noqa: E402

EVERY_S = 0.02  # between looks at the processes
LIMIT_MB = 1024  # of a reading process
SLOW_S, LARGE_MB = 20, 400  # of processor time, of RssAnon: beyond these a row is marked
BAD_CLASSES = ("crash", "timeout", "internal")


def processes_below(pid):
    """PIDs of all processes below one."""
    found, todo = [], [pid]
    while todo:
        try:
            kids = pathlib.Path(f"/proc/{todo[0]}/task/{todo[0]}/children").read_text().split()
            tasks = os.listdir(f"/proc/{todo[0]}/task")
            for task in tasks:
                if task != str(todo[0]):
                    kids += pathlib.Path(f"/proc/{todo[0]}/task/{task}/children").read_text().split()
        except OSError:
            kids = []
        todo = todo[1:] + [int(kid) for kid in kids]
        found += [int(kid) for kid in kids]
    return found


def status_mb(pid, keys):
    """Values of /proc/PID/status in MB; {} when it is gone."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split(":") for line in lines)
    return {key: int(rest.split()[0]) / 1024 for key, rest in pairs if key in keys}


def cpu_s(pid):
    """Seconds of the processor a process has used."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch(threading.Thread):
    """Samples the memory of `quarry-worker --child` below a process until it is told to stop."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.stop = pid, threading.Event()
        self.peak = {"VmHWM": 0.0, "RssAnon": 0.0}
        self.cpu = 0.0  # of the child; they are read one at a time
        self.above = 0.0  # VmHWM of the processes that serve the child

    def run(self):
        while not self.stop.wait(EVERY_S):
            for pid in [self.pid] + processes_below(self.pid):
                try:
                    child = b"--child" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                except OSError:
                    continue
                seen = status_mb(pid, self.peak)
                if child:
                    self.peak = {key: max(was, seen.get(key, 0)) for key, was in self.peak.items()}
                    self.cpu = max(self.cpu, cpu_s(pid))
                else:
                    self.above = max(self.above, seen.get("VmHWM", 0))


def read(quarry, path, record_path):
    """Run `quarry extract` on a file; returns what it took and what it said."""
    with open(record_path, "wb") as out:
        start = time.monotonic()
        with subprocess.Popen([quarry, "extract", "--jobs", "1", "-o", "jsonl", path], stdout=out,
                              stderr=subprocess.DEVNULL) as process:
            watch = Watch(process.pid)
            watch.start()
            code = process.wait()
            seconds = time.monotonic() - start
            watch.stop.set()
            watch.join()
    row = {"seconds": round(seconds, 2), "cpu_s": round(watch.cpu, 2), "rss_mb": round(watch.peak["VmHWM"]),
           "anon_mb": round(watch.peak["RssAnon"]), "parent_mb": round(watch.above), "exit": code}
    return row | outcome(record_path)


def outcome(record_path):
    """What a record says: outcome and class, partial, notes, sizes of its lists."""
    size = record_path.stat().st_size
    try:
        record = json.loads(record_path.read_bytes())
    except ValueError:
        return {"outcome": "no record", "record_mb": round(size / 1e6, 1)}
    lists = {key: len(value) for key, value in record.items()
             if isinstance(value, list) and value and key != "notes"}
    error = record.get("error", {})
    return {"outcome": error.get("class", record["status"]), "message": error.get("message", ""),
            "read_s": record.get("duration_ms", 0) / 1000, "partial": record.get("partial", False),
            "empty": record.get("empty_reason", ""), "record_mb": round(size / 1e6, 1), "lists": lists,
            "notes": {note["code"]: note["count"] for note in record.get("notes", [])}}


def verdict(row):
    """"bad": what no file may do; "slow", "large": worth a look; "" otherwise."""
    if row["outcome"] in BAD_CLASSES or row["outcome"] == "no record" or row["exit"] not in (0, 1):
        return "bad"
    if row["anon_mb"] > LIMIT_MB or (row["outcome"] == "resource" and "memory" in row["message"]):
        return "bad"
    marks = ["slow"] * (row["cpu_s"] > SLOW_S) + ["large"] * (row["anon_mb"] > LARGE_MB)
    return " ".join(marks)


def measure(quarry, case, n, folder):
    """Make the file of a case, read it, remove it; returns its row."""
    path, record = folder / (case.name + case.suffix), folder / "record.json"
    try:
        with open(path, "wb", buffering=1 << 20) as file:
            case.write(file, n)
        row = {"case": case.name, "n": n, "mb": round(path.stat().st_size / 1e6, 1)}
        row |= read(quarry, path, record)
    finally:
        path.unlink(missing_ok=True)
        record.unlink(missing_ok=True)
    row["verdict"] = verdict(row)
    return row


def show(row):
    ended = row["outcome"] + (" partial" if row.get("partial") else "")
    notes = " ".join(f"{code}:{count}" for code, count in row.get("notes", {}).items())
    said = "; ".join(part for part in (row.get("empty", ""), row.get("message", ""), notes) if part)
    mark = f"[{row['verdict']}] " if row["verdict"] else ""
    print(f"{row['case']:<22} {row['mb']:>7.1f} {row['seconds']:>7.2f} {row.get('read_s', 0):>7.2f} "
          f"{row['cpu_s']:>6.2f} {row['rss_mb']:>5} {row['anon_mb']:>5} {row['parent_mb']:>6}  {mark}{ended}  {said}",
          flush=True)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench hostile", description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", default=[], help="cases whose names contain it (repeatable)")
    parser.add_argument("--scale", type=float, default=1.0, help="sizes are multiplied by it (default 1)")
    parser.add_argument("--folder", default=None, help="where files are made (default: the system's)")
    parser.add_argument("--quarry", default=ROOT / "build/bin/quarry", help="program to run")
    parser.add_argument("--list", action="store_true", help="name the cases and end")
    args = parser.parse_args()
    chosen = [case for case in cases() if not args.only or any(word in case.name for word in args.only)]
    if not chosen:
        parser.error("no case has that in its name; --list shows them")
    if args.list:
        for case in chosen:
            print(f"{case.name:<22} {case.n:>13,} {case.about}")
        return 0
    rows = []
    print(f"{'case':<22} {'MB':>7} {'s':>7} {'read':>7} {'cpu':>6} {'RSS':>5} {'anon':>5} {'parent':>6}  outcome")
    with tempfile.TemporaryDirectory(prefix="quarry-hostile-", dir=args.folder) as folder:
        for case in chosen:
            rows.append(measure(args.quarry, case, max(int(case.n * args.scale), 1), pathlib.Path(folder)))
            show(rows[-1])
    bad = [row["case"] for row in rows if row["verdict"] == "bad"]
    print(json.dumps({"bench": "hostile", "scale": args.scale, "bad": bad, "cases": rows}))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
