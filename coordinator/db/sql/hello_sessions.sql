-- $1 worker text, $2 session bytea.
-- Rows of the worker that matter: this session, those not ended, the newest.
SELECT pk, session = $2::bytea, start_counter, ended_at IS NOT NULL, coalesce(replaced_by, 0),
       coordinator_id, stream_number
  FROM sessions
 WHERE worker_id = $1::text
   AND (session = $2::bytea OR ended_at IS NULL
        OR start_counter = (SELECT max(start_counter) FROM sessions WHERE worker_id = $1::text))
 ORDER BY pk
