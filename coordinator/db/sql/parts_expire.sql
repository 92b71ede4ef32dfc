-- $1 after how many days integer, $2 how many parts to look for at most integer.
-- Finished work of jobs that ended without a result and that nobody took up again.  One row: how many.
WITH old AS (
    SELECT j.id FROM extraction_jobs j
     WHERE j.id IN (SELECT p.job_id FROM job_parts p
                     WHERE p.created_at < now() - $1::integer * interval '1 day'
                       AND EXISTS (SELECT FROM extraction_jobs e WHERE e.id = p.job_id
                                      AND e.status IN ('failed', 'cancelled', 'completed'))
                     LIMIT $2::integer) -- of open jobs there may be any number
       AND j.status IN ('failed', 'cancelled', 'completed')
     ORDER BY j.id FOR UPDATE SKIP LOCKED
), d AS (
    DELETE FROM job_parts p USING old WHERE p.job_id = old.id
), j AS (
    UPDATE extraction_jobs j SET checkpoint = NULL, part_bytes = 0
      FROM old WHERE j.id = old.id
)
SELECT count(*) FROM old
