-- $1 key bigint.  Before a run is locked FOR SHARE for long: who moves its gate waits in a queue, and those who come
-- behind wait for it. For the row alone they would overtake it for ever. One row.
SELECT pg_advisory_xact_lock_shared($1::bigint)
