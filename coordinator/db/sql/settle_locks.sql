-- $1 keys bigint[], sorted, $2 cluster epoch bytea, $3 is there a failure among its results boolean[].
-- One row: whether the epoch still holds.
-- As lock_shared; a failure marks its batch element, so no other result of that session may be between reading
-- the batch rows and its own update (rule 1): its session is locked exclusively.
SELECT (SELECT epoch FROM cluster) = $2::bytea,
       count(CASE WHEN fails THEN pg_advisory_xact_lock(key) ELSE pg_advisory_xact_lock_shared(key) END)
  FROM unnest($1::bigint[], $3::boolean[]) u (key, fails)
