-- $1 run bigint, $2 discover error text or null.  One row when the run still held its token.
UPDATE runs SET adding = false, lister = NULL, discover_error = coalesce($2::text, discover_error)
 WHERE id = $1::bigint AND adding
RETURNING id
