-- $1 how many at most integer.  Jobs that are asked to stop and still leased: job, whether it is a cancel.
SELECT DISTINCT j.id, j.stop_requested = 'cancel'
  FROM control c JOIN extraction_jobs j ON j.id = c.job_id
 WHERE j.stop_requested IS NOT NULL
 ORDER BY 1 LIMIT $1::integer
