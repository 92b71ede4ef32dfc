-- $1 run bigint.  Its stages in their order: stage, open, closed, and of the newest job of a stage behind extract:
-- status (''), run_at, started (ms), attempts, last_error, coordinator.
SELECT s.stage, s.open - (s.stage = 'extract' AND r.adding)::integer AS open, s.closed, coalesce(j.status, '') AS status,
       coalesce((extract(epoch FROM j.run_at) * 1000)::bigint, 0) AS run_at_ms,
       coalesce((extract(epoch FROM j.started_at) * 1000)::bigint, 0) AS started_ms,
       coalesce(j.attempts, 0) AS attempts, coalesce(j.last_error, '') AS last_error, coalesce(c.instance, '') AS instance
  FROM run_stages s
  JOIN runs r ON r.id = s.run_id
  LEFT JOIN LATERAL (SELECT * FROM stage_jobs j WHERE j.run_id = s.run_id AND j.stage = s.stage AND NOT j.partial
                      ORDER BY j.id DESC LIMIT 1) j ON true
  LEFT JOIN coordinators c ON c.id = j.coordinator_id
 WHERE s.run_id = $1::bigint
 ORDER BY array_position(ARRAY['extract', 'link', 'index', 'report'], s.stage)
