-- $1 model bigint, $2 type of embedding text, $3 how many integer.  Models of other files nearest to it by cosine
-- distance, the nearest first; of a file its newest model, and none that a newer version has taken the place of, or whose
-- distance is no number.  Rows: job, run, uri, name, part number, way it came, faces, distance, is its face graph the same.
WITH q AS MATERIALIZED (
    SELECT e.embedding, m.file_id, m.adjacency_hash
      FROM cad_model_embeddings e JOIN cad_models m ON m.id = e.cad_model_id
     WHERE e.cad_model_id = $1::bigint AND e.embedding_type = $2::text
), n AS MATERIALIZED (
    SELECT s.model_id, s.distance
      FROM q CROSS JOIN LATERAL cad_similar(q.embedding, $2::text, least($3::integer * 4 + 20, 1000)) s
), b AS (
    SELECT DISTINCT ON (m.file_id) m.*, n.distance, coalesce(m.adjacency_hash = q.adjacency_hash, false) AS same_graph
      FROM q CROSS JOIN n JOIN cad_models m ON m.id = n.model_id
     WHERE n.distance <= 2.1 AND m.file_id <> q.file_id AND m.superseded_by IS NULL AND m.status = 'completed'
     ORDER BY m.file_id, m.id DESC
)
SELECT b.job_id, b.run_id, f.uri, coalesce(b.name, ''), coalesce(b.part_number, ''), coalesce(b.extraction_mode, ''),
       coalesce(b.face_count, 0)::bigint, greatest(b.distance, 0)::float8, b.same_graph
  FROM b JOIN cloud_files f ON f.id = b.file_id
 ORDER BY b.distance, b.id LIMIT $3::integer
