-- $1 run bigint (0: all).  Models by the way they came, and their sum ('all', last): models, completed, failed,
-- cancelled, open, superseded, with genome, point cloud, DeepSDF latent, any embedding, faces, mean of the faces, bbox,
-- volume, mass, views.
SELECT CASE WHEN grouping(mode) = 1 THEN 'all' ELSE mode END, count(*),
       count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'failed'),
       count(*) FILTER (WHERE status = 'cancelled'),
       count(*) FILTER (WHERE status NOT IN ('completed', 'failed', 'cancelled')), count(superseded_by),
       count(brep_genome), count(point_count), count(deepsdf_latent), count(*) FILTER (WHERE embedded),
       count(*) FILTER (WHERE face_count > 0),
       coalesce(avg(face_count) FILTER (WHERE face_count > 0), 0)::float8, count(bbox), count(volume), count(mass),
       count(*) FILTER (WHERE viewed)
  FROM (SELECT m.*, coalesce(extraction_mode, 'none') AS mode,
               EXISTS (SELECT FROM cad_model_embeddings e WHERE e.cad_model_id = m.id) AS embedded,
               EXISTS (SELECT FROM cad_rendered_views v WHERE v.cad_model_id = m.id) AS viewed
          FROM cad_models m WHERE m.run_id BETWEEN $1::bigint AND coalesce(nullif($1::bigint, 0), 9223372036854775807)) m
 GROUP BY GROUPING SETS ((mode), ())
 ORDER BY grouping(mode), array_position(ARRAY['grpc', 'json', 'native'], mode), mode
