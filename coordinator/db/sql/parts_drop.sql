-- $1 job bigint[], $2 for good boolean.
-- Parts that are in a result now, or void.  Until the job has ended for good a 0 says that there were some: rows of
-- a partial result may be stored, and numbers go on.
WITH d AS (
    DELETE FROM job_parts WHERE job_id = ANY ($1::bigint[])
)
UPDATE extraction_jobs
   SET checkpoint = NULL, checkpoint_number = CASE WHEN $2::boolean THEN NULL ELSE checkpoint_number END,
       part_bytes = CASE WHEN $2::boolean THEN NULL ELSE 0 END
 WHERE id = ANY ($1::bigint[])
