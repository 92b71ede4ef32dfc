-- $1 run bigint, $2 type text, $3 root text, $4 source text.  One row: the queue, made when it is the first of
-- its kind.  A run with very many sources has one queue for those without a limit of their own: a claim looks
-- at each queue once.
WITH s AS (
    SELECT CASE WHEN $4::text = '' OR $3::text <> ''
                  OR EXISTS (SELECT FROM run_queues WHERE run_id = $1::bigint AND job_type = $2::text
                                AND root = $3::text AND source = $4::text)
                  OR EXISTS (SELECT FROM limits WHERE scope = 'source' AND name = $4::text)
                  OR (SELECT count(*) FROM run_queues WHERE run_id = $1::bigint) < 256
                THEN $4::text ELSE '*' END AS source
), i AS (
    INSERT INTO run_queues (run_id, job_type, root, source, limits)
    SELECT $1::bigint, $2::text, $3::text, s.source,
           nullif(ARRAY(SELECT l.id FROM limits l
                         WHERE (l.scope, l.name) IN (('type', $2::text), ('run', $1::bigint::text),
                                                     ('source', s.source)) ORDER BY l.id), '{}')
      FROM s
    ON CONFLICT (run_id, job_type, root, source) DO UPDATE SET live = true
    RETURNING id
), n AS (
    INSERT INTO run_shares (run_id) VALUES ($1::bigint) ON CONFLICT (run_id) DO NOTHING
)
SELECT id FROM i
