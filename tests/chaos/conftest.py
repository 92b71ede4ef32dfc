"""Fixtures of the checker's own test."""
from tests.e2e.conftest import stack_of  # noqa: F401
