-- $1 run bigint (0: all).  Rows of report_cad.sql's ways: way, what is counted (geometry, failed, embedding), of which
-- name, how many models.
WITH m AS MATERIALIZED (
    SELECT id, job_id, status, coalesce(extraction_mode, 'none') AS mode,
           CASE WHEN status = 'completed' THEN coalesce(geometry_status, 'not asked') END AS geometry
      FROM cad_models WHERE run_id BETWEEN $1::bigint AND coalesce(nullif($1::bigint, 0), 9223372036854775807)
), c AS (
    SELECT mode, 'geometry' AS what, geometry AS name FROM m WHERE geometry IS NOT NULL
     UNION ALL
    SELECT m.mode, 'failed', coalesce(j.error_class, 'unknown')
      FROM m JOIN extraction_jobs j ON j.id = m.job_id WHERE m.status = 'failed'
     UNION ALL
    SELECT m.mode, 'embedding', e.embedding_type FROM m JOIN cad_model_embeddings e ON e.cad_model_id = m.id
)
SELECT CASE WHEN grouping(mode) = 1 THEN 'all' ELSE mode END, what, name, count(*)
  FROM c GROUP BY GROUPING SETS ((mode, what, name), (what, name)) ORDER BY 2, 3
