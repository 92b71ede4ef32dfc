-- $1 how many at most integer.  Rows of jobs that nobody asks to stop any more. A request made meanwhile has a
-- row of its own.
DELETE FROM control WHERE id = ANY (ARRAY(
    SELECT c.id FROM control c
     WHERE NOT EXISTS (SELECT FROM extraction_jobs j WHERE j.id = c.job_id AND j.stop_requested IS NOT NULL)
     LIMIT $1::integer FOR UPDATE OF c SKIP LOCKED))
