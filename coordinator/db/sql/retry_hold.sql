-- $1 job bigint[].  Before a retry: the runs of these jobs do not end until this transaction does (they are locked
-- FOR SHARE, as by claims and enqueues), and who has their keys does not change.
WITH r AS MATERIALIZED (
    SELECT id FROM runs
     WHERE id IN (SELECT run_id FROM extraction_jobs WHERE id = ANY ($1::bigint[])) ORDER BY id FOR SHARE
), k AS MATERIALIZED (
    SELECT k.run_id FROM job_keys k
     WHERE (k.run_id, k.key) IN (SELECT run_id, dedupe FROM extraction_jobs
                                  WHERE id = ANY ($1::bigint[]) AND dedupe IS NOT NULL)
     ORDER BY k.run_id, k.key FOR UPDATE
)
SELECT (SELECT count(*) FROM r), (SELECT count(*) FROM k)
