-- $1 job bigint[] (locked, not leased), $2 status text (paused, cancelled), $3 reason, $4 who asks text or null.
-- Jobs that nobody holds stop at once.  Rows: run, status before, how many.
WITH o AS (
    SELECT id, status AS was FROM extraction_jobs WHERE id = ANY ($1::bigint[])
), j AS (
    UPDATE extraction_jobs j
       SET status = $2::text, completed_at = CASE $2::text WHEN 'cancelled' THEN now() END, stop_requested = NULL,
           claimed_by = NULL, claimed_at = NULL, heartbeat = NULL
      FROM o WHERE j.id = o.id
    RETURNING j.id, j.run_id, o.was
), m AS (
    UPDATE cad_models m SET status = $2::text, completed_at = CASE $2::text WHEN 'cancelled' THEN now() END
      FROM j WHERE m.job_id = j.id
), e AS (
    INSERT INTO job_events (event, run_id, job_id, detail, by_whom)
    SELECT $2::text, run_id, id, $3::text, $4::text FROM j
)
SELECT run_id, was, count(*) FROM j GROUP BY 1, 2
