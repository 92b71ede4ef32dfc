-- $1 type text, $2 size class integer, $3 budget ms as known bigint (0: none), $4 new one bigint (0: none), $5 p99 ms bigint.
-- One row where nobody else has changed it meanwhile.
UPDATE job_budgets SET budget_ms = nullif($4::bigint, 0), p99_ms = $5::bigint, changed_at = now()
 WHERE job_type = $1::text AND size_class = $2::integer AND coalesce(budget_ms, 0) = $3::bigint
RETURNING 1
