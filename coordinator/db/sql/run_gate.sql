-- $1 run bigint, $2 gate text, $3 reason text or null, $4 who asks text or null.  Claims hold the row FOR SHARE: those under way end first, those
-- behind see the gate (rule 10).  One row when it moved.
WITH r AS (
    UPDATE runs
       SET gate = $2::text, gate_at = now(), gate_reason = CASE WHEN $2::text <> 'open' THEN $3::text END,
           gate_by = CASE WHEN $2::text <> 'open' THEN $4::text END,
           status = CASE $2::text WHEN 'open' THEN 'active' WHEN 'paused' THEN 'paused' ELSE status END
     WHERE id = $1::bigint AND status IN ('active', 'paused') AND gate NOT IN ('cancelled', $2::text)
    RETURNING id
), e AS (
    INSERT INTO job_events (event, run_id, by_whom, detail)
    SELECT CASE $2::text WHEN 'open' THEN 'run.resumed' WHEN 'paused' THEN 'run.paused' ELSE 'run.cancelling' END,
           id, $4::text, $3::text
      FROM r
)
SELECT pg_notify('quarry_control', '') FROM r
