-- $1 id bigint, $2 renewals bigint or null (any).  One row when it was alive, with these renewals.
UPDATE coordinators SET stopped_at = now()
 WHERE id = $1::bigint AND stopped_at IS NULL AND ($2::bigint IS NULL OR renewals = $2::bigint)
RETURNING id
