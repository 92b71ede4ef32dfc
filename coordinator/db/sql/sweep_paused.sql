-- $1 run bigint, $2 after file bigint, $3 how many to look at integer.  Its paused jobs among the next: job, file; then
-- one row with job 0 and the last file looked at, null behind the last.
WITH l AS MATERIALIZED (
    SELECT id, file_id, status FROM extraction_jobs
     WHERE run_id = $1::bigint AND file_id > $2::bigint ORDER BY file_id LIMIT $3::integer
)
SELECT id, file_id FROM l WHERE status = 'paused'
UNION ALL
SELECT 0, max(file_id) FROM l
