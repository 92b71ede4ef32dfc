-- $1 run bigint (0: all), $2 class text (''), $3 pattern integer (0), $4 age ms bigint, $5 how many at most integer.
-- The next step of a purge: the oldest dead letters go, their jobs stay failed, their history stays.  One row: how many.
WITH d AS (
    DELETE FROM dead_letters WHERE job_id = ANY (ARRAY(
        SELECT x.job_id FROM dead_letters x
         WHERE ($1::bigint = 0 OR x.run_id = $1::bigint) AND ($2::text = '' OR x.error_class = $2::text)
           AND ($3::integer = 0 OR (hashtext(x.error_class || ' ' || x.pattern) | 1) = $3::integer)
           AND x.failed_at < now() - $4::bigint * interval '1 millisecond'
         ORDER BY x.failed_at LIMIT $5::integer FOR UPDATE SKIP LOCKED))
    RETURNING run_id
), e AS (
    INSERT INTO job_events (event, run_id, detail)
    SELECT 'dlq.purged', run_id, count(*) || ' dead letters' FROM d GROUP BY run_id
)
SELECT count(*) FROM d
