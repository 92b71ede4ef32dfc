"""A PostgreSQL server of the suite's own: it can be frozen, killed, restarted and told a wrong time.

    server = Postgres(folder)
    server.start()
    server.freeze(); server.thaw()
    server.stop("immediate"); server.start()
    server.close()

Unix socket only, in the folder itself; as root it runs as the user postgres. fsync is on, as in production.
"""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import time

import psycopg2

from tests.harness.quarry import children_of, until

START_S = 60
STOP = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}


def newest_bin():
    """Debian's folder of the newest server, as the coordinator looks for it."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0)
    assert found, "no PostgreSQL below /usr/lib/postgresql; hint: ./dev setup"
    return found[-1].parent


class Postgres:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"
        self.bin = newest_bin()
        self.process = None
        self.user = {}
        self.folder.mkdir()
        self.folder.chmod(0o755)
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            self.user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        subprocess.run([self.bin / "initdb", "-D", self.data, "-U", "quarry", "--auth=trust", "--encoding=UTF8",
                        "--locale=C", "--data-checksums", "--no-sync"],
                       check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=120, **self.user)

    @property
    def url(self):
        return f"host={self.folder} port=5432 user=quarry dbname=quarry"

    def connect(self, dbname="quarry"):
        """A connection of the suite's own, with autocommit."""
        connection = psycopg2.connect(host=str(self.folder), port=5432, user="quarry", dbname=dbname,
                                      application_name="chaos", connect_timeout=10)
        connection.autocommit = True
        return connection

    def start(self, env=None):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.data, "-k", self.folder, "-c", "listen_addresses=",
                 "-c", "max_connections=60", "-c", "log_line_prefix=%m [%p] %a ", "-c", "shared_buffers=128MB"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                env={**os.environ, **(env or {})}, **self.user)
        until(self._answers, "PostgreSQL to answer", START_S, every=0.1)
        connection = self.connect("postgres")
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'quarry'")
            if not cursor.fetchall():
                cursor.execute("CREATE DATABASE quarry")
        connection.close()

    def _answers(self):
        assert self.process.poll() is None, f"PostgreSQL ended:\n{self.log.read_text(errors='replace')[-3000:]}"
        try:
            self.connect("postgres").close()
            return True
        except psycopg2.OperationalError:
            return False

    def processes(self):
        """The server first, then everything it started."""
        return [self.process.pid, *children_of(self.process.pid)]

    def freeze(self):
        """SIGSTOP of the server and of all its processes, also those that are born meanwhile."""
        self.process.send_signal(signal.SIGSTOP)
        for _ in range(2):
            for pid in self.processes()[1:]:
                send(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in reversed(self.processes()):
            send(pid, signal.SIGCONT)

    def stop(self, how="fast"):
        if self.process is None or self.process.poll() is not None:
            return
        self.thaw()
        self.process.send_signal(STOP[how])
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            for pid in self.processes():
                send(pid, signal.SIGKILL)
            self.process.wait(30)

    def terminate_backends(self):
        """Ends every connection of the coordinators; returns how many."""
        return self._value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                           "WHERE application_name LIKE 'quarry %'")

    def _value(self, statement):
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchone()[0]
        finally:
            connection.close()

    def renew_epoch(self):
        """What an operator does after a restore, docs/operations.md."""
        self._value("UPDATE cluster SET epoch = DEFAULT RETURNING 1")

    def seconds_off(self):
        """How far the server's time of day is from this machine's."""
        return float(self._value("SELECT extract(epoch FROM clock_timestamp())")) - time.time()

    def connections(self):
        """How many connections the coordinators hold."""
        return self._value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'quarry %'")

    def waiting_for(self, pid):
        """How many wait for a lock of that backend."""
        return self._value(f"SELECT count(*) FROM pg_stat_activity WHERE {pid} = ANY (pg_blocking_pids(pid))")

    def close(self):
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


class Held:
    """A connection of the suite's own that holds locks until close()."""

    def __init__(self, postgres):
        self.connection = postgres.connect()

    @property
    def pid(self):
        return self.connection.get_backend_pid()

    def rows(self, statement, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall()

    run = rows

    def begin(self, statement, *values):
        """In a transaction that stays open."""
        self.connection.autocommit = False
        return self.rows(statement, *values)

    def close(self):
        self.connection.close()


def send(pid, signum):
    """A signal to a process that may have ended meanwhile."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        pass
