-- $1 how many at most integer.  Runs whose gate is not open: run, whether it is cancelled.
SELECT id, gate = 'cancelled' FROM runs
 WHERE gate <> 'open' AND status IN ('active', 'paused') ORDER BY id LIMIT $1::integer
