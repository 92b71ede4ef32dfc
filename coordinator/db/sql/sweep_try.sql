-- $1 key bigint.  One row: whether this transaction is the one that sweeps the run.
SELECT pg_try_advisory_xact_lock($1::bigint)
