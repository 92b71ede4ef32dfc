-- $1 job bigint[] (locked, paused), $2 reason, $3 who asks text or null.  paused -> pending, from the checkpoint, not before its
-- run starts.
-- Rows: run, how many, job type.
WITH j AS (
    UPDATE extraction_jobs SET status = 'pending' WHERE id = ANY ($1::bigint[]) AND status = 'paused'
    RETURNING id, run_id, queue_id, priority, job_type
), s AS (
    SELECT j.id, j.queue_id, -j.priority AS rank, CASE WHEN r.start_at > now() THEN r.start_at END AS run_at
      FROM j JOIN runs r ON r.id = j.run_id
), r AS (
    INSERT INTO ready (job_id, queue_id, rank) SELECT id, queue_id, rank FROM s WHERE run_at IS NULL
), d AS (
    INSERT INTO delayed (job_id, run_at, queue_id, rank) SELECT id, run_at, queue_id, rank FROM s WHERE run_at IS NOT NULL
), m AS (
    UPDATE cad_models m SET status = 'pending' FROM j WHERE m.job_id = j.id
), e AS (
    INSERT INTO job_events (event, run_id, job_id, detail, by_whom)
    SELECT 'resumed', run_id, id, $2::text, $3::text FROM j
)
SELECT run_id, count(*), job_type FROM j GROUP BY 1, 3
