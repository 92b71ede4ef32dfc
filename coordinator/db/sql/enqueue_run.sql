-- $1 run bigint.  One row: is it open, priority, previous runs, whether it wants unchanged files.  Its gate
-- stays as it is until this transaction ends (rule 10): who cancels the run then finds what is inserted.
SELECT r.status IN ('active', 'paused') AND r.gate <> 'cancelled' AND NOT s.closed, r.priority, r.again,
       cardinality(r.previous_runs) > 0 AND NOT r.again
  FROM runs r JOIN run_stages s ON s.run_id = r.id AND s.stage = 'extract'
 WHERE r.id = $1::bigint
   FOR SHARE OF r
