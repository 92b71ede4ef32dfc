-- $1 queues at most integer, $2 how far to count in a queue integer.  Jobs that may start now and that no worker can do,
-- one row a run, type and root: run, type, root, jobs, whether there are more, does any worker do the type.  First row:
-- nulls, the number of workers, of leases older than a quarter of an hour, and for how many seconds the oldest job that
-- may start has waited, among the first $1 queues (older queues have lower numbers); null: no job waits.
-- From distinct types and roots, one look for a worker each: the number of jobs does not matter. Counted in the order of
-- the index, or a plan could read all of a queue before it looks at the limit.
WITH p AS MATERIALIZED (
    SELECT DISTINCT q.job_type, q.root
      FROM run_queues q JOIN runs r ON r.id = q.run_id
     WHERE q.live AND r.status = 'active' AND r.gate = 'open'
), n AS MATERIALIZED (
    SELECT p.job_type, p.root, t.is_done
      FROM p
      LEFT JOIN LATERAL (SELECT true AS is_served FROM sessions s
                          WHERE s.ended_at IS NULL AND s.drain_grace_ms IS NULL AND p.job_type = ANY (s.types)
                            AND (p.root = '' OR p.root = ANY (s.roots)) LIMIT 1) c ON true
      LEFT JOIN LATERAL (SELECT true AS is_done FROM sessions s
                          WHERE s.ended_at IS NULL AND s.drain_grace_ms IS NULL AND p.job_type = ANY (s.types)
                          LIMIT 1) t ON c.is_served IS NULL
     WHERE c.is_served IS NULL
)
(SELECT NULL::bigint, ''::text, ''::text,
        (SELECT count(*) FROM sessions WHERE ended_at IS NULL AND drain_grace_ms IS NULL), false, false,
        (SELECT count(*) FROM extraction_jobs WHERE claimed_by IS NOT NULL
            AND claimed_at < clock_timestamp() - interval '15 minutes'),
        (SELECT ceil(extract(epoch FROM clock_timestamp() - min(j.created_at)))::bigint
           FROM (SELECT q.id
                   FROM run_queues q JOIN runs r ON r.id = q.run_id
                  WHERE q.live AND r.status = 'active' AND r.gate = 'open'
                  ORDER BY q.id LIMIT $1::integer) q
          CROSS JOIN LATERAL (SELECT a.job_id FROM ready a WHERE a.queue_id = q.id
                               ORDER BY a.rank, a.job_id LIMIT 1) a
           JOIN extraction_jobs j ON j.id = a.job_id))
 UNION ALL
(SELECT q.run_id, q.job_type, q.root, sum(a.n)::bigint, bool_or(a.n = $2::integer), q.is_done, 0, NULL
   FROM (SELECT q.id, q.run_id, n.job_type, n.root, coalesce(n.is_done, false) AS is_done
           FROM n
           JOIN run_queues q ON q.live AND q.job_type = n.job_type AND q.root = n.root
           JOIN runs r ON r.id = q.run_id AND r.status = 'active' AND r.gate = 'open'
          ORDER BY q.run_id, q.id LIMIT $1::integer) q
  CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT FROM ready a WHERE a.queue_id = q.id
                                                  ORDER BY a.rank, a.job_id LIMIT $2::integer) a) a
  WHERE a.n > 0
  GROUP BY 1, 2, 3, 6
  ORDER BY 1, 2, 3)
