-- $1 pk bigint, $2 coordinator bigint, $3 labels text (JSON), $4 types text[], $5 roots text[], $6 slots integer,
-- $7 stream number bigint.
-- A session comes back: to this coordinator, under the next attach number.  One row: pk, attach.
UPDATE sessions
   SET coordinator_id = $2::bigint, attach = attach + 1, attached_at = now(), ended_at = NULL,
       end_reason = NULL, labels = $3::text::jsonb, types = $4::text[], roots = $5::text[],
       slots = $6::integer, stream_number = greatest(stream_number, $7::bigint)
 WHERE pk = $1::bigint AND replaced_by IS NULL
RETURNING pk, attach
