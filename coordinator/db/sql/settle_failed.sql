-- $1 lease bigint[], $2 job bigint[], $3 status text[], $4 retry_count integer[], $5 class text[],
-- $6 message text[], $7 delay_ms bigint[], $8 duration_ms integer[], $9 pattern text[], $10 budget_ms bigint[].
-- Jobs that settle_lock locked: to their new state, their delay or dead letter, the batch element gone.
WITH r AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::integer[], $5::text[],
                         $6::text[], $7::bigint[], $8::integer[], $9::text[], $10::bigint[])
             r (lease_id, job_id, status, retry_count, class, message, delay_ms, duration_ms, pattern, budget_ms)
), j AS (
    UPDATE extraction_jobs j
       SET status = r.status, settled_lease_id = r.lease_id, retry_count = r.retry_count,
           error_class = r.class, last_error = CASE WHEN r.status = 'failed' THEN r.message END,
           completed_at = CASE WHEN r.status IN ('failed', 'cancelled') THEN now() END,
           duration_ms = r.duration_ms, claimed_by = NULL, claimed_at = NULL, heartbeat = NULL,
           stop_requested = NULL,
           alone = CASE WHEN r.class = 'crash' THEN true ELSE j.alone END
      FROM r WHERE j.id = r.job_id
    RETURNING j.id, j.run_id, j.queue_id, j.priority, j.job_type, r.*
), d AS (
    INSERT INTO delayed (job_id, run_at, queue_id, rank)
    SELECT job_id, now() + delay_ms * interval '1 millisecond', queue_id, -priority
      FROM j WHERE status = 'pending'
), l AS (
    INSERT INTO dead_letters (job_id, run_id, error_class, message, pattern, job_type, retry_count, lease_id)
    SELECT job_id, run_id, class, message, pattern, job_type, retry_count, lease_id
      FROM j WHERE status = 'failed'
    ON CONFLICT (job_id) DO UPDATE
       SET error_class = excluded.error_class, message = excluded.message, pattern = excluded.pattern, failed_at = now(),
           retry_count = excluded.retry_count, lease_id = excluded.lease_id
), g AS (
    UPDATE lease_batches b SET gone = b.gone || e.gone
      FROM (SELECT lease_id - (lease_id - 1) % 256 AS first,
                   array_agg(((lease_id - 1) % 256)::smallint) AS gone
              FROM r GROUP BY 1) e
     WHERE b.first_lease_id = e.first
)
INSERT INTO job_events (event, run_id, job_id, lease_id, detail, budget_ms)
SELECT CASE status WHEN 'pending' THEN 'retry' ELSE status END, run_id, job_id, lease_id,
       class || ': ' || message, nullif(budget_ms, 0)
  FROM j
