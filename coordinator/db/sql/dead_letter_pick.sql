-- $1 run bigint (0: all), $2 class text (''), $3 pattern integer (0), $4 after job bigint, $5 how many integer.
-- The next dead letters of a set-wise retry: job.
SELECT x.job_id FROM dead_letters x
 WHERE ($1::bigint = 0 OR x.run_id = $1::bigint) AND ($2::text = '' OR x.error_class = $2::text)
   AND ($3::integer = 0 OR (hashtext(x.error_class || ' ' || x.pattern) | 1) = $3::integer)
   AND x.job_id > $4::bigint
 ORDER BY x.job_id LIMIT $5::integer
