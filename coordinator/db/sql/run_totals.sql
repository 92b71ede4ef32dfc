-- No parameters.  One row: the stage counters of all runs summed up, and the runs that are not over.
SELECT coalesce(sum(s.open - r.adding::integer), 0)::bigint,
       (SELECT count(*) FROM extraction_jobs j WHERE j.claimed_by IS NOT NULL AND j.status = 'processing'),
       coalesce(sum(s.completed), 0)::bigint, coalesce(sum(s.failed), 0)::bigint,
       coalesce(sum(s.paused), 0)::bigint, coalesce(sum(s.cancelled), 0)::bigint,
       coalesce(sum(s.empty), 0)::bigint,
       count(*) FILTER (WHERE r.status IN ('active', 'paused'))
  FROM runs r JOIN run_stages s ON s.run_id = r.id AND s.stage = 'extract'
