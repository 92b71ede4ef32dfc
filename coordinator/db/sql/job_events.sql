-- $1 job bigint.  Its history, oldest first: at ms, event, worker, lease, detail, budget ms, who asked for it.
-- Batch rows are found by the job's own times, hand-overs by the leases its events name.
WITH j AS (
    SELECT id, created_at, completed_at, settled_lease_id, status FROM extraction_jobs WHERE id = $1::bigint
), own AS (
    SELECT e.at, 3 AS step, e.id AS seq, e.event, e.session_pk, e.lease_id, e.detail, e.budget_ms, e.by_whom
      FROM job_events e WHERE e.job_id = $1::bigint
), batch AS (
    SELECT e.at, CASE e.event WHEN 'created' THEN 0 ELSE 3 END AS step, e.id AS seq, e.event, e.session_pk,
           CASE WHEN e.event = 'completed' THEN j.settled_lease_id END AS lease_id, e.detail, NULL::bigint, NULL::text
      FROM j JOIN job_events e ON e.at IN (j.created_at, j.completed_at) AND e.job_ids @> ARRAY[j.id]
), leases AS (
    SELECT DISTINCT lease_id FROM own WHERE lease_id IS NOT NULL
     UNION SELECT settled_lease_id FROM j WHERE settled_lease_id IS NOT NULL
     UNION SELECT b.first_lease_id + o.ord - 1
      FROM j CROSS JOIN live_batches v
      JOIN lease_batches b ON b.first_lease_id = v.first_lease_id AND b.job_ids @> ARRAY[j.id]
     CROSS JOIN LATERAL unnest(b.job_ids) WITH ORDINALITY o (job_id, ord)
     WHERE o.job_id = j.id
), leased AS (
    SELECT b.created_at AS at, 1 AS step, l.lease_id AS seq, 'leased' AS event, b.claimed_by AS session_pk,
           l.lease_id, NULL::text AS detail, NULL::bigint, NULL::text
      FROM leases l
      JOIN lease_batches b ON b.first_lease_id = l.lease_id - (l.lease_id - 1) % 256
), everything AS (
    SELECT * FROM own UNION ALL SELECT * FROM batch UNION ALL SELECT * FROM leased
)
SELECT (extract(epoch FROM e.at) * 1000)::bigint, e.event,
       coalesce(s.worker_id, (SELECT w.worker_id FROM lease_batches b JOIN sessions w ON w.pk = b.session_pk
                               WHERE b.first_lease_id = e.lease_id - (e.lease_id - 1) % 256), ''),
       coalesce(e.lease_id, 0), coalesce(e.detail, ''), coalesce(e.budget_ms, 0),
       coalesce(e.by_whom, '')
  FROM everything e LEFT JOIN sessions s ON s.pk = e.session_pk
 ORDER BY e.at, e.step, e.seq
