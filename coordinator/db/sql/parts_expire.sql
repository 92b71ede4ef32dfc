-- $1 after how many days integer, $2 how many at most integer.
-- Finished work of jobs that ended without a result and that nobody took up again.  One row: how many.
WITH old AS (
    SELECT j.id FROM extraction_jobs j
     WHERE j.id IN (SELECT job_id FROM job_parts
                     WHERE created_at < now() - $1::integer * interval '1 day' LIMIT $2::integer)
       AND j.status IN ('failed', 'cancelled', 'completed')
     ORDER BY j.id FOR UPDATE SKIP LOCKED
), d AS (
    DELETE FROM job_parts p USING old WHERE p.job_id = old.id
), j AS (
    UPDATE extraction_jobs j SET checkpoint = NULL, part_bytes = 0
      FROM old WHERE j.id = old.id
)
SELECT count(*) FROM old
