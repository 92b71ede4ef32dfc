-- $1 how many at most integer.  Jobs that are asked to stop and still leased: job, whether it is a cancel.
-- From the requests, one look-up each: a plan that walks over the jobs in their order would take as long as there
-- are jobs, every second.
SELECT c.job_id, j.stop_requested = 'cancel'
  FROM (SELECT DISTINCT job_id FROM control) c
 CROSS JOIN LATERAL (SELECT stop_requested FROM extraction_jobs WHERE id = c.job_id LIMIT 1) j
 WHERE j.stop_requested IS NOT NULL
 ORDER BY 1 LIMIT $1::integer
