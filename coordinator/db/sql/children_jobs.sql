-- $1 run bigint, $2 parent bigint[], $3 uri text[] (sorted, each once), $4 queue integer[], $5 type text[],
-- $6 priority integer[], $7 cad boolean[], $8 key text[] (null: none; locked by enqueue_keys), $9 depth integer[],
-- $10 first job id bigint, $11 leave out what earlier runs did boolean.
-- The jobs that results found, behind their fence and behind children_files: unique by (run, file), or by their
-- key. Those that are there are not tried: ON CONFLICT waits for whoever is updating them, and two settles that
-- complete each other's finds would wait for each other.  Rows: ord (from 1), was it added, was it left out as unchanged.
WITH n AS MATERIALIZED (
    SELECT * FROM unnest($2::bigint[], $3::text[], $4::integer[], $5::text[], $6::integer[], $7::boolean[],
                         $8::text[], $9::integer[])
             WITH ORDINALITY n (parent, uri, queue_id, job_type, priority, cad, key, depth, ord)
), w AS MATERIALIZED (
    SELECT n.*, $10::bigint + n.ord - 1 AS id, c.id AS file_id, c.version, c.bytes,
           (extract(epoch FROM c.modified_at) * 1000)::bigint AS modified_ms
      FROM n
      JOIN cloud_files c
        ON (CASE WHEN octet_length(c.uri) <= 1000 THEN c.uri ELSE left(c.uri, 200) || md5(c.uri) END)
         = (CASE WHEN octet_length(n.uri) <= 1000 THEN n.uri ELSE left(n.uri, 200) || md5(n.uri) END)
     WHERE NOT $11::boolean
        OR NOT EXISTS (SELECT FROM runs r, unnest(r.previous_runs) p (run_id)
                         JOIN extraction_jobs e ON e.run_id = p.run_id
                        WHERE r.id = $1::bigint AND e.file_id = c.id AND e.file_version = c.version
                          AND e.status IN ('completed', 'failed'))
), k AS (
    UPDATE job_keys k SET job_id = t.id
      FROM (SELECT DISTINCT ON (key) key, id FROM w
             WHERE key IS NOT NULL
               AND NOT EXISTS (SELECT FROM extraction_jobs e WHERE e.run_id = $1::bigint AND e.file_id = w.file_id)
             ORDER BY key, id) t
     WHERE k.run_id = $1::bigint AND k.key = t.key
       AND NOT EXISTS (SELECT FROM extraction_jobs e
                        WHERE e.id = k.job_id AND e.status IN ('pending', 'processing', 'paused'))
    RETURNING t.id
), j AS (
    INSERT INTO extraction_jobs (id, run_id, file_id, file_version, queue_id, job_type, priority, dedupe,
                                 parent_job_id, depth)
    OVERRIDING SYSTEM VALUE
    SELECT id, $1::bigint, file_id, version, queue_id, job_type, priority, key, parent, depth FROM w
     WHERE (key IS NULL OR id IN (SELECT id FROM k))
       AND NOT EXISTS (SELECT FROM extraction_jobs e WHERE e.run_id = $1::bigint AND e.file_id = w.file_id)
     ORDER BY id
    ON CONFLICT (run_id, file_id) DO NOTHING
    RETURNING id, file_id, queue_id, priority
), r AS (
    INSERT INTO ready (job_id, queue_id, rank, bytes, modified_ms, uri)
    SELECT j.id, j.queue_id, -j.priority, w.bytes, w.modified_ms, w.uri FROM j JOIN w ON w.id = j.id
), m AS (
    INSERT INTO cad_models (file_id, job_id, run_id)
    SELECT j.file_id, j.id, $1::bigint FROM j JOIN w ON w.id = j.id WHERE w.cad
), e AS (
    INSERT INTO job_events (event, run_id, job_ids)
    SELECT 'created', $1::bigint, array_agg(id ORDER BY id)
      FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / 512 AS part FROM j) p
     GROUP BY part
)
SELECT n.ord, j.id IS NOT NULL, w.id IS NULL
  FROM n LEFT JOIN w ON w.ord = n.ord LEFT JOIN j ON j.id = w.id
