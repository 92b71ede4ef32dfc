-- $1 keys bigint[], sorted, $2 cluster epoch bytea.  One row: whether the epoch still holds.
-- Shared locks on sessions (db.h, rule 1): nothing can end their leases until this transaction ends.
SELECT (SELECT epoch FROM cluster) = $2::bytea, count(pg_advisory_xact_lock_shared(key))
  FROM unnest($1::bigint[]) key
