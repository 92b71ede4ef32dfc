-- $1 lease bigint[], $2 job bigint[].  What the fence refused: rows ord (from 1), was it committed before.
SELECT r.ord,
       coalesce(j.settled_lease_id = r.lease_id, false)
       OR EXISTS (SELECT FROM job_events e WHERE e.job_id = r.job_id AND e.lease_id = r.lease_id
                     AND e.event IN ('retry', 'failed', 'paused', 'cancelled')
                     AND e.detail IS NOT NULL)
  FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY r (lease_id, job_id, ord)
  LEFT JOIN extraction_jobs j ON j.id = r.job_id
