-- $1 job bigint (0: by name), $2 name text.  The model that is meant: that of the job; or by its file's address, its own
-- name, its part number, its file's name (with or without Creo's version, without extension), in this order; of several
-- one that can be compared, the newest.  Row: model, job, run, uri, name, part number, way it came, faces, has a genome
-- to compare by, types of its embeddings (DeepSDF first), status of its job.
WITH w AS MATERIALIZED (
    SELECT 1 AS rank, m.id FROM cad_models m WHERE $1::bigint <> 0 AND m.job_id = $1::bigint
     UNION ALL
    SELECT 1, m.id
      FROM cloud_files f JOIN cad_models m ON m.file_id = f.id
     WHERE $1::bigint = 0
       AND (CASE WHEN octet_length(f.uri) <= 1000 THEN f.uri ELSE left(f.uri, 200) || md5(f.uri) END)
         = (CASE WHEN octet_length($2::text) <= 1000 THEN $2::text ELSE left($2::text, 200) || md5($2::text) END)
     UNION ALL
    SELECT 2, m.id FROM cad_models m WHERE $1::bigint = 0 AND lower(m.name) = lower($2::text)
     UNION ALL
    SELECT 3, m.id FROM cad_models m WHERE $1::bigint = 0 AND lower(m.part_number) = lower($2::text)
), c AS (
    SELECT rank, id FROM w
     UNION ALL
    SELECT 4, m.id -- reads all models
      FROM cad_models m
      JOIN cloud_files f ON f.id = m.file_id
     WHERE $1::bigint = 0 AND NOT EXISTS (SELECT FROM w)
       AND lower($2::text) IN (lower(f.name), lower(regexp_replace(f.name, '\.(prt|asm|drw|frm)\.[0-9]{1,9}$', '.\1', 'i')),
                               lower(regexp_replace(f.name, '\.[^.]*$', '')))
)
SELECT m.id, m.job_id, m.run_id, f.uri, coalesce(m.name, ''), coalesce(m.part_number, ''),
       coalesce(m.extraction_mode, ''), coalesce(m.face_count, 0)::bigint, m.genome_vector IS NOT NULL,
       coalesce((SELECT string_agg(e.embedding_type, ',' ORDER BY e.embedding_type <> 'deepsdf', e.embedding_type)
                   FROM cad_model_embeddings e WHERE e.cad_model_id = m.id), ''), m.status
  FROM c
  JOIN cad_models m ON m.id = c.id
  JOIN cloud_files f ON f.id = m.file_id
 ORDER BY c.rank, m.genome_vector IS NOT NULL OR EXISTS (SELECT FROM cad_model_embeddings e WHERE e.cad_model_id = m.id) DESC,
          m.id DESC
 LIMIT 1
