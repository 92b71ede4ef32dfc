-- $1 run bigint[].  One row: one of them that has been cancelled meanwhile, or null. After their counters: who
-- cancels later finds what this transaction adds, or waits for it.
SELECT min(id) FROM runs WHERE id = ANY ($1::bigint[]) AND gate = 'cancelled'
