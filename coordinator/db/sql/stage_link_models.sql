-- $1 run bigint.  Models of the run: which is a newer version of which (wheel.prt.12 in one folder), and which is the
-- child of an assembly: by the name of its file without Creo's version, its own name, its part number, or its file's
-- name without extension, in this order; in the parent's folder if it is there, elsewhere only if in one place alone;
-- of versions the newest.  One row: children found.
WITH f AS MATERIALIZED (
    SELECT m.id, m.superseded_by, left(f.uri, length(f.uri) - length(f.name)) AS folder,
           lower(regexp_replace(f.name, '\.(prt|asm|drw|frm)\.[0-9]{1,9}$', '.\1', 'i')) AS file,
           coalesce(substring(f.name FROM '(?i)\.(?:prt|asm|drw|frm)\.([0-9]{1,9})$')::bigint, 0) AS version,
           lower(regexp_replace(m.name, '\.(prt|asm|drw|frm)\.[0-9]{1,9}$', '.\1', 'i')) AS name,
           lower(m.part_number) AS part_number
      FROM cad_models m
      JOIN cloud_files f ON f.id = m.file_id
     WHERE m.run_id = $1::bigint
), v AS (
    SELECT id, superseded_by,
           first_value(id) OVER (PARTITION BY folder, file ORDER BY version DESC, id DESC) AS newest
      FROM f WHERE file ~ '\.(prt|asm|drw|frm)$'
), s AS (
    UPDATE cad_models m SET superseded_by = nullif(v.newest, v.id)
      FROM v WHERE m.id = v.id AND v.superseded_by IS DISTINCT FROM nullif(v.newest, v.id)
), n AS (
    SELECT DISTINCT ON (key, folder) key, folder, id, rank
      FROM (SELECT file AS key, 1 AS rank, folder, version, id FROM f
             UNION ALL SELECT name, 2, folder, version, id FROM f WHERE name <> ''
             UNION ALL SELECT part_number, 3, folder, version, id FROM f WHERE part_number <> ''
             UNION ALL SELECT regexp_replace(file, '\.[^.]*$', ''), 4, folder, version, id FROM f) k
     ORDER BY key, folder, rank, version DESC, id DESC
), a AS MATERIALIZED (
    SELECT r.id, f.id AS parent, f.folder,
           lower(regexp_replace(r.child_name, '\.(prt|asm|drw|frm)\.[0-9]{1,9}$', '.\1', 'i')) AS key
      FROM cad_assembly_relations r JOIN f ON f.id = r.parent_model_id
), c AS (
    SELECT a.id, (array_agg(n.id ORDER BY n.folder = a.folder DESC, n.rank)
                        FILTER (WHERE n.folder = a.folder OR n.places = 1))[1] AS child
      FROM a LEFT JOIN (SELECT n.*, count(*) OVER (PARTITION BY key) AS places FROM n) n
             ON n.key = a.key AND n.id <> a.parent
     GROUP BY a.id
), u AS (
    UPDATE cad_assembly_relations r SET child_model_id = c.child
      FROM c WHERE r.id = c.id AND r.child_model_id IS DISTINCT FROM c.child
)
SELECT count(*) FROM c WHERE child IS NOT NULL
