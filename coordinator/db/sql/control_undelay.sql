-- $1 job bigint[] (locked).  Those that wait for their time wait no more: job.  Before control_unready: a job
-- moves from here to ready and not back while its row is locked, so that one of the two finds it.
DELETE FROM delayed WHERE job_id = ANY ($1::bigint[]) RETURNING job_id
