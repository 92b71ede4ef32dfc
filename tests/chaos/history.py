"""What a database says about its jobs, read once: rows, audit trail, hand-overs, results, counters.

`History.load(connection)` reads everything; the checker (checker.py) then asks the database nothing more.
"""
import collections

JOBS = """
SELECT j.id, j.run_id, f.uri, j.job_type, j.status, j.settled_lease_id, j.retry_count, j.infra_losses,
       j.empty_reason, j.partial, f.id, j.parent_job_id, j.depth
  FROM extraction_jobs j JOIN cloud_files f ON f.id = j.file_id"""

LEASES = """
SELECT b.first_lease_id + o.ord - 1, o.job_id, (o.ord - 1)::smallint = ANY (b.gone), b.session_pk, b.claimed_by
  FROM lease_batches b CROSS JOIN LATERAL unnest(b.job_ids) WITH ORDINALITY o (job_id, ord)
 ORDER BY 1"""

EVENTS = """
SELECT e.id, e.event, coalesce(e.job_id, o.job_id), e.lease_id, e.detail
  FROM job_events e LEFT JOIN LATERAL unnest(e.job_ids) o (job_id) ON true
 WHERE e.job_id IS NOT NULL OR e.job_ids IS NOT NULL
 ORDER BY e.id"""

RUN_EVENTS = "SELECT id, run_id, event FROM job_events WHERE job_id IS NULL AND job_ids IS NULL ORDER BY id"

STAGES = """
SELECT run_id, stage, open, total, completed, failed, paused, cancelled, empty, partial, retries, infra_losses, epoch,
       closed
  FROM run_stages"""

STAGE_JOBS = """
SELECT run_id, stage, status, input_epoch, superseded FROM stage_jobs WHERE NOT partial ORDER BY id"""

RESULT_TABLES = ("extracted_pages", "extracted_dimensions", "extracted_parameters", "extracted_materials",
                 "extracted_bom_items")

Job = collections.namedtuple(
    "Job", "id run_id uri type status settled_lease_id retry_count infra_losses empty_reason partial file_id "
    "parent_id depth", defaults=(None, None))
Lease = collections.namedtuple("Lease", "id job_id gone session_pk claimed_by")
Event = collections.namedtuple("Event", "id event job_id lease_id detail")
Stage = collections.namedtuple(
    "Stage", "run_id stage open total completed failed paused cancelled empty partial retries infra_losses epoch "
             "closed")
StageJob = collections.namedtuple("StageJob", "run_id stage status input_epoch superseded")


class History:
    def __init__(self):
        self.jobs = {}  # id -> Job
        self.leases = []
        self.events = collections.defaultdict(list)  # job -> [Event], in their order
        self.run_events = collections.defaultdict(list)  # run -> [event]
        self.stages, self.runs = [], {}
        self.stage_jobs = []  # in their order
        self.reports = {}  # run -> epoch
        self.results = {}  # job -> (run, sha256)
        self.children = collections.defaultdict(dict)  # job -> {table: rows}
        self.dead = {}  # job -> lease
        self.ready, self.delayed = collections.Counter(), collections.Counter()

    @classmethod
    def load(cls, connection):
        self = cls()

        def rows(statement):
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        # one snapshot: a run that goes on must not look as if it contradicted itself
        with connection.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            self.jobs = {row[0]: Job(*row) for row in rows(JOBS)}
            self.leases = [Lease(*row) for row in rows(LEASES)]
            for row in rows(EVENTS):
                self.events[row[2]].append(Event(*row))
            for _, run_id, event in rows(RUN_EVENTS):
                self.run_events[run_id].append(event)
            self.stages = [Stage(*row) for row in rows(STAGES)]
            self.stage_jobs = [StageJob(*row) for row in rows(STAGE_JOBS)]
            self.reports = dict(rows("SELECT run_id, epoch FROM run_reports"))
            self.runs = dict(rows("SELECT id, status FROM runs"))
            self.results = {job: (run, sha and bytes(sha)) for job, run, sha in
                            rows("SELECT job_id, run_id, sha256 FROM extracted_metadata")}
            for table in RESULT_TABLES:
                for job, count in rows(f"SELECT job_id, count(*) FROM {table} GROUP BY 1"):
                    self.children[job][table] = count
            self.dead = dict(rows("SELECT job_id, lease_id FROM dead_letters"))
            self.ready.update(job for job, in rows("SELECT job_id FROM ready"))
            self.delayed.update(job for job, in rows("SELECT job_id FROM delayed"))
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
        return self
