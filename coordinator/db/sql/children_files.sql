-- $1 uri text[] (sorted, each once), $2 root text[], $3 name text[], $4 bytes bigint[], $5 modified_at bigint[]
-- (µs since 2000, or null).  Files of found jobs: new ones are inserted, known ones left alone unless they have
-- changed, so that no lock is taken on the rows of files that other results are about.
-- One row: the first of as many job ids.
WITH ids AS MATERIALIZED (
    SELECT first_file, first_job FROM enqueue_ids(cardinality($1::text[]))
), n AS MATERIALIZED (
    SELECT i.first_file + u.ord - 1 AS id, u.uri, u.root, u.name, u.bytes,
           timestamptz '2000-01-01 00:00:00+00' + u.modified_us / 1000000 * interval '1 second'
           + u.modified_us % 1000000 * interval '1 microsecond' AS modified_at, u.ord
      FROM ids i, unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
           WITH ORDINALITY u (uri, root, name, bytes, modified_us, ord)
), c AS (
    UPDATE cloud_files c SET bytes = n.bytes, modified_at = n.modified_at, version = c.version + 1
      FROM n
     WHERE (CASE WHEN octet_length(c.uri) <= 1000 THEN c.uri ELSE left(c.uri, 200) || md5(c.uri) END)
           = (CASE WHEN octet_length(n.uri) <= 1000 THEN n.uri ELSE left(n.uri, 200) || md5(n.uri) END)
       AND n.modified_at IS NOT NULL AND (c.bytes, c.modified_at) IS DISTINCT FROM (n.bytes, n.modified_at)
), f AS (
    INSERT INTO cloud_files (id, uri, root, name, bytes, modified_at) OVERRIDING SYSTEM VALUE
    SELECT id, uri, root, name, bytes, modified_at FROM n ORDER BY ord
    ON CONFLICT ((CASE WHEN octet_length(uri) <= 1000 THEN uri ELSE left(uri, 200) || md5(uri) END)) DO NOTHING
)
SELECT first_job FROM ids
