"""Where jobs wait and how they are claimed: three designs, each with and without a transaction held open.

./dev bench storage [--jobs N] [--designs rows,chunks,wide] [--batch N] [--no-held]

  rows    a row of `ready` per job, deleted by the claim; the job's row is written once, at the settle (the product)
  chunks  a row per 128 jobs with their ids and addresses as arrays; a claim takes a chunk, or moves its cursor
  wide    no queue table: the claim updates the job's row to processing, found by an index of the pending

Everything else is the same: a batch row per claim, the job's row completed by the fence of settle_done.sql, one
audit row and one counter row per batch, one server process, one transaction a claim and one a settle. Per design
the figures are processor time of the server process per job, the log's bytes per job, and what is left behind:
dead rows and bytes. `slowing` is the time per job of the last tenth to that of the first: with the held
transaction nothing dead can be removed, so whatever walks over dead rows shows there. The last line is one JSON
object. Two cores and a million jobs a design: about a minute each.
"""
import argparse
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.depth import claim as claim_rows, fill, make_run  # noqa: E402
from bench.server import Server, array, cpu_s, one, prepare  # noqa: E402

CHUNK = 128
TABLES = ("ready", "chunks", "extraction_jobs", "lease_batches", "live_batches", "run_stages")
CHUNKS = f"""
CREATE TABLE chunks (
    queue_id integer NOT NULL, rank smallint NOT NULL, first_job bigint NOT NULL, taken integer NOT NULL DEFAULT 0,
    job_ids bigint[] NOT NULL, uris text[] NOT NULL, PRIMARY KEY (queue_id, rank, first_job))
    WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE chunks ALTER job_ids SET STORAGE PLAIN, ALTER uris SET STORAGE MAIN;
INSERT INTO chunks SELECT queue_id, rank, min(job_id), 0, array_agg(job_id ORDER BY job_id), array_agg(uri ORDER BY job_id)
  FROM (SELECT *, (row_number() OVER (ORDER BY job_id) - 1) / {CHUNK} AS part FROM ready) r GROUP BY 1, 2, part;
TRUNCATE ready; VACUUM ANALYZE chunks
"""
# $1 queue, $2 first job to look at, $3 how many chunks, $4 how many jobs of the last one
TAKE_CHUNK = f"""
WITH h AS MATERIALIZED (SELECT ctid, taken + $4::integer >= {CHUNK} AS over FROM chunks
             WHERE queue_id = $1 AND rank = 0 AND first_job >= $2 ORDER BY first_job LIMIT $3 FOR UPDATE SKIP LOCKED),
     d AS (DELETE FROM chunks WHERE ctid = ANY (ARRAY(SELECT ctid FROM h WHERE over))
           RETURNING first_job, job_ids[taken + 1:] AS ids, uris[taken + 1:] AS uris),
     u AS (UPDATE chunks SET taken = taken + $4 WHERE ctid = ANY (ARRAY(SELECT ctid FROM h WHERE NOT over))
           RETURNING first_job, job_ids[taken - $4 + 1:taken] AS ids, uris[taken - $4 + 1:taken] AS uris)
SELECT * FROM d UNION ALL SELECT * FROM u
"""
WIDE = """
CREATE INDEX jobs_pending ON extraction_jobs (queue_id, priority, id) WHERE status = 'pending';
TRUNCATE ready; VACUUM ANALYZE extraction_jobs
"""
TAKE_WIDE = """
UPDATE extraction_jobs j SET status = 'processing', claimed_at = now()
  FROM cloud_files f
 WHERE j.ctid = ANY (ARRAY(SELECT ctid FROM extraction_jobs
                            WHERE queue_id = $1 AND priority = 0 AND id >= $2 AND status = 'pending'
                            ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED))
   AND f.id = j.file_id
RETURNING j.id, f.uri
"""


class Rows:
    def start(self, cursor, queue):
        self.queue, self.floor = queue, None

    def claim(self, cursor, batch):
        jobs = claim_rows(cursor, self.queue, self.floor, batch)
        self.floor = jobs[-1]
        return jobs


class Chunks:
    def start(self, cursor, queue):
        self.queue, self.floor = queue, 0
        cursor.execute("PREPARE take_chunk (integer, bigint, integer, integer) AS " + TAKE_CHUNK)

    def claim(self, cursor, batch):
        cursor.execute("BEGIN")
        cursor.execute("EXECUTE take_chunk (%s, %s, %s, %s)",
                       (self.queue, self.floor, max(1, batch // CHUNK), min(batch, CHUNK)))
        found = cursor.fetchall()
        self.floor = max(row[0] for row in found)
        return lease(cursor, [job for row in found for job in row[1]])


class Wide:
    def start(self, cursor, queue):
        self.queue, self.floor = queue, 0
        cursor.execute("PREPARE take_wide (integer, bigint, integer) AS " + TAKE_WIDE)

    def claim(self, cursor, batch):
        cursor.execute("BEGIN")
        cursor.execute("EXECUTE take_wide (%s, %s, %s)", (self.queue, self.floor, batch))
        jobs = [row[0] for row in cursor.fetchall()]
        self.floor = max(jobs)
        return lease(cursor, jobs)


def lease(cursor, jobs):
    cursor.execute(f"EXECUTE claim_lease ('{{1}}', '{{1}}', {array([len(jobs)])}, {array(jobs)})")
    cursor.execute("COMMIT")
    return sorted(jobs)


def settle(cursor, run, jobs):
    """As the lane does; lease ids are made up, the batch row is the first one."""
    leases, zeros = array(10**9 + job for job in jobs), array([0] * len(jobs))
    cursor.execute("BEGIN")
    cursor.execute("EXECUTE settle_batches ('{1}')")
    cursor.execute(f"EXECUTE settle_done ({leases}, {array(jobs)}, {zeros})")
    if cursor.rowcount != len(jobs):
        raise SystemExit(f"{cursor.rowcount} of {len(jobs)} jobs were completed")
    cursor.execute(f"EXECUTE events_batch ('completed', {array([run])}, '{{1}}', {array([len(jobs)])}, {array(jobs)})")
    cursor.execute("UPDATE run_stages SET open = open - %s, completed = completed + %s WHERE run_id = %s",
                   (len(jobs), len(jobs), run))
    cursor.execute("COMMIT")


def left_behind(cursor):
    cursor.execute("SELECT pg_stat_force_next_flush()" if cursor.connection.server_version >= 150000 else "SELECT 1")
    cursor.execute("SELECT relname, n_dead_tup, pg_relation_size(relid), pg_indexes_size(relid) "
                   "FROM pg_stat_user_tables WHERE relname = ANY (%s) ORDER BY 1", (list(TABLES),))
    return {name: {"dead": dead, "bytes": size, "index_bytes": index} for name, dead, size, index in cursor.fetchall()}


def drain(server, design, args, held):
    name = f"{design}_{'held' if held else 'free'}"
    server.connect("postgres").execute(f"CREATE DATABASE {name} TEMPLATE quarry_empty")
    admin = server.connect(name)
    run, queue = make_run(admin)
    fill(admin, run, queue, 0, args.jobs)
    admin.execute("UPDATE run_stages SET open = open + %s, total = %s", (args.jobs, args.jobs))
    for statement in {"chunks": CHUNKS, "wide": WIDE}.get(design, "").split(";"):
        if statement.strip():
            admin.execute(statement)
    admin.execute("VACUUM ANALYZE")
    admin.execute("CHECKPOINT")
    holder = server.connect(name)
    if held:
        holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        one(holder, "SELECT count(*) FROM runs")
    lane = server.connect(name, hot=True)
    prepare(lane, "claim_heads", "claim_take", "claim_lease", "settle_batches", "settle_done", "events_batch")
    way = {"rows": Rows, "chunks": Chunks, "wide": Wide}[design]()
    way.start(lane, queue)
    lsn, pid = one(admin, "SELECT pg_current_wal_lsn()"), one(lane, "SELECT pg_backend_pid()")
    marks, done = [(0, cpu_s(pid))], 0
    while done < args.jobs:
        jobs = way.claim(lane, min(args.batch, args.jobs - done))
        settle(lane, run, jobs)
        done += len(jobs)
        if done >= args.jobs * len(marks) // 10:
            marks.append((done, cpu_s(pid)))
    tenths = [(b[1] - a[1]) * 1e6 / (b[0] - a[0]) for a, b in zip(marks, marks[1:])]
    wal = one(admin, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)::bigint", (lsn,))
    lane.connection.close()
    result = {"design": design, "held": held, "us_per_job": round((marks[-1][1] - marks[0][1]) * 1e6 / done, 2),
              "slowing": round(tenths[-1] / tenths[0], 2), "wal_bytes_per_job": round(wal / done),
              "tables": left_behind(admin)}
    for cursor in (holder, admin):
        cursor.connection.close()
    server.connect("postgres").execute(f"DROP DATABASE {name} WITH (FORCE)")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000000)
    parser.add_argument("--designs", default="rows,chunks,wide")
    parser.add_argument("--batch", type=int, default=128, help="jobs of a claim and of a settle")
    parser.add_argument("--no-held", action="store_true", help="leave out the runs under a held transaction")
    args = parser.parse_args()
    results = []
    with Server() as server:
        version, settings = server.settings()
        copy_schema(server)
        print(f"{'design':8}  {'held':5}  {'us a job':>8}  {'slowing':>7}  {'WAL B/job':>9}  {'dead rows':>9}  {'MB':>6}")
        for design in args.designs.split(","):
            for held in (False,) if args.no_held else (False, True):
                r = drain(server, design, args, held)
                results.append(r)
                dead = sum(t["dead"] for t in r["tables"].values())
                size = sum(t["bytes"] + t["index_bytes"] for t in r["tables"].values()) / 1e6
                print(f"{design:8}  {'yes' if held else 'no':5}  {r['us_per_job']:8.2f}  {r['slowing']:7.2f}  "
                      f"{r['wal_bytes_per_job']:9d}  {dead:9d}  {size:6.0f}", flush=True)
    print(json.dumps({"bench": "storage", "jobs": args.jobs, "batch": args.batch, "results": results,
                      "load_average": os.getloadavg()[0], "postgres": version, "settings": settings}))


def copy_schema(server):
    """A database with the schema and no one at work in it, to copy for each run."""
    admin = server.connect("postgres")
    admin.execute("CREATE DATABASE quarry_empty")
    server.migrate("quarry_empty")


if __name__ == "__main__":
    main()
