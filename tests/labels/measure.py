#!/usr/bin/python3
"""Measures the extraction against labelled drawings: precision and recall per part. See README.md beside this file."""

import argparse
import difflib
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PARTS = ("title_block", "dimensions", "gdt", "bom", "materials", "revisions", "notes")
DETAILS = ("dim text", "dim tolerances", "dim fit/quantity", "bom cells")
FIELDS = set(
    "drawing_number part_number revision title subtitle material finish scale sheet sheet_count size units date "
    "drawn_by drawn_date checked_by checked_date approved_by approved_date company project weight "
    "general_tolerance projection status department".split()
)
BOM_COLUMNS = ("item", "part_number", "description", "quantity", "unit", "material")
REVISION_COLUMNS = ("revision", "date", "description", "author", "zone")
SAME = str.maketrans("⌀ø∅φ×−–—‐‑“”″’′µ", "ØØØØx-----\"\"\"''μ")
PATHS = " (text as paths)"
HELD_OUT = "held-out"  # the folder of labels that no rule was measured by
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


# ---- texts, numbers and dates

def norm(text):
    text = " ".join(str(text).translate(SAME).split()).casefold()
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    return re.sub(r"\s*([:/])\s*", r"\1", text)


def days(text):
    """The days that a written date may mean (day first or month first)."""
    text = norm(text)
    if m := re.fullmatch(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})", text):
        return {tuple(map(int, m.groups()))}
    if m := re.fullmatch(r"(\d{1,2})[-./](\d{1,2})[-./](\d{2}|\d{4})", text):
        a, b, year = map(int, m.groups())
        year += 2000 if year < 100 else 0
        return {(year, x, y) for x, y in ((a, b), (b, a)) if 1 <= x <= 12}
    if m := re.fullmatch(r"(\d{1,2})[-. ]+([a-z]{3})[a-z]*[-. ,]+(\d{4})", text):
        if m[2] in MONTHS:
            return {(int(m[3]), MONTHS.index(m[2]) + 1, int(m[1]))}
    return set()


def same_number(a, b):
    return a is not None and b is not None and abs(a - b) <= 1e-6 * max(1.0, abs(a), abs(b))


def same_text(expected, found):
    """True when `found` is one of the spellings of `expected` (None: any)."""
    if found is None or expected is None:
        return found is not None
    for one in expected if isinstance(expected, list) else [expected]:
        if norm(one) == norm(found) or (days(one) and days(one) & days(found)):
            return True
    return False


# ---- which finds lie where the label looks

def box_of(find):
    return find.get("box") or (find.get("place") or {}).get("box")


def in_view(label, find, by_region):
    if label.get("page") and find.get("page", label["page"]) != label["page"]:
        return False
    if label.get("layout") and find.get("layout", label["layout"]) != label["layout"]:
        return False
    region, box = label.get("region"), box_of(find)
    if not by_region or not region or not box:
        return True
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return region[0] <= x <= region[2] and region[1] <= y <= region[3]


def title_finds(label, record):
    places = record.get("title_block_places", {})
    for field, value in record.get("title_block", {}).items():
        place = places.get(field) or {}
        place = place[0] if isinstance(place, list) else place
        if field not in FIELDS or not in_view(label, place, False):
            continue
        values = value if isinstance(value, list) else [value]
        if len(values) > 1 and len(record.get("pages", [])) > 1:  # the record has the place of the first one only
            wanted = {**label["title_block"], **label.get("title_block_optional", {})}.get(field)
            values = [one for one in values if same_text(wanted or [], one)][:1] or values[:1]
        for one in values:
            yield {"field": field, "value": one}


def finds_of(label, record, part):
    if part == "title_block":
        return list(title_finds(label, record))
    finds = record.get("drawing_notes" if part == "notes" else part, [])
    return [find for find in finds if in_view(label, find, part in ("dimensions", "gdt", "notes"))]


def expected_of(label, part):
    if part == "title_block":
        entries = [{"field": k, "value": v} for k, v in label[part].items()]
        extra = label.get("title_block_optional", {})
        return entries + [{"field": k, "value": v, "optional": True} for k, v in extra.items()]
    if part == "materials":
        return [one if isinstance(one, dict) else {"name": one} for one in label[part]]
    return label[part]


# ---- matching: 0 is no match, more is better

def same_kind(want, find):
    kinds = want["kind"] if isinstance(want["kind"], list) else [want["kind"]]
    return find.get("kind") in kinds or (find.get("kind") == "aligned" and "linear" in kinds)


def same_value(want, find):
    """A dimension without a number is right only without one."""
    return find.get("value") is None if want["value"] is None else same_number(want["value"], find.get("value"))


def same_tolerance(a, b):
    return all(same_number(a.get(k, 0.0), b.get(k, 0.0)) for k in ("upper", "lower"))


def match_title(want, find):
    return want["field"] == find["field"] and same_text(want["value"], find["value"])


def match_dimension(want, find):
    if not same_kind(want, find) or not same_value(want, find):
        return 0
    return 1 + 4 * same_text(want["text"], find.get("text")) + 2 * same_tolerance(want, find) + (
        want.get("quantity", 1) == find.get("quantity", 1))


def match_gdt(want, find):
    datums = [norm(one)[:1] for one in find.get("datums", [])]
    return (same_text(want["characteristic"], find.get("characteristic", "").replace("_", " "))
            and same_number(want.get("value"), find.get("value"))
            and [norm(one)[:1] for one in want.get("datums", [])] == datums)


def cells(want, find, columns):
    """(labelled cells, those of them that came right)"""
    have = [column for column in columns if want.get(column) not in (None, "")]
    return len(have), sum(same_text(want[column], find.get(column)) for column in have)


def match_row(columns):
    def match(want, find):
        total, right = cells(want, find, columns)
        return total > 0 and total == right
    return match


def match_material(want, find):
    both = " ".join(filter(None, (find.get("name"), find.get("standard"))))
    return same_text(want["name"], find.get("name")) or same_text(want["name"], both)


def match_note(want, find):
    ratio = difflib.SequenceMatcher(None, norm(want["text"]), norm(find.get("text", "")), autojunk=False).ratio()
    numbers = [norm(one.get("number", "")).rstrip(".") for one in (want, find)]
    return ratio if numbers[0] == numbers[1] and ratio >= 0.9 else 0


MATCH = {
    "title_block": match_title,
    "dimensions": match_dimension,
    "gdt": match_gdt,
    "bom": match_row(BOM_COLUMNS),
    "materials": match_material,
    "revisions": match_row(REVISION_COLUMNS),
    "notes": match_note,
}


def pair(wants, finds, score):
    """Pairs best first, each used once; required labels before optional ones."""
    scores = []
    for i, want in enumerate(wants):
        for j, find in enumerate(finds):
            value = score(want, find)
            if value:
                scores.append((bool(want.get("optional")), -float(value), i, j))
    taken_want, taken_find, pairs = set(), set(), []
    for _, _, i, j in sorted(scores):
        if i not in taken_want and j not in taken_find:
            taken_want.add(i)
            taken_find.add(j)
            pairs.append((i, j))
    return pairs


# ---- one part of one drawing

def details(part, wants, finds, pairs, out):
    if part == "dimensions":
        for want, find in ((wants[i], finds[j]) for i, j in pairs):
            add(out, "dim text", same_text(want["text"], find.get("text")))
            if any(k in d for d in (want, find) for k in ("upper", "lower")):
                add(out, "dim tolerances", same_tolerance(want, find))
            fits = [norm(d.get("fit", "")) if want["kind"] != "thread" else "" for d in (want, find)]
            counts = [d.get("quantity", 1) for d in (want, find)]
            if any(fits) or counts != [1, 1]:
                add(out, "dim fit/quantity", fits[0] == fits[1] and counts[0] == counts[1])
    if part == "bom":
        best = {i: j for i, j in pair(wants, finds, lambda w, f: cells(w, f, BOM_COLUMNS)[1])}
        for i, want in enumerate(wants):
            if not want.get("optional"):
                total, right = cells(want, finds[best[i]] if i in best else {}, BOM_COLUMNS)
                add(out, "bom cells", right, total)


def add(out, name, right, total=1):
    have = out.setdefault(name, {"right": 0, "of": 0})
    have["right"] += int(right)
    have["of"] += total


def measure_part(label, record, part, out):
    wants, finds = expected_of(label, part), finds_of(label, record, part)
    pairs = pair(wants, finds, MATCH[part])
    required = [i for i, _ in pairs if not wants[i].get("optional")]
    used_want, used_find = {i for i, _ in pairs}, {j for _, j in pairs}
    details(part, wants, finds, pairs, out["details"])
    return {
        "expected": sum(1 for want in wants if not want.get("optional")),
        "found": len(finds) - (len(pairs) - len(required)),
        "matched": len(required),
        "misses": [w for i, w in enumerate(wants) if i not in used_want and not w.get("optional")],
        "false": [f for j, f in enumerate(finds) if j not in used_find],
    }


# ---- running and printing

def extract(quarry, path, extra, timeout):
    """(record, None) or (None, what went wrong)"""
    argv = [quarry, "extract", "-o", "jsonl", *extra, str(path)]
    try:
        run = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, check=False)
        record = json.loads(run.stdout.decode("utf-8").splitlines()[0])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as problem:
        return None, f"{path}: {problem}"
    if record.get("status") != "completed":
        return None, f"{path}: {record.get('error')}"
    return record, None


def ratios(sums):
    precision = sums["matched"] / sums["found"] if sums["found"] else None
    recall = sums["matched"] / sums["expected"] if sums["expected"] else None
    total = sums["expected"] + sums["found"]
    return precision, recall, 2 * sums["matched"] / total if total else None


def show_ratio(value):
    return "     -" if value is None else f"{value:6.3f}"


def short(name):
    return name if len(name) <= 56 else name[:27] + ".." + name[-27:]


def line(name, sums):
    shown = " ".join(show_ratio(one) for one in ratios(sums))
    print(f"{name:<58} {sums['expected']:>5} {sums['found']:>5} {sums['matched']:>5} {shown}")


def brief(part, entry):
    if part == "title_block":
        return f"{entry['field']} = {entry['value']!r}"
    if part == "materials":
        return repr(" | ".join(str(entry[k]) for k in ("name", "standard") if entry.get(k)))
    keys = ("kind", "value", "text", "upper", "lower", "fit", "quantity", "source", "characteristic", "datums",
            "number", "revision", "date", "author", "zone", "item", "part_number", "description", "unit", "material")
    shown = {key: entry[key] for key in keys if entry.get(key) not in (None, "", [])}
    box = box_of(entry)
    where = "  at [" + ", ".join(f"{edge:.0f}" for edge in box) + "]" if box else ""
    return json.dumps(shown, ensure_ascii=False) + where


def show_problems(results):
    for name, parts in results:
        for part, sums in parts.items():
            for kind in ("misses", "false"):
                for entry in sums[kind]:
                    print(f"{'MISS ' if kind == 'misses' else 'FALSE'} {part:<11} {name}: {brief(part, entry)}")


def totals(results):
    out = {}
    for _, parts in results:
        for part, sums in parts.items():
            have = out.setdefault(part, {"drawings": 0, "expected": 0, "found": 0, "matched": 0})
            have["drawings"] += 1
            for key in ("expected", "found", "matched"):
                have[key] += sums[key]
    return out


def show_totals(name, results, head):
    print(f"\n{name + ': ' + str(len(results)):<58}{head[58:]}")
    sums = totals(results)
    for part in PARTS:
        if part in sums:
            line(part, sums[part])


def report(title, results, extra, verbose):
    """Prints the tables of one set of drawings; the sums per part with their ratios."""
    head = f"{'':<58} {'want':>5} {'found':>5} {'match':>5} {'prec':>6} {'recall':>6} {'F1':>6}"
    sums = totals(results)
    for part in PARTS:
        if part in sums:
            print(f"\n{part}\n{head}")
            for name, parts in results:
                if part in parts and (parts[part]["expected"] or parts[part]["found"]):
                    line("  " + short(name), parts[part])
            line("  all", sums[part])
    show_totals(title, results, head)
    with_text = [result for result in results if not result[0].endswith(PATHS)]
    if len(with_text) < len(results):
        show_totals(title + " whose text is text", with_text, head)
    print()
    for name in DETAILS:
        if name in extra:
            print(f"{name:<58} right {extra[name]['right']} of {extra[name]['of']}")
    if verbose:
        print()
        show_problems(results)
    for have in sums.values():
        have["precision"], have["recall"], have["f1"] = ratios(have)
    return {"drawings": len(results), "parts": sums, "details": extra}


def report_all(results, extra, problems, verbose):
    """The drawings that extraction was tuned on, then the held-out ones, never added together."""
    out = {}
    for held_out, title in ((False, "tuned drawings"), (True, "held-out drawings")):
        if results[held_out]:
            print(f"\n==== {title} ====")
            out[held_out] = report(title, results[held_out], extra[held_out], verbose)
    for problem in problems:
        print("FAILED", problem)
    summary = {"failed_runs": len(problems), **out.get(False, {"drawings": 0, "parts": {}, "details": {}})}
    print(json.dumps({**summary, "held_out": out.get(True)}))


def labels_of(args):
    for path in sorted(HERE.glob("*/*.json")):
        label = json.loads(path.read_text(encoding="utf-8"))
        label["held_out"] = path.parent.name == HELD_OUT
        if args.only in label["file"]:
            yield label


def locate(label, corpus):
    if label["file"].startswith("samples/"):
        return ROOT / "tests" / label["file"]
    return corpus / label["file"] if corpus else None


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quarry", default=str(ROOT / "build" / "bin" / "quarry"), help="the program")
    parser.add_argument("--corpus", default=os.environ.get("QUARRY_CORPUS", ROOT.parent / "shared" / "corpus"))
    parser.add_argument("--only", default="", help="labels whose file name holds this")
    parser.add_argument("--arg", action="append", default=[], help="one more argument for the program")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for one file")
    parser.add_argument("-v", "--verbose", action="store_true", help="print every miss and every false find")
    return parser.parse_args()


def main():
    args = arguments()
    corpus = pathlib.Path(args.corpus)
    if not corpus.is_dir():
        print(f"no corpus at {corpus} (--corpus, QUARRY_CORPUS): only our own samples are measured")
        corpus = None
    results, extra = {False: [], True: []}, {False: {}, True: {}}  # by held_out
    problems, records = [], {}
    for label in labels_of(args):
        path = locate(label, corpus)
        if path is None:
            continue
        if path not in records:
            records[path] = extract(args.quarry, path, args.arg, args.timeout)
        record, problem = records[path]
        if problem and problem not in problems:
            problems.append(problem)
        out = {"details": extra[label["held_out"]]}
        parts = {part: measure_part(label, record or {}, part, out) for part in PARTS if part in label}
        name = label["file"] + (f"#{label['page']}" if label.get("page", 1) != 1 else "")
        name += PATHS if label.get("text_as_paths") else ""
        results[label["held_out"]].append((name, parts))
    report_all(results, extra, problems, args.verbose)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
