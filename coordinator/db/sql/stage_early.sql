-- $1 run bigint, $2 stage text.  An extra, partial job: it does what is there, and the counters do not know it.
-- One row: its id.
WITH j AS (
    INSERT INTO stage_jobs (run_id, stage, input_epoch, partial)
    SELECT r.id, $2::text, 0, true FROM runs r WHERE r.id = $1::bigint AND r.status IN ('active', 'paused')
    RETURNING id, run_id
), e AS (
    INSERT INTO job_events (event, run_id, detail) SELECT 'run.stage_early', run_id, $2::text FROM j
)
SELECT id FROM j
