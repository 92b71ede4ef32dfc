-- No parameters.  All learned budgets: type, size class, jobs ever counted, budget ms (0: none), changed at ms, buckets
-- as text, parted by commas.
SELECT job_type, size_class::integer, seen, coalesce(budget_ms, 0), (extract(epoch FROM changed_at) * 1000)::bigint,
       array_to_string(buckets, ',')
  FROM job_budgets
