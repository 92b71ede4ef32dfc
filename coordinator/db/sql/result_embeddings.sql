-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).  One of each type and model; the
-- first stays.
INSERT INTO cad_model_embeddings AS e (cad_model_id, embedding_type, model, embedding)
SELECT DISTINCT ON (m.id, lower(r.embedding_type)) m.id, lower(r.embedding_type), r.model, r.embedding::real[]
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
       r (job_id, embedding_type, model, embedding, ord)
  JOIN cad_models m ON m.job_id = r.job_id
 ORDER BY m.id, lower(r.embedding_type), r.ord
ON CONFLICT (cad_model_id, embedding_type) DO UPDATE SET model = excluded.model, embedding = excluded.embedding
