"""Models through the sandboxed extractor, and how tests look at the records."""
import json
import subprocess

from tests.harness.quarry import BIN


def reader(folder, default):
    """A function from bytes (and a file name) to the record of them."""
    def run(data, name=default):
        path = folder / name
        path.write_bytes(data)
        done = subprocess.run([BIN / "quarry-worker", "--extract", "-o", "jsonl", path], capture_output=True,
                              timeout=300, check=False)
        record, = (json.loads(line) for line in done.stdout.decode("utf-8").splitlines())
        return record
    return run


def only(rows, **wanted):
    """The one row that has these values."""
    found = [row for row in rows if all(row.get(key) == what for key, what in wanted.items())]
    assert len(found) == 1, (wanted, found)
    return found[0]


def parameters(record):
    """(set, name) -> (value, unit)"""
    return {(row["set"], row["name"]): (row.get("value", ""), row.get("unit", "")) for row in record["parameters"]}


def notes(record):
    return {note["code"] for note in record.get("notes", [])}
