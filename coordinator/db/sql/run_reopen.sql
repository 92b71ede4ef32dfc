-- $1 run bigint[].  Runs with open jobs again, their queues in claims again; behind their counters. The
-- transaction has held them since it began (retry_hold.sql), so what they are is what is seen here.
WITH q AS (
    UPDATE run_queues SET live = true WHERE run_id = ANY ($1::bigint[]) AND NOT live
)
UPDATE runs SET status = CASE gate WHEN 'paused' THEN 'paused' ELSE 'active' END, finished_at = NULL
 WHERE id = ANY ($1::bigint[]) AND status IN ('completed', 'failed')
