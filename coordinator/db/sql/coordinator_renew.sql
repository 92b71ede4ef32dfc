-- $1 id bigint.  One row, none when a peer has declared this coordinator dead.
UPDATE coordinators SET renewals = renewals + 1, renewed_at = now()
 WHERE id = $1::bigint AND stopped_at IS NULL
RETURNING id
