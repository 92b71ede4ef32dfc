-- $1 own id bigint.  Sessions whose coordinator has stopped: pk.
SELECT s.pk FROM sessions s JOIN coordinators c ON c.id = s.coordinator_id
 WHERE s.ended_at IS NULL AND c.stopped_at IS NOT NULL AND c.id <> $1::bigint
 ORDER BY s.pk LIMIT 500
