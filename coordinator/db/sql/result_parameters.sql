-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).
INSERT INTO extracted_parameters
    (job_id, file_id, name, value, value_type, unit, set_name, owner, source, handle, layout, page)
SELECT job_id, file_id, name, value, value_type, unit, set_name, owner, source, handle, layout, nullif(page, 0)
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
              $8::text[], $9::text[], $10::text[], $11::text[], $12::integer[])
       r (job_id, file_id, name, value, value_type, unit, set_name, owner, source, handle, layout, page)
