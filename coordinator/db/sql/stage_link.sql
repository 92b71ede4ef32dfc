-- $1 run bigint.  Documents of the run that belong together: the same name in one folder (part.dxf, part.pdf), or
-- one drawing number in their title blocks. To be looked at by a person: a number that stands in files of one type
-- with different content, or that a guess read.  One row: how many groups.
WITH d AS MATERIALIZED (
    SELECT j.file_id, j.job_type, f.sha256,
           left(f.uri, length(f.uri) - length(f.name)) AS folder,
           lower(regexp_replace(f.name, '\.[^.]*$', '')) AS stem,
           upper(regexp_replace(m.title_block ->> 'drawing_number', '\s+', '', 'g')) AS number,
           coalesce((m.details #>> '{title_block_places,drawing_number,confidence}')::float8, 1) AS sure
      FROM extraction_jobs j
      JOIN cloud_files f ON f.id = j.file_id
      LEFT JOIN extracted_metadata m ON m.job_id = j.id
     WHERE j.run_id = $1::bigint AND j.status = 'completed'
), k AS (
    SELECT 'name' AS kind, folder || stem AS key, min(stem) AS name, array_agg(file_id) AS files,
           array_agg(job_type) AS roles, 0.9::float8 AS confidence, NULL::text AS doubt
      FROM d WHERE stem <> '' GROUP BY 2 HAVING count(*) > 1
     UNION ALL
    SELECT 'drawing_number', number, min(number), array_agg(file_id), array_agg(job_type), min(sure),
           CASE WHEN count(*) > count(DISTINCT job_type) AND count(DISTINCT sha256) > count(DISTINCT job_type)
                THEN 'several files of one type have this number'
                WHEN min(sure) < 0.6 THEN 'the number was guessed from its place' END
      FROM d WHERE length(number) > 2 GROUP BY number HAVING count(*) > 1
), g AS (
    INSERT INTO document_groups (run_id, kind, key, name, confidence, needs_review, reason)
    SELECT $1::bigint, kind, key, name, confidence, doubt IS NOT NULL, doubt FROM k
    RETURNING id, kind, key
), m AS (
    INSERT INTO document_group_members (group_id, file_id, role)
    SELECT g.id, u.file_id, u.role
      FROM g JOIN k ON k.kind = g.kind AND k.key = g.key, unnest(k.files, k.roles) u (file_id, role)
)
SELECT count(*) FROM g
