-- $1 run bigint[].  Runs with open jobs again, their queues in claims again; after their counters, in the
-- order of locks: who ended the run while this waited for its counter has committed by now, and is seen.
WITH q AS (
    UPDATE run_queues SET live = true WHERE run_id = ANY ($1::bigint[]) AND NOT live
)
UPDATE runs SET status = CASE gate WHEN 'paused' THEN 'paused' ELSE 'active' END, finished_at = NULL
 WHERE id = ANY ($1::bigint[]) AND status IN ('completed', 'failed')
