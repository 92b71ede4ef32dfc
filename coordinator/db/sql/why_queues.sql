-- $1 run bigint, $2 how far to count integer.  Queues of a run with waiting jobs: queue, type, root, source, ready, delayed,
-- first of the delayed (ms), workers with the type, with the root too.
SELECT q.id, q.job_type, q.root, q.source, a.n, d.n, coalesce(d.first_ms, 0), s.with_type, s.with_root
  FROM run_queues q
 CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT FROM ready a WHERE a.queue_id = q.id LIMIT $2::integer) a) a
 CROSS JOIN LATERAL (SELECT count(*) AS n, (extract(epoch FROM min(run_at)) * 1000)::bigint AS first_ms
                       FROM (SELECT run_at FROM delayed d WHERE d.queue_id = q.id LIMIT $2::integer) d) d
 CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE q.job_type = ANY (s.types)) AS with_type,
               count(*) FILTER (WHERE q.job_type = ANY (s.types) AND (q.root = '' OR q.root = ANY (s.roots))) AS with_root
          FROM sessions s WHERE s.ended_at IS NULL AND s.drain_grace_ms IS NULL) s
 WHERE q.run_id = $1::bigint AND q.live AND (a.n > 0 OR d.n > 0)
 ORDER BY q.id LIMIT 300
