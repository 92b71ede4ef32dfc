-- $1 run bigint, $2 stage text.  One piece of work of a run's stage at a time, so that what an older one reads
-- as current still is when it commits.
SELECT pg_advisory_xact_lock(hashtextextended('quarry stage ' || $1::bigint || ' ' || $2::text, 0))
