-- $1 run bigint, $2 uri text[] (sorted), $3 name text[], $4 bytes bigint[], $5 modified_at bigint[] (µs since 2000, or
-- null), $6 priority beside the run's integer[], $7 place in the call integer[], $8 type text, $9 root text,
-- $10 source text, $11 how many ids bigint.
-- As enqueue_jobs, for a few jobs of one queue that start at once, behind enqueue_lock and with
-- COMMIT behind it.  One row: may they (else nothing is stored, and the general way says why), inserted.
-- A division by zero (22012): the stage was closed meanwhile.
WITH g AS MATERIALIZED (
    SELECT r.priority, q.id AS queue_id, i.first_file, i.first_job
      FROM runs r
      JOIN run_stages s ON s.run_id = r.id AND s.stage = 'extract' AND NOT s.closed
      JOIN run_queues q ON q.run_id = r.id AND q.job_type = $8::text AND q.root = $9::text
                       AND q.source = $10::text AND q.live
     CROSS JOIN LATERAL enqueue_ids($11::bigint + 0 * q.id) i -- of the queue, so that none are taken without it
     WHERE r.id = $1::bigint AND r.status IN ('active', 'paused') AND r.gate <> 'cancelled'
       AND (cardinality(r.previous_runs) = 0 OR r.again) AND coalesce(r.start_at <= now(), true)
), n AS MATERIALIZED (
    SELECT n.*, g.queue_id, g.priority + n.own AS priority, g.first_file + n.ord - 1 AS file_id,
           g.first_job + n.place AS id
      FROM g, unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::integer[], $7::integer[])
              WITH ORDINALITY n (uri, name, bytes, modified_us, own, place, ord)
), f AS (
    INSERT INTO cloud_files AS c (id, uri, root, name, bytes, modified_at) OVERRIDING SYSTEM VALUE
    SELECT file_id, uri, $9::text, name, bytes,
           timestamptz '2000-01-01 00:00:00+00' + modified_us / 1000000 * interval '1 second'
           + modified_us % 1000000 * interval '1 microsecond' -- exact, which one factor is not
      FROM n
    ON CONFLICT ((CASE WHEN octet_length(uri) <= 1000 THEN uri ELSE left(uri, 200) || md5(uri) END))
    DO UPDATE SET bytes = excluded.bytes, modified_at = excluded.modified_at,
                  version = c.version + ((c.bytes, c.modified_at)
                            IS DISTINCT FROM (excluded.bytes, excluded.modified_at))::integer
    RETURNING id, uri, version, bytes, (extract(epoch FROM modified_at) * 1000)::bigint AS modified_ms
), j AS (
    INSERT INTO extraction_jobs (id, run_id, file_id, file_version, queue_id, job_type, priority)
    OVERRIDING SYSTEM VALUE
    SELECT n.id, $1::bigint, f.id, f.version, n.queue_id, $8::text, n.priority FROM f JOIN n ON n.uri = f.uri
     ORDER BY n.id
    ON CONFLICT (run_id, file_id) DO NOTHING
    RETURNING id, file_id, queue_id, priority
), r AS (
    INSERT INTO ready (job_id, queue_id, rank, bytes, modified_ms, uri)
    SELECT j.id, j.queue_id, -j.priority, f.bytes, f.modified_ms, f.uri FROM j JOIN f ON f.id = j.file_id
), e AS (
    INSERT INTO job_events (event, run_id, job_ids)
    SELECT 'created', $1::bigint, array_agg(id ORDER BY id) FROM j HAVING count(*) > 0
), s AS (
    UPDATE run_stages s SET open = s.open + c.n, total = s.total + c.n
      FROM (SELECT count(*) AS n FROM j) c
     WHERE s.run_id = $1::bigint AND s.stage = 'extract' AND NOT s.closed
    RETURNING s.stage
)
SELECT EXISTS (SELECT FROM g), (SELECT count(*) FROM j),
       CASE WHEN EXISTS (SELECT FROM g) THEN 1 / (SELECT count(*) FROM s) END
