-- $1 job bigint[].  Rows of an earlier, partial result make room for those of the next one.
WITH a AS (DELETE FROM extracted_metadata WHERE job_id = ANY ($1::bigint[])),
     b AS (DELETE FROM extracted_pages WHERE job_id = ANY ($1::bigint[])),
     c AS (DELETE FROM extracted_dimensions WHERE job_id = ANY ($1::bigint[])),
     d AS (DELETE FROM extracted_parameters WHERE job_id = ANY ($1::bigint[])),
     e AS (DELETE FROM extracted_materials WHERE job_id = ANY ($1::bigint[]))
DELETE FROM extracted_bom_items WHERE job_id = ANY ($1::bigint[])
