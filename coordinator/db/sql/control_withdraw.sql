-- $1 job bigint[] (locked, leased), $2 reason, $3 who asks text or null.  A pause is not wanted any more: a Release that
-- follows returns the job to pending.
WITH j AS (
    UPDATE extraction_jobs SET stop_requested = NULL WHERE id = ANY ($1::bigint[]) AND stop_requested = 'pause'
    RETURNING id, run_id
)
INSERT INTO job_events (event, run_id, job_id, detail, by_whom)
SELECT 'resumed', run_id, id, $2::text, $3::text FROM j
