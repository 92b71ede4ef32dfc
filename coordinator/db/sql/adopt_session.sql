-- $1 pk bigint[], $2 own id bigint, $3 again boolean.  Compare-and-set: only from a coordinator that has
-- stopped; again, after an unknown COMMIT, also what that may have made our own.
-- Rows: pk, attach, session, worker.
UPDATE sessions s SET coordinator_id = $2::bigint, attach = attach + 1, attached_at = now()
  FROM coordinators c
 WHERE s.pk = ANY ($1::bigint[]) AND s.ended_at IS NULL
   AND c.id = s.coordinator_id AND (c.stopped_at IS NOT NULL OR $3::boolean AND c.id = $2::bigint)
RETURNING s.pk, s.attach, s.session, s.worker_id
