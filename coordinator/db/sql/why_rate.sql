-- $1 run bigint.  What the run completed in the last five minutes: jobs, milliseconds since the first of them.
SELECT coalesce(sum(cardinality(job_ids)), 0)::bigint,
       coalesce((extract(epoch FROM clock_timestamp() - min(at)) * 1000)::bigint, 0)
  FROM job_events
 WHERE job_ids IS NOT NULL AND at > clock_timestamp() - interval '5 minutes' AND event = 'completed' AND run_id = $1::bigint
