-- $1 id bigint, $2 cluster epoch bytea.  One row: whether this still is the database of that epoch, and
-- whether the row was renewed: not when a peer has declared this coordinator dead.
WITH e AS (
    SELECT epoch = $2::bytea AS holds FROM cluster
), u AS (
    UPDATE coordinators SET renewals = renewals + 1, renewed_at = now()
     WHERE id = $1::bigint AND stopped_at IS NULL AND (SELECT holds FROM e)
    RETURNING id
)
SELECT (SELECT holds FROM e), EXISTS (SELECT FROM u)
