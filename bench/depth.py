"""What a claim costs when 10 thousand, 100 thousand, 1 million and 5 million jobs wait.

./dev bench depth [--depths N,N,...] [--claims N] [--batch N]

The queue is filled to each depth in turn by plain SQL (extraction_jobs, cloud_files and ready, as enqueue writes
them), vacuumed and analysed as a server would, and then claims of --batch jobs are taken by the very statements
of coordinator/db/sql on a connection set up like the claim lane's: heads, take, batch row, commit. A figure is
the processor time of that server process per job, and the time of one claim. Afterwards the jobs that were taken
are put back. The last line is one JSON object; `ratio` is the deepest to the first, by processor time.
"""
import argparse
import json
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.server import Server, array, cpu_s, median, one, prepare  # noqa: E402

STEP = 250000
FILL = """
WITH f AS (INSERT INTO cloud_files (uri, name, bytes) SELECT 'noop:depth/' || g, g::text, 1000
             FROM generate_series(%s, %s) g RETURNING id, uri, bytes),
     j AS (INSERT INTO extraction_jobs (run_id, file_id, queue_id, job_type) SELECT %s, id, %s, 'noop' FROM f
           RETURNING id, file_id)
INSERT INTO ready (job_id, queue_id, rank, bytes, uri)
SELECT j.id, %s, 0, f.bytes, f.uri FROM j JOIN f ON f.id = j.file_id
"""


def make_run(cursor):
    run = one(cursor, "INSERT INTO runs (name, source, config_hash, manual) VALUES ('depth', '', 'depth', true) "
                      "RETURNING id")
    cursor.execute("INSERT INTO run_shares (run_id) VALUES (%s)", (run,))
    cursor.execute("INSERT INTO run_stages (run_id, stage, open) VALUES (%s, 'extract', 1)", (run,))
    queue = one(cursor, "INSERT INTO run_queues (run_id, job_type) VALUES (%s, 'noop') RETURNING id", (run,))
    return run, queue


def fill(cursor, run, queue, have, want):
    while have < want:
        upto = min(have + STEP, want)
        cursor.execute(FILL, (have + 1, upto, run, queue, queue))
        have = upto
    cursor.execute("VACUUM ANALYZE ready")
    cursor.execute("CHECKPOINT")


def claim(cursor, queue, floor, batch):
    """One claim as the lane makes it; the jobs taken."""
    heads = [array([queue]), array([0]), array([floor])] if floor else ["'{}'"] * 3
    cursor.execute("BEGIN")
    cursor.execute("EXECUTE claim_heads ('{noop}', '{\"\"}', " + ", ".join(heads) + ", '{}')")
    names = [d.name for d in cursor.description]
    head = dict(zip(names, cursor.fetchone()))
    cursor.execute(f"EXECUTE claim_take ({array([queue])}, {array([head['rank']])}, {array([batch])}, "
                   f"{array([head['job_id']])}, {array([head['until']])})")
    jobs = sorted(row[1] for row in cursor.fetchall())
    cursor.execute(f"EXECUTE claim_lease ('{{1}}', '{{1}}', {array([len(jobs)])}, {array(jobs)})")
    cursor.execute("COMMIT")
    return jobs


def measure(cursor, queue, claims, batch):
    """Processor microseconds per job, milliseconds per claim, both medians of ten parts."""
    pid = one(cursor, "SELECT pg_backend_pid()")
    floor, taken, costs, times = None, [], [], []
    for _ in range(10):
        before, n = cpu_s(pid), 0
        for _ in range(max(1, claims // 10)):
            begin = time.monotonic()
            jobs = claim(cursor, queue, floor, batch)
            times.append((time.monotonic() - begin) * 1e3)
            floor, n = jobs[-1], n + len(jobs)
            taken += jobs
        costs.append((cpu_s(pid) - before) * 1e6 / n)
    return taken, median(costs), min(costs), median(times)


def put_back(cursor, queue, taken):
    cursor.execute("INSERT INTO ready (job_id, queue_id, rank, bytes, uri) SELECT j.id, %s, 0, f.bytes, f.uri "
                   "FROM extraction_jobs j JOIN cloud_files f ON f.id = j.file_id WHERE j.id = ANY (%s)",
                   (queue, taken))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depths", default="10000,100000,1000000,5000000")
    parser.add_argument("--claims", type=int, default=60, help="claims at each depth")
    parser.add_argument("--batch", type=int, default=128, help="jobs of a claim")
    args = parser.parse_args()
    depths = [int(d) for d in args.depths.split(",")]
    if args.claims * args.batch > depths[0]:
        parser.error(f"{args.claims} claims of {args.batch} are more than {depths[0]} jobs")
    rows, have = [], 0
    with Server() as server:
        version, settings = server.settings()
        admin = server.connect()
        run, queue = make_run(admin)
        print(f"{'pending':>9}  {'us a job':>8}  {'least':>6}  {'ms a claim':>10}")
        for depth in depths:
            fill(admin, run, queue, have, depth)
            have = depth
            lane = server.connect(hot=True)
            prepare(lane, "claim_heads", "claim_take", "claim_lease")
            for job in [measure(lane, queue, 10, args.batch)]:  # plans and caches
                put_back(admin, queue, job[0])
            admin.execute("VACUUM ready")
            taken, cost, least, took = measure(lane, queue, args.claims, args.batch)
            put_back(admin, queue, taken)
            rows.append({"pending": depth, "us_per_job": round(cost, 2), "us_per_job_least": round(least, 2),
                         "ms_per_claim": round(took, 2)})
            print(f"{depth:9d}  {cost:8.2f}  {least:6.2f}  {took:10.2f}", flush=True)
            lane.connection.close()
    print(json.dumps({"bench": "depth", "batch": args.batch, "claims": args.claims, "depths": rows,
                      "ratio": round(rows[-1]["us_per_job"] / rows[0]["us_per_job"], 2),
                      "ratio_least": round(rows[-1]["us_per_job_least"] / rows[0]["us_per_job_least"], 2),
                      "load_average": os.getloadavg()[0], "postgres": version, "settings": settings}))


if __name__ == "__main__":
    main()
