-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).
INSERT INTO cad_manufacturing_features
    (cad_model_id, feature_type, name, feature_id, status, owner, source, parameters)
SELECT m.id, feature_type, r.name, r.feature_id, r.status, owner, r.source, parameters::jsonb
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
       WITH ORDINALITY r (job_id, feature_type, name, feature_id, status, owner, source, parameters, ord)
  JOIN cad_models m ON m.job_id = r.job_id
 ORDER BY r.ord
