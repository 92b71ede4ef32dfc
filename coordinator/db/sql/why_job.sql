-- $1 job bigint, $2 how far to count integer.  One row: all there is to know about why a job is not running.
-- ahead: in its queue; urgent: of its type elsewhere, of a higher priority; both counted to $2 at most.
SELECT j.id, j.run_id, j.status, j.job_type, j.retry_count, coalesce(j.error_class, '') AS error_class,
       coalesce(j.stop_requested, '') AS stop_requested, coalesce(j.alone, false) AS alone,
       coalesce((extract(epoch FROM j.completed_at) * 1000)::bigint, 0) AS completed_ms,
       r.status AS run_status, r.gate, coalesce(r.gate_reason, '') AS gate_reason, coalesce(r.gate_by, '') AS gate_by,
       coalesce((extract(epoch FROM r.gate_at) * 1000)::bigint, 0) AS gate_ms,
       q.root, q.source, q.id AS queue_id, w.weight,
       y.job_id IS NOT NULL AS is_ready, coalesce(r.boost - y.rank, j.priority + r.boost) AS priority,
       coalesce((extract(epoch FROM d.run_at) * 1000)::bigint, 0) AS run_at_ms,
       coalesce(p.detail, nullif(substr(p.asked, 8), ''), '') AS pause_detail, coalesce(p.by_whom, p.asked_by, '') AS pause_by, coalesce((extract(epoch FROM p.at) * 1000)::bigint, 0) AS pause_ms,
       coalesce(l.worker_id, '') AS worker, coalesce(l.instance, '') AS instance, coalesce(l.lease_id, 0) AS lease_id,
       coalesce((extract(epoch FROM l.created_at) * 1000)::bigint, 0) AS leased_ms,
       s.sessions, s.with_type, s.with_root, s.slots,
       (SELECT count(*) FROM (SELECT FROM ready a WHERE a.queue_id = q.id AND (a.rank, a.job_id) < (y.rank, y.job_id)
                               ORDER BY a.rank, a.job_id LIMIT $2::integer) a) AS ahead,
       (SELECT coalesce(sum(c.n), 0)::bigint
          FROM run_queues o JOIN runs u ON u.id = o.run_id
         CROSS JOIN LATERAL (SELECT count(*) AS n
                               FROM (SELECT FROM ready a WHERE a.queue_id = o.id AND a.rank < y.rank - r.boost + u.boost
                                      ORDER BY a.rank, a.job_id LIMIT $2::integer) a) c
         WHERE o.live AND o.job_type = j.job_type AND o.id <> q.id AND u.status = 'active' AND u.gate = 'open') AS urgent,
       (SELECT coalesce(sum(x.weight), 0)
          FROM (SELECT DISTINCT u.id, v.weight
                  FROM run_queues o JOIN runs u ON u.id = o.run_id JOIN run_shares v ON v.run_id = u.id
                 WHERE o.live AND o.job_type = j.job_type AND u.id <> j.run_id AND u.status = 'active' AND u.gate = 'open'
                   AND EXISTS (SELECT FROM ready a WHERE a.queue_id = o.id AND a.rank = y.rank - r.boost + u.boost)) x)
           AS others_weight
  FROM extraction_jobs j
  JOIN runs r ON r.id = j.run_id
  JOIN run_queues q ON q.id = j.queue_id
  LEFT JOIN run_shares w ON w.run_id = j.run_id
  LEFT JOIN LATERAL (SELECT job_id, rank FROM ready a WHERE a.queue_id = q.id AND a.rank = (-j.priority)::smallint
                        AND a.job_id = j.id) y
         ON j.status IN ('pending', 'processing')
  LEFT JOIN delayed d ON d.job_id = j.id
  LEFT JOIN LATERAL (SELECT e.at, e.detail, e.by_whom, a.detail AS asked, a.by_whom AS asked_by
                       FROM job_events e -- of one that ran the reason stands with what was asked: "pause: …"
                       LEFT JOIN LATERAL (SELECT a.detail, a.by_whom FROM job_events a
                                           WHERE a.job_id = j.id AND a.event = 'stop_requested' AND a.detail LIKE 'pause%'
                                             AND a.id < e.id AND e.lease_id IS NOT NULL
                                           ORDER BY a.id DESC LIMIT 1) a ON true
                      WHERE e.job_id = j.id AND e.event = 'paused'
                      ORDER BY e.id DESC LIMIT 1) p ON j.status = 'paused'
  LEFT JOIN LATERAL (
        SELECT s.worker_id, c.instance, b.created_at, b.first_lease_id + o.ord - 1 AS lease_id
          FROM live_batches v
          JOIN lease_batches b ON b.first_lease_id = v.first_lease_id
          JOIN sessions s ON s.pk = b.session_pk
          LEFT JOIN coordinators c ON c.id = s.coordinator_id
         CROSS JOIN LATERAL unnest(b.job_ids) WITH ORDINALITY o (job_id, ord)
         WHERE b.job_ids @> ARRAY[j.id] AND o.job_id = j.id AND NOT (o.ord - 1)::smallint = ANY (b.gone)
           AND j.settled_lease_id IS DISTINCT FROM b.first_lease_id + o.ord - 1
         LIMIT 1) l ON j.status IN ('pending', 'processing')
 CROSS JOIN LATERAL (
        SELECT count(*) AS sessions, count(*) FILTER (WHERE j.job_type = ANY (s.types)) AS with_type,
               count(*) FILTER (WHERE j.job_type = ANY (s.types) AND (q.root = '' OR q.root = ANY (s.roots))) AS with_root,
               coalesce(sum(s.slots) FILTER (WHERE j.job_type = ANY (s.types)
                                               AND (q.root = '' OR q.root = ANY (s.roots))), 0)::bigint AS slots
          FROM sessions s WHERE s.ended_at IS NULL AND s.drain_grace_ms IS NULL) s
 WHERE j.id = $1::bigint
