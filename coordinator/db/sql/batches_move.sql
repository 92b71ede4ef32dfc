-- $1 first lease id bigint[], $2 session bigint.  Spooled leases follow the worker's new process.
WITH l AS (
    UPDATE live_batches SET session_pk = $2::bigint WHERE first_lease_id = ANY ($1::bigint[])
)
UPDATE lease_batches SET session_pk = $2::bigint WHERE first_lease_id = ANY ($1::bigint[])
