"""Rates around a fault, and the table that the suite prints."""
import json

TRAIL_S = 2.0  # the rate at a moment is that of the two seconds before it
HOLD_S = 5.0  # and it must hold: the mean of so many seconds after it counts as well
SHARE = 0.9
HOLD_SHARE = 0.75  # a moment's noise is no relapse
GIVE_UP_S = 60.0
DUPLICATE_STARTS = 0.03
RECOVERY_S = 30.0

COLUMNS = (("scenario", 42), ("jobs", 7), ("lost", 5), ("doubled", 8), ("starts/job", 11), ("again", 7), ("stale", 6),
           ("dup", 5), ("rate", 7), ("fault s", 8), ("recovery s", 11), ("verdict", 8))


def recovered_after(sampler, end, before, now, hold_s):
    """Seconds from `end` until the rate is back at 90 % of `before` and stays there; None: not yet."""
    step = 0.1
    at = end
    while at + hold_s <= now:
        if (sampler.rate(at - TRAIL_S, at) >= SHARE * before
                and sampler.rate(at, at + hold_s) >= HOLD_SHARE * before):
            return round(at - end, 1)
        at += step
    return None


class Row:
    """One scenario's line."""

    def __init__(self, name):
        self.name, self.figures, self.problems = name, {}, []
        self.rate = self.fault_s = self.recovery_s = None
        self.note = ""
        self.skipped = None

    def judge(self, may_start_again):
        """Adds what the figures say to the problems. `may_start_again`: so many needless starts are a few, however
        few jobs there were: what the workers of one fault run at a time."""
        f = self.figures
        if self.skipped or not f:
            return
        if f.get("starts_again", 0) >= DUPLICATE_STARTS and f["needless"] > may_start_again:
            self.problems.append(f"{100 * f['starts_again']:.1f} % of the starts were not the job's first, "
                                 f"allowed are {100 * DUPLICATE_STARTS:.0f} %")
        if self.recovery_s is None:
            self.problems.append(f"the rate did not come back to {100 * SHARE:.0f} % of {self.rate:.0f}/s "
                                 f"within {GIVE_UP_S:.0f} s")
        elif self.recovery_s > RECOVERY_S:
            self.problems.append(f"recovery took {self.recovery_s} s, allowed are {RECOVERY_S:.0f}")

    @property
    def verdict(self):
        return "skipped" if self.skipped else "FAILED" if self.problems else "ok"

    def cells(self):
        f = self.figures
        if self.skipped or not f:
            return [self.name] + [""] * (len(COLUMNS) - 2) + [self.verdict]
        number = "{:.1f}".format
        return [self.name, f["jobs"], f["lost"], f["doubled"], f"{f.get('starts_mean', 0):.3f}",
                f"{100 * f.get('starts_again', 0):.2f} %", f.get("stale", 0), f.get("duplicate", 0),
                f"{self.rate:.0f}", number(self.fault_s),
                "-" if self.recovery_s is None else number(self.recovery_s), self.verdict]

    def json(self):
        return {"scenario": self.name, **self.figures, "rate": self.rate and round(self.rate, 1),
                "fault_s": self.fault_s and round(self.fault_s, 1), "recovery_s": self.recovery_s,
                "verdict": self.verdict, **({"problems": self.problems} if self.problems else {}),
                **({"skipped": self.skipped} if self.skipped else {}), **({"note": self.note} if self.note else {})}


def line(cells):
    out = []
    for (_, width), cell in zip(COLUMNS, cells):
        out.append(f"{cell:<{width}}" if not out else f"{cell:>{width}}")
    return "".join(out)


def head():
    return line([name for name, _ in COLUMNS])


def summary(rows, **facts):
    """The last line: one JSON object."""
    return json.dumps({"bench": "chaos", **facts, "scenarios": [row.json() for row in rows],
                       "passed": sum(row.verdict == "ok" for row in rows),
                       "failed": sum(row.verdict == "FAILED" for row in rows),
                       "skipped": sum(row.verdict == "skipped" for row in rows)})
