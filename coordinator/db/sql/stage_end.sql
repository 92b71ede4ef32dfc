-- $1 stage job bigint, $2 lease bigint, $3 status text, $4 superseded boolean, $5 rows written bigint,
-- $6 error text or null.  One row when the lease still held it: run, stage, partial.
UPDATE stage_jobs
   SET status = $3::text, superseded = $4::boolean, written = $5::bigint, last_error = $6::text,
       finished_at = clock_timestamp()
 WHERE id = $1::bigint AND lease_id = $2::bigint AND status = 'processing'
RETURNING run_id, stage, partial
