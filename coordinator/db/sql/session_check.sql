-- $1 session pk bigint[], $2 attach bigint[], $3 coordinator bigint.
-- Rows: ord (from 1) of those that are still this coordinator's under this attach number.
SELECT u.ord
  FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY u (pk, attach, ord)
  JOIN sessions s ON s.pk = u.pk
 WHERE s.attach = u.attach AND s.coordinator_id = $3::bigint AND s.ended_at IS NULL
