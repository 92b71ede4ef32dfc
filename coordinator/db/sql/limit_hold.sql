-- $1 lease bigint[], $2 limit integer[] (pairs), $3 first lease bigint[] of their batches.
WITH h AS (
    INSERT INTO limit_holds (lease_id, limit_id)
    SELECT u.lease_id, u.limit_id FROM unnest($1::bigint[], $2::integer[]) u (lease_id, limit_id)
)
UPDATE lease_batches SET limited = true WHERE first_lease_id = ANY ($3::bigint[])
