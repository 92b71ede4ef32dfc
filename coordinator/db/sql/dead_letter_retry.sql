-- $1 run bigint (0: all), $2 class text (''), $3 pattern integer (0), $4 after job bigint, $5 how many integer.
-- The next step of a set-wise retry: dead letters behind $4 go back to pending with all their attempts; what crashed
-- runs alone. Left out: those of cancelled runs, and of runs that a newer one of the same source has replaced.
-- Rows: run, job type, how many; first a row 0, '', how many were looked at, and the last of them.
WITH p AS MATERIALIZED (
    SELECT x.job_id FROM dead_letters x
     WHERE ($1::bigint = 0 OR x.run_id = $1::bigint) AND ($2::text = '' OR x.error_class = $2::text)
       AND ($3::integer = 0 OR (hashtext(x.error_class || ' ' || x.pattern) | 1) = $3::integer)
       AND x.job_id > $4::bigint
     ORDER BY x.job_id LIMIT $5::integer
), o AS MATERIALIZED (
    SELECT j.id FROM p JOIN extraction_jobs j ON j.id = p.job_id JOIN runs r ON r.id = j.run_id
     WHERE j.status = 'failed' AND r.gate <> 'cancelled'
       AND (r.status IN ('active', 'paused')
            OR NOT EXISTS (SELECT FROM runs n WHERE n.config_hash = r.config_hash
                              AND n.status IN ('active', 'paused')))
     ORDER BY j.id FOR UPDATE OF j
), j AS (
    UPDATE extraction_jobs j
       SET status = 'pending', retry_count = 0, error_class = NULL, last_error = NULL,
           completed_at = NULL, stop_requested = NULL, suspects = NULL,
           alone = CASE WHEN j.error_class = 'crash' THEN true END
      FROM o WHERE j.id = o.id
    RETURNING j.id, j.run_id, j.queue_id, j.priority, j.job_type
), r AS (
    INSERT INTO ready (job_id, queue_id, rank) SELECT id, queue_id, -priority FROM j
), d AS (
    DELETE FROM dead_letters d USING j WHERE d.job_id = j.id
), m AS (
    UPDATE cad_models m SET status = 'pending', completed_at = NULL FROM j WHERE m.job_id = j.id
), e AS (
    INSERT INTO job_events (event, run_id, job_id) SELECT 'retried', run_id, id FROM j
)
SELECT 0::bigint, '', count(*), coalesce(max(job_id), 0) FROM p
UNION ALL
SELECT run_id, job_type, count(*), 0 FROM j GROUP BY 1, 2
