-- $1 lease bigint[], $2 job bigint[] (sorted), $3 session bigint[], $4 age_ms bigint[], $5 heard_ms bigint[],
-- $6 permille, $7 done, $8 total integer[].
-- Long leases become visible in extraction_jobs, and in cad_models.  The caller holds the sessions' shared locks.
WITH j AS (
UPDATE extraction_jobs j
   SET status = 'processing', claimed_by = s.worker_id,
       claimed_at = coalesce(j.claimed_at, now() - r.age_ms * interval '1 millisecond'),
       heartbeat = now() - r.heard_ms * interval '1 millisecond',
       progress_permille = r.permille::smallint, progress_done = nullif(r.done, 0),
       progress_total = nullif(r.total, 0)
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
              $6::integer[], $7::integer[], $8::integer[])
       r (lease_id, job_id, session_pk, age_ms, heard_ms, permille, done, total)
  JOIN lease_batches b ON b.first_lease_id = r.lease_id - (r.lease_id - 1) % 256
  JOIN sessions s ON s.pk = r.session_pk
 WHERE j.id = r.job_id
   AND b.session_pk = r.session_pk
   AND b.job_ids[(r.lease_id - 1) % 256 + 1] = r.job_id
   AND NOT ((r.lease_id - 1) % 256)::smallint = ANY (b.gone)
   AND j.status IN ('pending', 'processing')
   AND j.settled_lease_id IS DISTINCT FROM r.lease_id
RETURNING j.id
)
UPDATE cad_models m SET status = 'processing' FROM j WHERE m.job_id = j.id AND m.status <> 'processing'
