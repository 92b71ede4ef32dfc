-- $1 lease bigint, $2 job bigint, $3 session bigint, $4 number integer, $5 data bytea.
-- An older checkpoint never replaces a newer.  The caller holds the session's shared lock.
UPDATE extraction_jobs j
   SET checkpoint = $5::bytea, checkpoint_number = $4::integer
  FROM (SELECT $1::bigint AS lease_id, $2::bigint AS job_id, $3::bigint AS session_pk) r
  JOIN lease_batches b ON b.first_lease_id = r.lease_id - (r.lease_id - 1) % 256
 WHERE j.id = r.job_id AND coalesce(j.checkpoint_number, -1) < $4::integer
   AND b.session_pk = r.session_pk
   AND b.job_ids[(r.lease_id - 1) % 256 + 1] = r.job_id
   AND NOT ((r.lease_id - 1) % 256)::smallint = ANY (b.gone)
   AND j.status IN ('pending', 'processing')
   AND j.settled_lease_id IS DISTINCT FROM r.lease_id
