-- $1 job bigint[].  Rows of an earlier, partial result make room for those of the next one.
WITH a AS (DELETE FROM extracted_metadata WHERE job_id = ANY ($1::bigint[])),
     b AS (DELETE FROM extracted_pages WHERE job_id = ANY ($1::bigint[])),
     c AS (DELETE FROM extracted_dimensions WHERE job_id = ANY ($1::bigint[])),
     d AS (DELETE FROM extracted_parameters WHERE job_id = ANY ($1::bigint[])),
     e AS (DELETE FROM extracted_materials WHERE job_id = ANY ($1::bigint[])),
     f AS (DELETE FROM extracted_bom_items WHERE job_id = ANY ($1::bigint[])),
     m AS (SELECT id FROM cad_models WHERE job_id = ANY ($1::bigint[])),
     g AS (DELETE FROM cad_model_embeddings WHERE cad_model_id IN (SELECT id FROM m)),
     h AS (DELETE FROM cad_assembly_relations WHERE parent_model_id IN (SELECT id FROM m)),
     i AS (DELETE FROM cad_manufacturing_features WHERE cad_model_id IN (SELECT id FROM m))
DELETE FROM cad_rendered_views WHERE cad_model_id IN (SELECT id FROM m)
