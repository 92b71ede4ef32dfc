-- $1 worker text or null (all), $2 how many integer.  The newest switches, newest first.
SELECT worker_id, number, (extract(epoch FROM at) * 1000)::bigint, what, before_state, after_state,
       coalesce(why, ''), coalesce(calls, 0), coalesce(faults, 0), coalesce(cooldown_ms, 0)
  FROM cad_switches WHERE $1::text IS NULL OR worker_id = $1::text
 ORDER BY at DESC, id DESC LIMIT $2::integer
