-- $1 keys bigint[], sorted.  One row.
-- Exclusive locks on sessions or workers: taken first by all that ends leases without a result. And on the gate of
-- a run, by who moves it.
SELECT count(pg_advisory_xact_lock(key)) FROM unnest($1::bigint[]) key
