-- $1 worker text.  One row: its newest session: pk, session (hex), host, os, version, labels (JSON), types, roots (both joined by
-- commas), slots, created ms, whether it has ended, why, its coordinator's name, whether that has stopped, is it drained.
SELECT s.pk, encode(s.session, 'hex'), s.host, s.os, s.version, s.labels::text, array_to_string(s.types, ','),
       array_to_string(s.roots, ','), s.slots, (extract(epoch FROM s.created_at) * 1000)::bigint,
       s.ended_at IS NOT NULL, coalesce(s.end_reason, ''), coalesce(c.instance, ''), c.stopped_at IS NOT NULL,
       s.drain_grace_ms IS NOT NULL
  FROM sessions s LEFT JOIN coordinators c ON c.id = s.coordinator_id
 WHERE s.worker_id = $1::text
 ORDER BY s.ended_at IS NULL DESC, s.start_counter DESC, s.pk DESC LIMIT 1
