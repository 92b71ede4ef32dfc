-- $1 first lease id bigint[], $2 session bigint.  Spooled leases follow the worker's new process.
WITH l AS (
    UPDATE live_batches l SET session_pk = $2::bigint
      FROM lease_batches b
     WHERE b.first_lease_id = ANY ($1::bigint[])
       AND l.session_pk = b.session_pk AND l.first_lease_id = b.first_lease_id
)
UPDATE lease_batches SET session_pk = $2::bigint WHERE first_lease_id = ANY ($1::bigint[])
