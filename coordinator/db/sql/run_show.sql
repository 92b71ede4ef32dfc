-- $1 run bigint or null, $2 before id bigint (0: none), $3 limit integer, $4 boolean: those that are over left out.
-- Newest first.
SELECT r.id, r.name, r.source, r.status, r.priority + r.boost, (extract(epoch FROM r.created_at) * 1000)::bigint,
       coalesce((extract(epoch FROM r.finished_at) * 1000)::bigint, 0), r.adding AND NOT r.manual, s.total,
       s.open - r.adding::integer,
       (SELECT count(*) FROM extraction_jobs j WHERE j.claimed_by IS NOT NULL AND j.run_id = r.id
           AND j.status = 'processing'),
       s.completed, s.failed, s.paused, s.cancelled, s.empty, s.retries, s.infra_losses,
       coalesce(r.discover_error, ''), r.options::text,
       coalesce(w.weight, 1), coalesce(r.halt_at, -1),
       coalesce((extract(epoch FROM r.start_at) * 1000)::bigint, 0) AS start_at_ms,
       r.gate AS gate, coalesce(r.gate_reason, '') AS gate_reason, coalesce(r.gate_by, '') AS gate_by,
       (SELECT coalesce(sum(j.progress_permille), 0) FROM extraction_jobs j
         WHERE j.claimed_by IS NOT NULL AND j.run_id = r.id AND j.status = 'processing') AS working_permille,
       s.found AS found, s.found_refused AS found_refused
  FROM runs r JOIN run_stages s ON s.run_id = r.id AND s.stage = 'extract'
  LEFT JOIN run_shares w ON w.run_id = r.id
 WHERE ($1::bigint IS NULL OR r.id = $1::bigint) AND ($2::bigint = 0 OR r.id < $2::bigint)
   AND (NOT $4::boolean OR r.status IN ('active', 'paused'))
 ORDER BY r.id DESC LIMIT $3::integer
