"""A private PostgreSQL with the product's settings and schema, and what benchmarks ask of it."""
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import tempfile

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("QUARRY_BIN", ROOT / "build" / "bin"))
SQL = ROOT / "coordinator" / "db" / "sql"
SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "wal_compression", "shared_buffers", "max_wal_size",
            "autovacuum")
# as coordinator/db/conn.c sets them on the lanes of the hot path
HOT = ("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off;"
       "SET enable_mergejoin = off; SET max_parallel_workers_per_gather = 0; SET cpu_tuple_cost = 10; SET jit = off;"
       "SET timezone = 'UTC'")


def _stat(pid):
    """Parent, own ticks, ticks of ended children."""
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2:].split()
    return int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])


def cpu_s(pid):
    """Processor seconds of one process, exact to a nanosecond."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def cpu_tree_s(pid):
    """Processor seconds of a process and all it started, ended ones included."""
    ticks = sum(_stat(pid)[1:])
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit():
                parent, own, ended = _stat(entry)
                ticks += own + ended if parent == pid else 0
        except OSError:
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


class Server:
    """with Server() as server: server.connect()"""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="quarry-bench-")
        os.chmod(self.dir, 0o755)
        self.cluster = f"{self.dir}/pg"
        self.coordinator = subprocess.Popen(
            [BIN / "quarry-coordinator", "--embedded-postgres", self.cluster, "--listen", "127.0.0.1:0", "--http",
             "127.0.0.1:0", "--log-level", "warn"], stdout=subprocess.PIPE, text=True)
        if not self.coordinator.stdout.readline().startswith("ready"):
            self.__exit__()
            raise SystemExit("the coordinator did not get ready")
        lines = pathlib.Path(f"{self.cluster}/data/postmaster.pid").read_text().splitlines()
        self.pid, self.socket = int(lines[0]), lines[4]
        return self

    def __exit__(self, *_):
        self.coordinator.send_signal(signal.SIGTERM)
        self.coordinator.wait(timeout=90)
        shutil.rmtree(self.dir, ignore_errors=True)

    def url(self, database="quarry"):
        return f"host={self.socket} port=5432 user=quarry dbname={database}"

    def uri(self, database):
        return f"postgres://quarry@localhost:5432/{database}?host={self.socket}"

    def connect(self, database="quarry", hot=False):
        conn = psycopg2.connect(self.url(database))
        conn.autocommit = True
        cursor = conn.cursor()
        if hot:
            cursor.execute(HOT)
        return cursor

    def migrate(self, database):
        """The schema into another database of the server."""
        with subprocess.Popen([BIN / "quarry-coordinator", "--database", self.url(database), "--listen", "127.0.0.1:0",
                               "--http", "127.0.0.1:0", "--log-level", "warn"], stdout=subprocess.PIPE,
                              text=True) as coordinator:
            coordinator.stdout.readline()
            coordinator.send_signal(signal.SIGTERM)

    def settings(self):
        cursor = self.connect()
        cursor.execute("SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY (%s)", (list(SETTINGS),))
        found = dict(cursor.fetchall())
        cursor.execute("SHOW server_version")
        return cursor.fetchone()[0], found


def one(cursor, sql, args=None):
    """The first value of the first row."""
    cursor.execute(sql, args)
    return cursor.fetchone()[0]


def prepare(cursor, *names):
    """Statements of coordinator/db/sql under their own names."""
    for name in names:
        cursor.execute(f"PREPARE {name} AS " + (SQL / f"{name}.sql").read_text())


def array(values):
    return "'{" + ",".join("NULL" if v is None else str(v) for v in values) + "}'"


def median(values):
    return statistics.median(values)


def number_in(pattern, text):
    found = re.search(pattern, text)
    return float(found.group(1)) if found else None
