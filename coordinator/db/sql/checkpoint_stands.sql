-- $1 lease bigint, $2 job bigint, $3 session bigint.
-- The newest checkpoint that stands, for a lease that holds its job.  No row: the lease is over.
SELECT coalesce(j.checkpoint_number, 0), coalesce(j.part_bytes, 0)
  FROM (SELECT $1::bigint AS lease_id, $2::bigint AS job_id, $3::bigint AS session_pk) r
  JOIN lease_batches b ON b.first_lease_id = r.lease_id - (r.lease_id - 1) % 256
  JOIN extraction_jobs j ON j.id = r.job_id
 WHERE b.session_pk = r.session_pk
   AND b.job_ids[(r.lease_id - 1) % 256 + 1] = r.job_id
   AND NOT ((r.lease_id - 1) % 256)::smallint = ANY (b.gone)
   AND j.status IN ('pending', 'processing')
   AND j.settled_lease_id IS DISTINCT FROM r.lease_id
