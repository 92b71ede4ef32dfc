"""The scenarios, one file a family. Each is a function of a Case that makes its fault and returns at its end.

What a fault is to last stands in the Case: in the long form as long as the name says, in the short one a few
ttl. `CATALOG` has them in the order of a run.
"""
import collections

Scenario = collections.namedtuple("Scenario", "name title run needs stack")
CATALOG = []


def scenario(title, needs=(), stack="programs"):
    """Registers a function of a Case under its own name. needs: what of the stack must be there."""
    def register(function):
        CATALOG.append(Scenario(function.__name__, title, function, needs, stack))
        return function
    return register


class Case:
    """One scenario's time: the stack, a seeded source of chance, and how long things last."""

    def __init__(self, stack, options, rng, run_id, say):
        self.stack, self.options, self.random, self.run_id, self.say = stack, options, rng, run_id, say
        self.note, self.problems = "", []
        self.after = lambda: None  # called when the rate is back

    def took_effect(self, happened, otherwise):
        """A fault that did not happen proves nothing: the scenario fails."""
        if not happened:
            self.problems.append(f"the fault did not happen: {otherwise}")

    def lasting(self, full_s):
        """So long in the long form; in the short one a little more than a ttl, at most a third of it."""
        return max(min(full_s, self.options.ttl_s * 1.5), full_s * self.options.scale)


def load():
    """Imports the families, in the order of a run."""
    from tests.chaos.scenarios import programs, database, network, disk, clocks, control  # noqa: F401
    return CATALOG
