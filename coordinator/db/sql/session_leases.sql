-- $1 session pk bigint[].  Their live leases: session, lease, job, run, job type, and what
-- stops it: 2 a cancel, 1 a pause, of the job or of its run, 0 nothing (rule 10).
SELECT l.session_pk, b.first_lease_id + o.ord - 1, o.job_id, j.run_id, j.job_type,
       CASE WHEN j.stop_requested = 'cancel' OR r.gate = 'cancelled' THEN 2
            WHEN j.stop_requested = 'pause' OR r.gate = 'paused' THEN 1 ELSE 0 END
  FROM live_batches l
  JOIN lease_batches b ON b.first_lease_id = l.first_lease_id
 CROSS JOIN LATERAL unnest(b.job_ids) WITH ORDINALITY o (job_id, ord)
  JOIN extraction_jobs j ON j.id = o.job_id
  JOIN runs r ON r.id = j.run_id
 WHERE l.session_pk = ANY ($1::bigint[])
   AND NOT (o.ord - 1)::smallint = ANY (b.gone)
   AND j.status IN ('pending', 'processing')
   AND j.settled_lease_id IS DISTINCT FROM b.first_lease_id + o.ord - 1
 ORDER BY 2
