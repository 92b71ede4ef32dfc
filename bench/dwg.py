"""DWG through the converter: what of a corpus is read, whether it agrees with its oracles, and what it costs.

./dev bench dwg [--corpus DIR] [--rounds N]

A row says of each file: how it ended, entities in model space, dimensions, texts, layers, blocks, characters of
text, and where that differs from truth.tsv of the corpus (LibreDWG's own API) or from the same drawing as DXF
(ezdxf, a second oracle). Then the hostile files, by class. Then processor time for a file: in a converter that
stays, in one started for each file, and of Quarry's own children alone, each the median of N rounds (A B A B). The
last line is one JSON object.
"""
import argparse
import collections
import csv
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = pathlib.Path(os.environ.get("QUARRY_BIN", ROOT / "build" / "bin"))
COLUMNS = ("msp_entities", "DIMENSION", "TEXT", "MTEXT", "INSERT", "ATTRIB", "layers", "blocks")


def truth(corpus):
    with open(corpus / "truth.tsv", newline="", encoding="utf-8") as table:
        return {row["path"]: row for row in csv.DictReader(table, delimiter="\t")}


def extract(files, *flags):
    done = subprocess.run([BIN / "quarry-worker", "--extract", "-o", "jsonl", *flags, *files], capture_output=True,
                          timeout=1200, check=False)
    assert done.returncode in (0, 1), done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]


def counted(record):
    """What the columns of truth.tsv count. ATTRIB: the API counts those of paper space as well."""
    model, paper = record.get("entities", {}), record.get("paper_entities", {})
    found = {name: model.get(name, 0) for name in COLUMNS[1:5]}
    return {"msp_entities": sum(model.values()) - model.get("ATTRIB", 0), **found,
            "ATTRIB": model.get("ATTRIB", 0) + paper.get("ATTRIB", 0),
            "layers": len(record.get("layers", [])), "blocks": len(record.get("blocks", []))}


def oracles(rows, row):
    """(name, counts) of each oracle; the DXF twin's by plain counts and ezdxf."""
    yield "api", {name: int(row["dwg_" + name] or 0) for name in COLUMNS}
    twin = rows.get(row["dwg_paired_dxf"])
    if twin and twin["dxf_rawms_entities"]:
        counts = {name: int(twin["dxf_rawms_" + name] or 0) for name in COLUMNS[1:6]}
        yield "dxf", {"msp_entities": int(twin["dxf_rawms_entities"]), **counts, "layers": int(twin["dxf_raw_LAYER"]),
                      "blocks": int(twin["dxf_raw_BLOCK"])}


def differences(rows, row, record):
    """Columns that agree with none of the oracles, as "name ours/theirs"."""
    ours = counted(record)
    theirs = list(oracles(rows, row))
    return [f"{name} {ours[name]}/" + "/".join(str(counts[name]) for _, counts in theirs)
            for name in COLUMNS if all(ours[name] != counts[name] for _, counts in theirs)]


def agreement(rows, pairs):
    """Per column: how many files agree with the API, with the DXF twin, with one of them; and files in all."""
    table = {name: collections.Counter() for name in COLUMNS}
    for row, record in pairs:
        ours = counted(record)
        agreed = collections.Counter()
        for oracle, counts in oracles(rows, row):
            for name in COLUMNS:
                same = ours[name] == counts[name]
                table[name][oracle + "_files"] += 1
                table[name][oracle] += same
                agreed[name] += same
        for name in COLUMNS:
            table[name]["either"] += agreed[name] > 0
    return table


def summary(records):
    """Files that give text, layers and so on; failures by class."""
    done = [record for record in records if record["status"] == "completed"]
    return {"files": len(records), "completed": len(done), "text": sum(1 for r in done if r.get("text", "").strip()),
            "layers": sum(1 for r in done if r.get("layers")), "entities": sum(1 for r in done if r.get("entities")),
            "blocks": sum(1 for r in done if r.get("blocks")), "dimensions": sum(1 for r in done if r.get("dimensions")),
            "failed": dict(collections.Counter(r["error"]["class"] for r in records if r["status"] == "failed"))}


def print_files(rows, pairs):
    head = ("FILE", "VERSION", "STATUS", "ENTITIES", "DIMS", "TEXTS", "LAYERS", "BLOCKS", "CHARS", "DIFFERS (ours/oracles)")
    lines = [head]
    for row, record in pairs:
        ours = counted(record)
        lines.append((pathlib.Path(row["path"]).name, row["dwg_version"], record["status"], ours["msp_entities"],
                      ours["DIMENSION"], ours["TEXT"] + ours["MTEXT"], ours["layers"], ours["blocks"],
                      len(record.get("text", "")), ", ".join(differences(rows, row, record)) or "-"))
    widths = [max(len(str(line[i])) for line in lines) for i in range(len(head))]
    for line in lines:
        print("  ".join(f"{str(cell):{width}}" for cell, width in zip(line, widths)).rstrip())


def cpu_of(call):
    """Processor seconds of all processes that a call starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def costs(files, rounds):
    """Median processor milliseconds a file, each way; the ways take turns."""
    folder = ROOT / "worker" / "tool" / "dwg"
    one = ["node", "--liftoff-only", "--wasm-lazy-compilation", "--single-threaded", "convert.mjs"]

    def started_each_time():
        for file in files:
            subprocess.run(one, input=f"{file} /dev/null\n", text=True, cwd=folder, check=True, stdout=subprocess.PIPE)

    ways = {
        "stays": lambda: extract(files, "--jobs", "1"),
        "started each time": started_each_time,
        "none (unsupported)": lambda: extract(files, "--jobs", "1", "--dwg-converter", "off"),
    }
    taken = {name: [] for name in ways}
    for _ in range(rounds):
        for name, call in ways.items():
            taken[name].append(cpu_of(call) / len(files) * 1000)
    return {name: round(statistics.median(values), 1) for name, values in taken.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=pathlib.Path, default=pathlib.Path(
        os.environ.get("QUARRY_CORPUS", ROOT.parent / "shared" / "corpus")))
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if not (args.corpus / "truth.tsv").exists():
        sys.exit(f"bench dwg: no truth.tsv in {args.corpus}; hint: --corpus DIR")
    rows = truth(args.corpus)
    chosen = [row for path, row in rows.items() if path.startswith("dwg/")]
    files = [args.corpus / row["path"] for row in chosen]
    records = extract(files)
    pairs = list(zip(chosen, records))
    print_files(rows, pairs)
    table = agreement(rows, pairs)
    print("\nagree      api          dxf twin     either")
    for name, count in table.items():
        print(f"{name:13}{count['api']:2} of {count['api_files']:2}     {count['dxf']:2} of {count['dxf_files']:2}     "
              f"{count['either']:2} of {len(pairs)}")
    hostile = sorted((args.corpus / "hostile").glob("*.dwg"))
    print("\nhostile")
    for file, record in zip(hostile, extract(hostile)):
        how = record.get("error") or {"class": "completed", "message": f"{sum(record.get('entities', {}).values())} entities"}
        print(f"{file.name:46}{how['class']:15}{how['message']}" + ("  (partial)" if record.get("partial") else ""))
    small = [file for file in files if file.stat().st_size < 300000]
    cost = costs(small, args.rounds)
    print(f"\nprocessor milliseconds a file ({len(small)} files below 300 kB)")
    for name, value in cost.items():
        print(f"{name:22}{value:8.1f}")
    print(json.dumps({**summary(records), "agree": {name: count["either"] for name, count in table.items()},
                      "all_agree": sum(1 for row, record in pairs if not differences(rows, row, record)),
                      "cpu_ms_a_file": cost}))


if __name__ == "__main__":
    main()
