-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).
INSERT INTO extracted_bom_items
    (job_id, file_id, item, part_number, description, quantity, unit, material, parent, source, page)
SELECT job_id, file_id, item, part_number, description, quantity, unit, material, parent, source,
       nullif(page, 0)
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],
              $7::text[], $8::text[], $9::text[], $10::text[], $11::integer[])
       r (job_id, file_id, item, part_number, description, quantity, unit, material, parent, source,
          page)
