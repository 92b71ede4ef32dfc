-- $1 job bigint[].  failed and cancelled -> pending, with all attempts before them again; what crashed runs
-- alone at once.
-- Rows: job, run, status before, job type.
WITH o AS (
    SELECT j.id, j.status AS was FROM extraction_jobs j JOIN runs r ON r.id = j.run_id
     WHERE j.id = ANY ($1::bigint[]) AND j.status IN ('failed', 'cancelled') AND r.gate <> 'cancelled'
       AND (j.dedupe IS NULL OR NOT EXISTS (
                SELECT FROM job_keys k JOIN extraction_jobs h ON h.id = k.job_id
                 WHERE k.run_id = j.run_id AND k.key = j.dedupe AND h.id <> j.id
                   AND h.status IN ('pending', 'processing', 'paused')))
     ORDER BY j.id FOR UPDATE OF j
), j AS (
    UPDATE extraction_jobs j
       SET status = 'pending', retry_count = 0, error_class = NULL, last_error = NULL,
           completed_at = NULL, stop_requested = NULL, suspects = NULL,
           alone = CASE WHEN j.error_class = 'crash' THEN true END
      FROM o WHERE j.id = o.id
    RETURNING j.id, j.run_id, j.queue_id, j.priority, j.job_type, o.was
), r AS (
    INSERT INTO ready (job_id, queue_id, rank) SELECT id, queue_id, -priority FROM j
), k AS (
    UPDATE job_keys k SET job_id = j.id FROM extraction_jobs j
     WHERE j.id IN (SELECT id FROM o) AND j.dedupe IS NOT NULL AND k.run_id = j.run_id AND k.key = j.dedupe
), d AS (
    DELETE FROM dead_letters d USING j WHERE d.job_id = j.id
), m AS (
    UPDATE cad_models m SET status = 'pending', completed_at = NULL FROM j WHERE m.job_id = j.id
), e AS (
    INSERT INTO job_events (event, run_id, job_id) SELECT 'retried', run_id, id FROM j
)
SELECT id, run_id, was, job_type FROM j
