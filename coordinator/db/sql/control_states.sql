-- $1 job bigint[].  Their states as they are: job, status, stop_requested (''), gate of its run.
SELECT j.id, j.status, coalesce(j.stop_requested, ''), r.gate
  FROM extraction_jobs j JOIN runs r ON r.id = j.run_id WHERE j.id = ANY ($1::bigint[]) ORDER BY j.id
