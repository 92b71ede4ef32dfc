"""End-to-end tests: real processes, a real PostgreSQL, loopback only."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
