-- $1 run bigint.  Its stages in their order: name, open, total, completed, failed, cancelled, epoch, closed, what
-- is under way or went wrong.
SELECT s.stage, s.open - (s.stage = 'extract' AND r.adding)::integer, s.total, s.completed, s.failed, s.cancelled,
       s.epoch, s.closed, coalesce(j.status = 'processing', false), coalesce(j.last_error, '')
  FROM run_stages s
  JOIN runs r ON r.id = s.run_id
  LEFT JOIN LATERAL (SELECT status, last_error FROM stage_jobs j
                      WHERE j.run_id = s.run_id AND j.stage = s.stage AND NOT j.partial
                      ORDER BY id DESC LIMIT 1) j ON true
 WHERE s.run_id = $1::bigint
 ORDER BY array_position(ARRAY['extract', 'link', 'index', 'report'], s.stage)
