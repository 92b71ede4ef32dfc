"""The queue beside graphile-worker: the same no-op jobs on the same PostgreSQL server and settings, in turn.

./dev bench peers [--rounds N] [--jobs N] [--peers DIR] [--streams N] [--slots N] [--metadata]

Rounds go A B A B A B: graphile-worker by its own script (graphile.mjs in DIR, which has graphile-worker and pg
installed: npm i graphile-worker pg), then `bench_queue` against the very server. Medians count. The peer runs at
its fastest documented settings (a local queue of 500 jobs, batched completion) and does not print a line a job. With
--metadata both write one row a result: the peer by peers_row.mjs, beside this file.
The last line is one JSON object. Exit code 1 when node or the peer is not there: the message says what is missing.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.server import BIN, Server, cpu_tree_s, median, number_in  # noqa: E402


def find_peer(given):
    """The folder that can run graphile.mjs, or what is missing."""
    if not shutil.which("node"):
        return None, "node is not installed; try: apt-get install nodejs npm"
    places = [given] if given else [os.environ.get("QUARRY_PEERS"), ROOT.parent / "peers-run", ROOT / ".peers",
                                    ROOT.parent.parent / "peers-run"]
    for place in filter(None, places):
        folder = pathlib.Path(place)
        if (folder / "graphile.mjs").exists() and (folder / "node_modules" / "graphile-worker").exists():
            return folder, None
    return None, ("no folder with graphile.mjs and node_modules/graphile-worker; make one (npm i graphile-worker pg, "
                  "graphile.mjs beside it) and name it by --peers DIR or QUARRY_PEERS")


def run_peer(server, folder, jobs, metadata):
    """Its rate by its own words; processor time of server and node with its enqueueing, which it does itself."""
    usage, before = os.times(), cpu_tree_s(server.pid)
    script = ROOT / "bench" / "peers_row.mjs" if metadata else "graphile.mjs"
    done = subprocess.run(["node", script, server.uri("peer"), str(jobs)], cwd=folder, text=True,
                          capture_output=True, env={**os.environ, "NO_LOG_SUCCESS": "1"}, timeout=1800)
    rate = number_in(r"process (\d+) jobs/s", done.stdout)
    if done.returncode != 0 or not rate:
        raise SystemExit(f"{script} failed: {done.stderr[-500:]}")
    now = os.times()
    node = now.children_user + now.children_system - usage.children_user - usage.children_system
    return {"jobs_per_s": rate, "enqueue_per_s": number_in(r"enqueue (\d+)/s", done.stdout),
            "postgres_us": (cpu_tree_s(server.pid) - before) * 1e6 / jobs, "node_us": node * 1e6 / jobs}


def run_queue(server, args):
    command = [BIN / "bench_queue", "--database", server.url(), "--rounds", "1", "--no-floor", "--jobs",
               str(args.jobs), "--streams", str(args.streams), "--slots", str(args.slots)]
    done = subprocess.run(command + (["--metadata"] if args.metadata else []), text=True, stdout=subprocess.PIPE,
                          timeout=1800, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=200000)
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--slots", type=int, default=16, help="of each stream; 16 x 16, taken twice, is its 500")
    parser.add_argument("--metadata", action="store_true", help="one metadata row a result, here and there")
    parser.add_argument("--peers", help="folder with graphile.mjs and its node_modules")
    args = parser.parse_args()
    folder, missing = find_peer(args.peers)
    if missing:
        print(f"bench peers: {missing}", file=sys.stderr)
        print(json.dumps({"bench": "peers", "missing": missing}))
        return 1
    ours, theirs = [], []
    with Server() as server:
        server.connect("postgres").execute("CREATE DATABASE peer")
        version, settings = server.settings()
        print("round  graphile-worker/s  us a job  queue/s  us a job  ratio")
        for i in range(args.rounds):
            theirs.append(run_peer(server, folder, args.jobs, args.metadata))
            ours.append(run_queue(server, args))
            a, b = theirs[-1], ours[-1]
            print(f"{i + 1:5d}  {a['jobs_per_s']:17.0f}  {a['postgres_us'] + a['node_us']:8.1f}  "
                  f"{b['jobs_per_s']:7.0f}  {cost(b):8.1f}  {b['jobs_per_s'] / a['jobs_per_s']:5.2f}", flush=True)
    us = median([o["jobs_per_s"] for o in ours])
    them = median([t["jobs_per_s"] for t in theirs])
    print(json.dumps({
        "bench": "peers", "jobs": args.jobs, "rounds": args.rounds, "metadata": args.metadata,
        "streams": args.streams, "slots": args.slots, "graphile_worker_jobs_per_s": them, "queue_jobs_per_s": us,
        "ratio": round(us / them, 2),
        "graphile_worker_us_with_enqueue": {k: round(median([t[k + "_us"] for t in theirs]), 1)
                                            for k in ("postgres", "node")},
        "queue_us": {k: round(median([o[k + "_us_per_job"] for o in ours]), 1)
                     for k in ("postgres", "coordinator", "workers")},
        "load_average": os.getloadavg()[0], "postgres": version, "settings": settings}))
    return 0


def cost(round_):
    return sum(round_[k + "_us_per_job"] for k in ("postgres", "coordinator", "workers"))


if __name__ == "__main__":
    sys.exit(main())
