-- $1 run bigint, $2 how far to count integer.  Queues of a run with waiting jobs: queue, type, root, source, ready;
-- waiting for their next attempt, and first of those (ms); for their start, and first of those; workers with the type,
-- with the root too.
SELECT q.id, q.job_type, q.root, q.source, a.n, d.again, coalesce(d.again_ms, 0), d.later, coalesce(d.later_ms, 0),
       s.with_type, s.with_root
  FROM run_queues q
 CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT FROM ready a WHERE a.queue_id = q.id
                                                 ORDER BY a.rank, a.job_id LIMIT $2::integer) a) a
 CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE j.failed) AS again,
               (extract(epoch FROM min(d.run_at) FILTER (WHERE j.failed)) * 1000)::bigint AS again_ms,
               count(*) FILTER (WHERE NOT j.failed) AS later,
               (extract(epoch FROM min(d.run_at) FILTER (WHERE NOT j.failed)) * 1000)::bigint AS later_ms
          FROM (SELECT job_id, run_at FROM delayed d WHERE d.queue_id = q.id LIMIT $2::integer) d
         CROSS JOIN LATERAL (SELECT j.error_class IS NOT NULL AS failed FROM extraction_jobs j
                              WHERE j.id = d.job_id LIMIT 1) j) d
 CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE q.job_type = ANY (s.types)) AS with_type,
               count(*) FILTER (WHERE q.job_type = ANY (s.types) AND (q.root = '' OR q.root = ANY (s.roots))) AS with_root
          FROM sessions s WHERE s.ended_at IS NULL AND s.drain_grace_ms IS NULL) s
 WHERE q.run_id = $1::bigint AND q.live AND (a.n > 0 OR d.again > 0 OR d.later > 0)
 ORDER BY q.id LIMIT 300
