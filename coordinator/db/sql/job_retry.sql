-- $1 job bigint[], $2 are they dead letters of a set-wise retry boolean.  Behind retry_hold.
-- failed and cancelled -> pending, with all attempts before them again; what crashed runs alone at once. Of jobs
-- of one key the one that has it. Left out: those of cancelled runs, and set-wise those of runs that cannot open
-- again, since one run of a source is active at a time: of several that are over the oldest.
-- Rows: job, run, status before, job type.
WITH u AS MATERIALIZED (
    SELECT DISTINCT ON (j.run_id, j.dedupe) j.id
      FROM extraction_jobs j LEFT JOIN job_keys k ON k.run_id = j.run_id AND k.key = j.dedupe
     WHERE j.id = ANY ($1::bigint[]) AND j.dedupe IS NOT NULL AND j.status IN ('failed', 'cancelled')
       AND NOT EXISTS (SELECT FROM extraction_jobs h
                        WHERE h.id = k.job_id AND h.id <> j.id AND h.status IN ('pending', 'processing', 'paused'))
     ORDER BY j.run_id, j.dedupe, k.job_id IS NOT DISTINCT FROM j.id DESC, j.id DESC
), w AS MATERIALIZED (
    SELECT DISTINCT ON (r.config_hash) r.id
      FROM (SELECT DISTINCT run_id FROM extraction_jobs
             WHERE $2::boolean AND id = ANY ($1::bigint[]) AND status = 'failed') j
      JOIN runs r ON r.id = j.run_id
     WHERE r.gate <> 'cancelled'
       AND NOT EXISTS (SELECT FROM runs n WHERE n.config_hash = r.config_hash AND n.id <> r.id
                          AND n.status IN ('active', 'paused'))
     ORDER BY r.config_hash, r.id
), o AS MATERIALIZED (
    SELECT j.id, j.status AS was FROM extraction_jobs j JOIN runs r ON r.id = j.run_id
     WHERE j.id = ANY ($1::bigint[]) AND j.status IN ('failed', 'cancelled') AND r.gate <> 'cancelled'
       AND (NOT $2::boolean OR j.status = 'failed' AND j.run_id IN (SELECT id FROM w))
       AND (j.dedupe IS NULL OR j.id IN (SELECT id FROM u))
     ORDER BY j.id FOR UPDATE OF j
), j AS (
    UPDATE extraction_jobs j
       SET status = 'pending', retry_count = 0, error_class = NULL, last_error = NULL,
           completed_at = NULL, stop_requested = NULL, suspects = NULL,
           alone = CASE WHEN j.error_class = 'crash' THEN true END
      FROM o WHERE j.id = o.id
    RETURNING j.id, j.run_id, j.queue_id, j.priority, j.job_type, j.dedupe, o.was
), r AS (
    INSERT INTO ready (job_id, queue_id, rank) SELECT id, queue_id, -priority FROM j
), k AS (
    UPDATE job_keys k SET job_id = j.id FROM j WHERE j.dedupe IS NOT NULL AND k.run_id = j.run_id AND k.key = j.dedupe
), d AS (
    DELETE FROM dead_letters d USING j WHERE d.job_id = j.id
), m AS (
    UPDATE cad_models m SET status = 'pending', completed_at = NULL FROM j WHERE m.job_id = j.id
), e AS (
    INSERT INTO job_events (event, run_id, job_id) SELECT 'retried', run_id, id FROM j
)
SELECT id, run_id, was, job_type FROM j
