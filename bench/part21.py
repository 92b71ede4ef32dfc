"""How fast exchange files (STEP, IFC) are read, and beside what others take for the same files.

./dev bench part21 [--megabytes N] [--rounds N] [--step FILE] [--ifc FILE] [--alone]

A large file is made by repeating the records of a small one under other numbers (by default of the corpus beside the
checkout, else of tests/samples). Figures are processor time of one thread, medians; rounds of ours and of others take
turns, each in a process of its own.

  index_mb_s     all records of the large STEP file found, MB/s
  tree_s         100 MB: everything an extraction does, hash to record: assembly, properties, shape, genome
  rss_anon       most private memory of that process, for each byte of the file
  web_ifc        web-ifc (npm): OpenModel of the IFC file; its time as a multiple of our index of that file
  occt           occt-import-js (npm): ReadStepFile of the small STEP file, which always meshes; its time as a multiple
                 of our whole extraction of that file

Without Node, or with --alone, only ours. The npm packages are those that bench/part21/package.json pins.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
HERE = ROOT / "bench" / "part21"
READER = ROOT / "build" / "bin" / "part21_reader"
CORPUS = pathlib.Path(os.environ.get("QUARRY_CORPUS", ROOT.parent / "shared" / "corpus"))
STEP = ["step/kicadpackages3d-PQFP-256_28x28mm_P0.4mm.step"], "step/gearbox.step"
IFC = ["ifc/bimwhale-LargeBuilding.ifc"], "ifc/*.ifc"


def say(text):
    print(text, file=sys.stderr, flush=True)


def first_of(choice):
    found = [CORPUS / name for name in choice[0] if (CORPUS / name).exists()]
    found += sorted((ROOT / "tests" / "samples").glob(choice[1]), key=lambda path: -path.stat().st_size)
    return found[0] if found else None


def repeat(source, target, size):
    """The records of `source` again and again, each time under higher numbers."""
    data = source.read_bytes()
    start = data.index(b"DATA;") + len(b"DATA;")
    stop = data.index(b"ENDSEC;", start)
    records = data[start:stop]
    highest = max(int(number) for number in re.findall(rb"#(\d+)\s*=", records))
    with open(target, "wb") as out:
        out.write(data[:start])
        written = shift = 0
        while written < size:
            shifted = records if not shift else re.sub(rb"#(\d+)", lambda match, by=shift: b"#%d" % (int(match[1]) + by), records)
            written += out.write(shifted)
            shift += highest + 1
        out.write(data[stop:])
    return target


class Memory(threading.Thread):
    """The most private memory a process has while it runs."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.path, self.most = f"/proc/{pid}/status", 0

    def run(self):
        while True:
            try:
                with open(self.path, encoding="ascii") as status:
                    found = re.search(r"RssAnon:\s+(\d+) kB", status.read())
            except OSError:
                return
            if not found:
                return
            self.most = max(self.most, int(found[1]) * 1024)
            time.sleep(0.002)


def run(argv):
    """The JSON that a program prints, and its most private memory."""
    with subprocess.Popen([str(arg) for arg in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=HERE) as process:
        memory = Memory(process.pid)
        memory.start()
        out, err = process.communicate(timeout=1800)
    memory.join(1)
    if process.returncode:
        raise RuntimeError(f"{argv[0]}: {err.decode(errors='replace').strip()[-300:]}")
    return json.loads(out.decode().splitlines()[-1]), memory.most


def others_there(alone):
    if alone:
        return "asked for ours alone"
    if not shutil.which("node") or not shutil.which("npm"):
        return "node and npm are not installed; try: apt-get install nodejs npm"
    if not (HERE / "node_modules" / "web-ifc").exists():
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=HERE, capture_output=True, check=False)
        if done.returncode:
            return "npm ci failed: " + done.stderr.decode(errors="replace").strip()[-200:]
    return None


def beside(ours, theirs, rounds):
    """Turns of both; medians of processor seconds and their ratio."""
    times = {"ours": [], "theirs": []}
    for _ in range(rounds):
        times["ours"] += run(ours)[0]["cpu_s"]
        found, _ = run(theirs)
        times["theirs"] += found["cpu_s"]
    own, other = (statistics.median(times[key]) for key in ("ours", "theirs"))
    return {"ours_s": round(own, 4), "theirs_s": round(other, 4), "ratio": round(other / own, 1), "found": found["found"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--step", type=pathlib.Path, default=first_of(STEP))
    parser.add_argument("--ifc", type=pathlib.Path, default=first_of(IFC))
    parser.add_argument("--alone", action="store_true")
    args = parser.parse_args()
    figures = {"bench": "part21", "step": args.step.name, "ifc": args.ifc.name if args.ifc else None}
    with tempfile.TemporaryDirectory(prefix="quarry-part21-") as folder:
        folder = pathlib.Path(folder)
        say(f"making files of {args.megabytes} MB and 100 MB from {args.step.name}")
        large = repeat(args.step, folder / "large.step", args.megabytes * 10**6)
        hundred = repeat(args.step, folder / "hundred.step", 100 * 10**6)
        found, _ = run([READER, "index", large, args.rounds + 1])
        seconds = statistics.median(found["cpu_s"][1:])
        figures |= {"bytes": found["bytes"], "records": found["found"], "index_mb_s": round(found["bytes"] / 1e6 / seconds),
                    "index_bytes_per_byte": round(found["index_bytes"] / found["bytes"], 3)}
        say(f"index    {figures['index_mb_s']} MB/s, {found['found']} records")
        trees = [run([READER, "extract", hundred, 1]) for _ in range(args.rounds)]
        figures |= {"tree_s": round(statistics.median(tree["cpu_s"][0] for tree, _ in trees), 3),
                    "rss_anon": round(max(most for _, most in trees) / trees[0][0]["bytes"], 3)}
        say(f"tree     {figures['tree_s']} s for 100 MB, private memory {figures['rss_anon']} of the file")
        hint = others_there(args.alone)
        if hint:
            say(f"others   left out: {hint}")
            figures["others"] = hint
        else:
            if args.ifc:
                model = repeat(args.ifc, folder / "large.ifc", min(args.megabytes, 100) * 10**6)
                figures["web_ifc"] = beside([READER, "index", model, 1], ["node", HERE / "others.mjs", "web-ifc", model, 1], args.rounds)
                say(f"web-ifc  {figures['web_ifc']}")
            figures["occt"] = beside([READER, "extract", args.step, 3], ["node", HERE / "others.mjs", "occt", args.step, 1],
                                     min(args.rounds, 2))
            say(f"occt     {figures['occt']}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
