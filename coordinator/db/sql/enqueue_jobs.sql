-- $1 run bigint, $2 uri text[], $3 root text[], $4 name text[], $5 bytes bigint[], $6 modified_ms bigint[] (0, absurd: null),
-- $7 queue integer[], $8 type text[], $9 priority integer[], $10 skip what earlier runs did boolean,
-- $11 cad boolean[].
-- Files, jobs, ready rows, the models of CAD jobs and the audit row of up to 10,000 jobs; uris differ from
-- each other.  One row: inserted, left out as unchanged.
WITH n AS MATERIALIZED (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::integer[],
                         $8::text[], $9::integer[], $11::boolean[])
             n (uri, root, name, bytes, modified_ms, queue_id, job_type, priority, cad)
), f AS (
    INSERT INTO cloud_files AS c (uri, root, name, bytes, modified_at)
    SELECT uri, root, name, bytes,
           CASE WHEN modified_ms BETWEEN 1 AND 253402300799999 -- up to the year 9999
                THEN to_timestamp(modified_ms / 1000.0) END
      FROM n
    ON CONFLICT ((CASE WHEN octet_length(uri) <= 1000 THEN uri ELSE left(uri, 200) || md5(uri) END))
    DO UPDATE SET bytes = excluded.bytes, modified_at = excluded.modified_at,
                  version = c.version + ((c.bytes, c.modified_at)
                            IS DISTINCT FROM (excluded.bytes, excluded.modified_at))::integer
    RETURNING id, uri, version, bytes, (extract(epoch FROM modified_at) * 1000)::bigint AS modified_ms
), w AS (
    SELECT f.id AS file_id, f.version, f.uri, f.bytes, f.modified_ms, n.queue_id, n.job_type, n.priority, n.cad
      FROM f JOIN n ON n.uri = f.uri
     WHERE NOT $10::boolean
        OR NOT EXISTS (SELECT FROM runs r, unnest(r.previous_runs) p (run_id)
                         JOIN extraction_jobs e ON e.run_id = p.run_id
                        WHERE r.id = $1::bigint AND e.file_id = f.id AND e.file_version = f.version
                          AND e.status IN ('completed', 'failed'))
), j AS (
    INSERT INTO extraction_jobs (run_id, file_id, file_version, queue_id, job_type, priority)
    SELECT $1::bigint, file_id, version, queue_id, job_type, priority FROM w ORDER BY file_id
    ON CONFLICT (run_id, file_id) DO NOTHING
    RETURNING id, file_id, queue_id, priority, job_type
), r AS (
    INSERT INTO ready (job_id, queue_id, rank, bytes, modified_ms, uri)
    SELECT j.id, j.queue_id, -j.priority, w.bytes, w.modified_ms, w.uri
      FROM j JOIN w ON w.file_id = j.file_id
), m AS (
    INSERT INTO cad_models (file_id, job_id, run_id)
    SELECT j.file_id, j.id, $1::bigint FROM j
     WHERE j.job_type = ANY (ARRAY(SELECT DISTINCT job_type FROM n WHERE cad))
), e AS (
    INSERT INTO job_events (event, run_id, job_ids)
    SELECT 'created', $1::bigint, array_agg(id ORDER BY id)
      FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / 512 AS part FROM j) k
     GROUP BY part
)
SELECT (SELECT count(*) FROM j), (SELECT count(*) FROM n) - (SELECT count(*) FROM w)
