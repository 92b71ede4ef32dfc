-- $1 run bigint.  One row: its state, and what its stage counts.
SELECT r.id, r.status, r.gate, coalesce(r.gate_reason, '') AS gate_reason, coalesce(r.gate_by, '') AS gate_by,
       coalesce((extract(epoch FROM r.gate_at) * 1000)::bigint, 0) AS gate_ms,
       coalesce((extract(epoch FROM r.finished_at) * 1000)::bigint, 0) AS finished_ms,
       r.adding AND NOT r.manual AS listing, r.adding AND r.manual AS manual, s.open - r.adding::integer AS open,
       s.paused, r.priority + r.boost AS priority, coalesce(w.weight, 1) AS weight,
       coalesce((extract(epoch FROM r.start_at) * 1000)::bigint, 0) AS start_at_ms,
       (SELECT count(*) FROM sessions WHERE ended_at IS NULL AND drain_grace_ms IS NULL) AS sessions
  FROM runs r JOIN run_stages s ON s.run_id = r.id AND s.stage = 'extract'
  LEFT JOIN run_shares w ON w.run_id = r.id
 WHERE r.id = $1::bigint
