-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).  One of each name and source; the
-- first stays.
INSERT INTO cad_rendered_views AS v (cad_model_id, view, width, height, media_type, source, image)
SELECT DISTINCT ON (m.id, r.view, r.source) m.id, r.view, r.width, r.height, r.media_type, r.source, r.image
  FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::text[], $6::text[], $7::bytea[])
       WITH ORDINALITY r (job_id, view, width, height, media_type, source, image, ord)
  JOIN cad_models m ON m.job_id = r.job_id
 ORDER BY m.id, r.view, r.source, r.ord
ON CONFLICT (cad_model_id, view, source)
DO UPDATE SET width = excluded.width, height = excluded.height, media_type = excluded.media_type, image = excluded.image
