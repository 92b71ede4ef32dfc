-- $1 run bigint.  One row: how many of its jobs workers hold just now.
SELECT count(*)
  FROM live_batches l
  JOIN lease_batches b ON b.first_lease_id = l.first_lease_id
 CROSS JOIN LATERAL unnest(b.job_ids) WITH ORDINALITY o (job_id, ord)
  JOIN extraction_jobs j ON j.id = o.job_id
 WHERE j.run_id = $1::bigint AND j.status IN ('pending', 'processing')
   AND NOT (o.ord - 1)::smallint = ANY (b.gone)
   AND j.settled_lease_id IS DISTINCT FROM b.first_lease_id + o.ord - 1
