-- $1 how many at most integer.  Retries whose time has come; rows: job types, and how many were moved.
WITH d AS (
    DELETE FROM delayed WHERE job_id = ANY (ARRAY(
        SELECT job_id FROM delayed WHERE run_at <= clock_timestamp()
         ORDER BY run_at LIMIT $1::integer FOR UPDATE SKIP LOCKED))
    RETURNING job_id, queue_id, rank
), r AS (
    INSERT INTO ready (job_id, queue_id, rank) SELECT job_id, queue_id, rank FROM d
)
SELECT q.job_type, count(*) FROM d JOIN run_queues q ON q.id = d.queue_id GROUP BY 1
