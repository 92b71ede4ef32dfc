-- $1 type text[], $2 size class smallint[], $3 buckets bigint[] (all of them, one behind the other), $4 buckets of each
-- integer, $5 samples beyond which a histogram is halved bigint.
-- What this coordinator has seen is added to what all have.
INSERT INTO job_budgets AS b (job_type, size_class, samples, seen, buckets)
SELECT u.job_type, u.size_class, s.n, s.n, s.buckets
  FROM unnest($1::text[], $2::smallint[]) WITH ORDINALITY u (job_type, size_class, ord)
 CROSS JOIN LATERAL (
        SELECT sum(v)::bigint AS n, array_agg(v ORDER BY i) AS buckets
          FROM unnest(($3::bigint[])[(u.ord - 1) * $4::integer + 1 : u.ord * $4::integer]) WITH ORDINALITY x (v, i)) s
 ORDER BY u.job_type, u.size_class
ON CONFLICT (job_type, size_class) DO UPDATE
   SET (samples, buckets) = (
        SELECT sum(x.v)::bigint, array_agg(x.v ORDER BY x.i)
          FROM (SELECT (coalesce(o.a, 0) + coalesce(o.b, 0))
                       / CASE WHEN b.samples + excluded.samples > $5::bigint THEN 2 ELSE 1 END AS v, o.i
                  FROM unnest(b.buckets, excluded.buckets) WITH ORDINALITY o (a, b, i)) x),
       seen = b.seen + excluded.seen, updated_at = now()
