-- $1 run bigint.  The run's jobs by type, status, class, empty reason and partial, with counts.
SELECT job_type, status, coalesce(CASE WHEN status = 'failed' THEN error_class END, ''),
       coalesce(empty_reason, ''), partial, count(*)
  FROM extraction_jobs WHERE run_id = $1::bigint
 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
