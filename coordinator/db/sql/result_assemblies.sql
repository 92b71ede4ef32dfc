-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).  The link stage finds the children.
INSERT INTO cad_assembly_relations
    (parent_model_id, parent_name, child_name, quantity, transform, occurrences, cycle, unresolved)
SELECT m.id, parent_name, child_name, quantity, r.transform::float8[], occurrences::jsonb, cycle, unresolved
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::float8[], $5::text[], $6::text[], $7::boolean[],
              $8::boolean[]) WITH ORDINALITY
       r (job_id, parent_name, child_name, quantity, transform, occurrences, cycle, unresolved, ord)
  JOIN cad_models m ON m.job_id = r.job_id
 ORDER BY r.ord
