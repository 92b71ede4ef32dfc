-- $1 run bigint, $2 uri text[] (sorted), $3 root text[], $4 name text[], $5 bytes bigint[], $6 modified_at bigint[]
-- (µs since 2000, or null), $7 queue integer[], $8 type text[], $9 priority integer[], $10 leave out what earlier
-- runs did boolean, $11 cad boolean[], $12 place in the call integer[], $13 run_at bigint[] (as $6; null: now),
-- $14 key text[] (null: none; locked by enqueue_keys), $15 first file id bigint, $16 first job id bigint.
-- Files, jobs, ready or delayed rows, the models of CAD jobs, the audit row and the stage's counter of up to
-- 10,000 jobs; uris differ from each other.  One row: inserted, left out as unchanged, 0 when the stage was closed
-- meanwhile.
WITH n AS MATERIALIZED (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::integer[],
                         $8::text[], $9::integer[], $11::boolean[], $12::integer[], $13::bigint[], $14::text[])
             WITH ORDINALITY n (uri, root, name, bytes, modified_us, queue_id, job_type, priority, cad, place,
                                run_at_us, key, ord)
), f AS (
    INSERT INTO cloud_files AS c (id, uri, root, name, bytes, modified_at) OVERRIDING SYSTEM VALUE
    SELECT $15::bigint + ord - 1, uri, root, name, bytes,
           timestamptz '2000-01-01 00:00:00+00' + modified_us / 1000000 * interval '1 second'
           + modified_us % 1000000 * interval '1 microsecond' -- exact, which one factor is not
      FROM n
    ON CONFLICT ((CASE WHEN octet_length(uri) <= 1000 THEN uri ELSE left(uri, 200) || md5(uri) END))
    DO UPDATE SET bytes = excluded.bytes, modified_at = excluded.modified_at,
                  version = c.version + ((c.bytes, c.modified_at)
                            IS DISTINCT FROM (excluded.bytes, excluded.modified_at))::integer
    RETURNING id, uri, version, bytes, (extract(epoch FROM modified_at) * 1000)::bigint AS modified_ms
), w AS (
    SELECT f.id AS file_id, f.version, f.uri, f.bytes, f.modified_ms, n.queue_id, n.job_type, n.priority, n.cad, n.key, n.place, n.run_at_us,
           $16::bigint + n.place AS id
      FROM f JOIN n ON n.uri = f.uri
     WHERE NOT $10::boolean
        OR NOT EXISTS (SELECT FROM runs r, unnest(r.previous_runs) p (run_id)
                         JOIN extraction_jobs e ON e.run_id = p.run_id
                        WHERE r.id = $1::bigint AND e.file_id = f.id AND e.file_version = f.version
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
    INSERT INTO extraction_jobs (id, run_id, file_id, file_version, queue_id, job_type, priority, dedupe)
    OVERRIDING SYSTEM VALUE
    SELECT id, $1::bigint, file_id, version, queue_id, job_type, priority, key FROM w
     WHERE key IS NULL OR id IN (SELECT id FROM k)
     ORDER BY id
    ON CONFLICT (run_id, file_id) DO NOTHING
    RETURNING id, file_id, queue_id, priority, job_type
), r AS (
    INSERT INTO ready (job_id, queue_id, rank, bytes, modified_ms, uri)
    SELECT j.id, j.queue_id, -j.priority, w.bytes, w.modified_ms, w.uri
      FROM j JOIN w ON w.id = j.id WHERE w.run_at_us IS NULL
), d AS (
    INSERT INTO delayed (job_id, run_at, queue_id, rank)
    SELECT j.id, timestamptz '2000-01-01 00:00:00+00' + w.run_at_us * interval '1 microsecond', j.queue_id, -j.priority
      FROM j JOIN w ON w.id = j.id WHERE w.run_at_us IS NOT NULL
), m AS (
    INSERT INTO cad_models (file_id, job_id, run_id)
    SELECT j.file_id, j.id, $1::bigint FROM j JOIN w ON w.id = j.id WHERE w.cad
), e AS (
    INSERT INTO job_events (event, run_id, job_ids)
    SELECT 'created', $1::bigint, array_agg(id ORDER BY id)
      FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / 512 AS part FROM j) k
     GROUP BY part
), s AS (
    UPDATE run_stages s SET open = s.open + c.n, total = s.total + c.n
      FROM (SELECT count(*) AS n FROM j) c
     WHERE s.run_id = $1::bigint AND s.stage = 'extract' AND NOT s.closed
    RETURNING s.stage
)
SELECT (SELECT count(*) FROM j), (SELECT count(*) FROM n) - (SELECT count(*) FROM w), (SELECT count(*) FROM s)
