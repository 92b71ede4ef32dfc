-- $1 worker text ('': any), $2 labels text (JSON object; '{}': none), $3 grace ms integer or null (a drain is undone).
-- Sessions of these workers; every coordinator is told to look.  Rows: worker, session.
WITH s AS (
    UPDATE sessions SET drain_grace_ms = $3::integer
     WHERE ended_at IS NULL AND replaced_by IS NULL
       AND ($1::text = '' OR worker_id = $1::text) AND labels @> $2::text::jsonb
       AND ($3::integer IS NOT NULL OR drain_grace_ms IS NOT NULL)
    RETURNING worker_id, pk
), n AS (
    SELECT pg_notify('quarry_control', '') FROM (SELECT FROM s LIMIT 1) k
)
SELECT s.worker_id, s.pk FROM s LEFT JOIN n ON true ORDER BY 1, 2
