-- $1 pk bigint, $2 attach bigint, $3 coordinator bigint, $4 reason text.
UPDATE sessions SET ended_at = now(), end_reason = $4::text
 WHERE pk = $1::bigint AND attach = $2::bigint AND coordinator_id = $3::bigint AND ended_at IS NULL
