-- $1 job bigint[] (locked).  Those that could be claimed can be no more: job.  What a claim holds just now is
-- waited for: taken by it, the job is leased, and found here if not.
DELETE FROM ready d
 USING extraction_jobs j
 WHERE j.id = ANY ($1::bigint[])
   AND d.queue_id = j.queue_id AND d.rank = (-j.priority)::smallint AND d.job_id = j.id
RETURNING d.job_id
