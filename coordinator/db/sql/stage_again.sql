-- $1 stage job bigint, $2 lease bigint, $3 error text, $4 attempts at most integer.  It failed: again after 1 s, 2 s,
-- 4 s …  None: it has had its attempts, or the lease is over.
UPDATE stage_jobs
   SET status = 'pending', last_error = $3::text, coordinator_id = NULL,
       run_at = clock_timestamp() + interval '1 second' * 2 ^ (attempts - 1)
 WHERE id = $1::bigint AND lease_id = $2::bigint AND status = 'processing' AND attempts < $4::integer
RETURNING id
