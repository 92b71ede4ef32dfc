-- $1 pk bigint[], $2 the session that replaces them bigint.
UPDATE sessions SET ended_at = coalesce(ended_at, now()), end_reason = 'replaced', replaced_by = $2::bigint,
       attach = attach + 1
 WHERE pk = ANY ($1::bigint[])
