-- $1 job bigint[] (locked, leased), $2 request text (pause, cancel), $3 reason, $4 who asks text or null.
-- Whoever ends the lease reads the request (rule 10); every coordinator is told to look.
WITH j AS (
    UPDATE extraction_jobs SET stop_requested = $2::text WHERE id = ANY ($1::bigint[])
    RETURNING id, run_id
), c AS (
    INSERT INTO control (job_id) SELECT id FROM j
), e AS (
    INSERT INTO job_events (event, run_id, job_id, detail, by_whom)
    SELECT 'stop_requested', run_id, id, $2::text || coalesce(': ' || $3::text, ''), $4::text FROM j
)
SELECT pg_notify('quarry_control', '') FROM (SELECT FROM j LIMIT 1) k
