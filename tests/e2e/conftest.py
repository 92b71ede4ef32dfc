"""End-to-end tests: real processes, a real PostgreSQL, loopback only."""

import contextlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.harness.quarry import Stack  # noqa: E402


def stacks():
    """A function that makes a Stack, stack_of(roots={...}); all are closed when the fixture ends."""
    with contextlib.ExitStack() as made:
        yield lambda **how: made.enter_context(Stack(**how))


stack_of = pytest.fixture(stacks)
module_stack_of = pytest.fixture(stacks, scope="module")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the ends of the programs' logs."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for stack in Stack.open_ones:
            report.sections.append((f"logs of {stack.folder}", stack.logs()))
