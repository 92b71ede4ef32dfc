-- No parameters.  What each run completed in the last minute: run, jobs, milliseconds since the first of them.
SELECT run_id, sum(cardinality(job_ids))::bigint,
       (extract(epoch FROM clock_timestamp() - min(at)) * 1000)::bigint
  FROM job_events
 WHERE job_ids IS NOT NULL AND at > clock_timestamp() - interval '1 minute' AND event = 'completed'
 GROUP BY 1
