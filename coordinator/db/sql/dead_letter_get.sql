-- $1 job bigint.  One row: class, message, pattern, its number, failed ms, how many have the same pattern.
SELECT x.error_class, x.message, x.pattern, hashtext(x.error_class || ' ' || x.pattern) | 1,
       (extract(epoch FROM x.failed_at) * 1000)::bigint,
       (SELECT count(*) FROM dead_letters y
         WHERE y.run_id = x.run_id AND y.error_class = x.error_class AND y.pattern = x.pattern)
  FROM dead_letters x WHERE x.job_id = $1::bigint
