"""How many jobs of a run hold a lease, beside the limit in force: looked at all the time, both in one snapshot.

    with Places(postgres, run_id) as places:
        ...
    limit_kept(places.samples)    # checker.py

Counted are the leases themselves, by their batch rows, and not the places that claims have noted for them.
"""
import threading

SNAPSHOT = """
SELECT (SELECT running FROM limits WHERE scope = 'run' AND name = %(run)s::text),
       ARRAY(SELECT b.first_lease_id + o.ord - 1
               FROM live_batches v
               JOIN lease_batches b ON b.first_lease_id = v.first_lease_id
              CROSS JOIN LATERAL unnest(b.job_ids) WITH ORDINALITY o (job_id, ord)
               JOIN extraction_jobs j ON j.id = o.job_id
              WHERE j.run_id = %(run)s::bigint AND j.status IN ('pending', 'processing')
                AND NOT (o.ord - 1)::smallint = ANY (b.gone)
                AND j.settled_lease_id IS DISTINCT FROM b.first_lease_id + o.ord - 1)"""


class Places(threading.Thread):
    EVERY_S = 0.02

    def __init__(self, postgres, run_id):
        super().__init__(daemon=True)
        self.connection = postgres.connect()
        self.run_id = run_id
        self.samples = []  # (limit or None, leases that live)
        self.stopping = threading.Event()
        self.problem = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(30)
        self.connection.close()

    def run(self):
        try:
            while not self.stopping.wait(self.EVERY_S):
                with self.connection.cursor() as cursor:
                    cursor.execute(SNAPSHOT, {"run": self.run_id})
                    limit, leases = cursor.fetchone()
                self.samples.append((limit, frozenset(leases)))
        except Exception as problem:  # said by who reads the samples
            self.problem = problem

    def most(self, limit):
        """Leases that lived at a time under that limit."""
        return max((len(leases) for now, leases in self.samples if now == limit), default=0)
