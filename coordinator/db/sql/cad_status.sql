-- $1 worker text or null (all), $2 how long ago a bridge may have spoken to be shown, ms bigint.
-- Rows: state bytea, ms since it spoke, coordinator, ordered mode, by whom, ordered at ms.
SELECT b.state, (extract(epoch FROM now() - b.reported_at) * 1000)::bigint, b.coordinator,
       coalesce(o.mode, a.mode, 'auto'), coalesce(o.by_whom, a.by_whom, ''),
       coalesce((extract(epoch FROM coalesce(o.at, a.at)) * 1000)::bigint, 0)
  FROM cad_bridges b
  LEFT JOIN cad_orders o ON o.worker_id = b.worker_id
  LEFT JOIN cad_orders a ON a.worker_id = '' AND o.worker_id IS NULL
 WHERE ($1::text IS NULL OR b.worker_id = $1::text)
   AND b.reported_at > now() - $2::bigint * interval '1 millisecond'
 ORDER BY b.worker_id
