-- $1 model bigint, $2 how many integer.  As search_embedding.sql, by the distance of genomes (cad_genome_vector).  Exact:
-- all models that have one are looked at.
WITH q AS MATERIALIZED (
    SELECT genome_vector, file_id, adjacency_hash FROM cad_models WHERE id = $1::bigint
), b AS MATERIALIZED (
    SELECT DISTINCT ON (m.file_id) m.id, d.distance, coalesce(m.adjacency_hash = q.adjacency_hash, false) AS same_graph
      FROM q
      JOIN cad_models m ON m.genome_vector IS NOT NULL AND m.superseded_by IS NULL AND m.status = 'completed'
                       AND m.file_id <> q.file_id
     CROSS JOIN LATERAL (SELECT sqrt(sum((x::float8 - y) ^ 2)) FROM unnest(m.genome_vector, q.genome_vector) u (x, y))
           d (distance)
     ORDER BY m.file_id, m.id DESC
), n AS (
    SELECT id, distance, same_graph FROM b ORDER BY distance, id LIMIT $2::integer
)
SELECT m.job_id, m.run_id, f.uri, coalesce(m.name, ''), coalesce(m.part_number, ''), coalesce(m.extraction_mode, ''),
       coalesce(m.face_count, 0)::bigint, n.distance, n.same_graph
  FROM n JOIN cad_models m ON m.id = n.id JOIN cloud_files f ON f.id = m.file_id
 ORDER BY n.distance, n.id
