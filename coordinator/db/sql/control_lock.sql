-- $1 job bigint[].  Jobs that people speak of, locked by id.
-- Rows: job, run, status, stop_requested (''), gate of its run, job type.
SELECT j.id, j.run_id, j.status, coalesce(j.stop_requested, ''), r.gate, j.job_type
  FROM extraction_jobs j JOIN runs r ON r.id = j.run_id
 WHERE j.id = ANY ($1::bigint[])
 ORDER BY j.id
   FOR NO KEY UPDATE OF j
