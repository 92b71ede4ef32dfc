-- $1 lease bigint[], $2 job bigint[] (sorted), $3 session bigint[].
-- Failures that pass the fence, locked until their fate is decided (common/class.h).
-- Rows: ord (from 1), run, file, job type, queue, priority, retry_count, stop_requested, is upload, this lease
-- ran alone, may hold places under limits, parts of it are kept, this lease brought one.
SELECT r.ord, j.run_id, j.file_id, j.job_type, j.queue_id, j.priority, j.retry_count,
       j.stop_requested, u.upload,
       coalesce(j.alone, false) AND EXISTS (SELECT FROM job_events a WHERE a.job_id = j.id
                                               AND a.lease_id = r.lease_id AND a.event = 'alone'),
       b.limited,
       j.part_bytes IS NOT NULL,
       EXISTS (SELECT FROM job_parts p WHERE p.job_id = j.id AND p.lease_id = r.lease_id)
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
       r (lease_id, job_id, session_pk, ord)
  JOIN lease_batches b ON b.first_lease_id = r.lease_id - (r.lease_id - 1) % 256
  JOIN extraction_jobs j ON j.id = r.job_id
  JOIN runs u ON u.id = j.run_id
 WHERE b.session_pk = r.session_pk
   AND b.job_ids[(r.lease_id - 1) % 256 + 1] = r.job_id
   AND NOT ((r.lease_id - 1) % 256)::smallint = ANY (b.gone)
   AND j.status IN ('pending', 'processing')
   AND j.settled_lease_id IS DISTINCT FROM r.lease_id
 ORDER BY j.id
   FOR UPDATE OF j
