-- $1 run bigint[].  Runs with open jobs again; after their counters, in the order of locks.
UPDATE runs SET status = 'active', finished_at = NULL
 WHERE id = ANY ($1::bigint[]) AND status IN ('completed', 'failed')
