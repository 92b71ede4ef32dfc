-- $1 run bigint (0: all), $2 class text (''), $3 pattern integer (0), $4 how many at most integer.
-- Dead letters by class and pattern, the most frequent first: pattern number, class, pattern, how many, of how
-- many in all, patterns in all, first ms, last ms, runs, some run ids, types,
-- three sample jobs.
WITH g AS (
    SELECT hashtext(x.error_class || ' ' || x.pattern) | 1 AS id, x.error_class,
           coalesce(nullif(x.pattern, ''), left(min(x.message), 200)) AS pattern, count(*) AS n,
           min(x.failed_at) AS first_at, max(x.failed_at) AS last_at,
           array_agg(DISTINCT x.run_id) AS runs, array_agg(DISTINCT x.job_type) AS types,
           min(x.job_id) AS first_job, max(x.job_id) AS last_job,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY x.job_id) AS some_job
      FROM dead_letters x
     WHERE ($1::bigint = 0 OR x.run_id = $1::bigint) AND ($2::text = '' OR x.error_class = $2::text)
       AND ($3::integer = 0 OR (hashtext(x.error_class || ' ' || x.pattern) | 1) = $3::integer)
     GROUP BY x.error_class, x.pattern
)
SELECT id, error_class, pattern, n, (sum(n) OVER ())::bigint, count(*) OVER (),
       (extract(epoch FROM first_at) * 1000)::bigint, (extract(epoch FROM last_at) * 1000)::bigint,
       cardinality(runs), array_to_string(runs[1:10], ','), array_to_string(types, ','),
       first_job, some_job, last_job
  FROM g
 ORDER BY n DESC, error_class, pattern
 LIMIT $4::integer
