-- $1 run bigint, $2 stage text, $3 open, $4 total, $5 completed, $6 failed, $7 paused, $8 cancelled, $9 empty,
-- $10 partial, $11 retries, $12 infra_losses: changes, bigint.
-- The counters of one run, last in its transaction. Who brings `open` to zero ends the run here.
-- One row: open, whether the run ended.
WITH s AS (
    UPDATE run_stages
       SET open = open + $3::bigint, epoch = epoch + (closed AND $3::bigint > 0)::integer,
           closed = open + $3::bigint = 0,
           total = total + $4::bigint,
           completed = completed + $5::bigint, failed = failed + $6::bigint,
           paused = paused + $7::bigint, cancelled = cancelled + $8::bigint,
           empty = empty + $9::bigint, partial = partial + $10::bigint,
           retries = retries + $11::bigint, infra_losses = infra_losses + $12::bigint
     WHERE run_id = $1::bigint AND stage = $2::text
    RETURNING run_id, open
), f AS (
    UPDATE runs r
       SET status = CASE WHEN gate = 'cancelled' THEN 'cancelled'
                         WHEN discover_error IS NOT NULL THEN 'failed' ELSE 'completed' END,
           finished_at = now()
      FROM s
     WHERE r.id = s.run_id AND s.open = 0 AND r.status IN ('active', 'paused')
    RETURNING r.id, r.status
), q AS (
    UPDATE run_queues q SET live = false FROM f WHERE q.run_id = f.id AND q.live
), e AS (
    INSERT INTO job_events (event, run_id) SELECT 'run.' || status, id FROM f
)
SELECT s.open, EXISTS (SELECT FROM f) FROM s
