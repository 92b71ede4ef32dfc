-- $1 after run bigint.  One row: the next cancelled run that is not over: run, whether jobs may still be added, how
-- many of its jobs are paused.
SELECT r.id, r.adding, sum(s.paused)::bigint
  FROM runs r JOIN run_stages s ON s.run_id = r.id
 WHERE r.gate = 'cancelled' AND r.status IN ('active', 'paused') AND r.id > $1::bigint
 GROUP BY r.id ORDER BY r.id LIMIT 1
