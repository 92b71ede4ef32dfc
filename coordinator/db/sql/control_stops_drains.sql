-- $1 coordinator bigint, $2 how many at most integer.  Its sessions that are to finish: session, grace ms.
SELECT pk, drain_grace_ms FROM sessions
 WHERE drain_grace_ms IS NOT NULL AND ended_at IS NULL AND coordinator_id = $1::bigint
 ORDER BY pk LIMIT $2::integer
