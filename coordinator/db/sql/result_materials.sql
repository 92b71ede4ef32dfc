-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).
INSERT INTO extracted_materials
    (job_id, file_id, name, standard, density, owner, source, confidence, page, layout)
SELECT job_id, file_id, name, standard, density, owner, source, confidence, nullif(page, 0), layout
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::float8[], $6::text[], $7::text[],
              $8::float8[], $9::integer[], $10::text[])
       r (job_id, file_id, name, standard, density, owner, source, confidence, page, layout)
