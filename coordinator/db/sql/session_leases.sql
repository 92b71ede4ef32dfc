-- $1 session pk bigint[].  Their live leases: session, lease, job, run, job type.
SELECT l.session_pk, b.first_lease_id + o.ord - 1, o.job_id, j.run_id, j.job_type
  FROM live_batches l
  JOIN lease_batches b ON b.first_lease_id = l.first_lease_id
 CROSS JOIN LATERAL unnest(b.job_ids) WITH ORDINALITY o (job_id, ord)
  JOIN extraction_jobs j ON j.id = o.job_id
 WHERE l.session_pk = ANY ($1::bigint[])
   AND NOT (o.ord - 1)::smallint = ANY (b.gone)
   AND j.status IN ('pending', 'processing')
   AND j.settled_lease_id IS DISTINCT FROM b.first_lease_id + o.ord - 1
 ORDER BY 2
