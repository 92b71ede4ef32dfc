-- $1 run bigint, $2 key text[].  Lock the keys, made where they are missing, until this transaction ends: who
-- comes next sees which job has one.
INSERT INTO job_keys AS k (run_id, key)
SELECT DISTINCT $1::bigint, u.key FROM unnest($2::text[]) u (key) ORDER BY u.key
    ON CONFLICT (run_id, key) DO UPDATE SET job_id = k.job_id
