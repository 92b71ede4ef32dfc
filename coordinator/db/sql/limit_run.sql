-- $1 run bigint.  One row when it exists: whether it is not over.
SELECT status IN ('active', 'paused') FROM runs WHERE id = $1::bigint
