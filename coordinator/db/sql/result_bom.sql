-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).
INSERT INTO extracted_bom_items
    (job_id, file_id, item, part_number, description, quantity, unit, material, parent, source, page, layout,
     confidence, other)
SELECT job_id, file_id, item, part_number, description, quantity, unit, material, parent, source,
       nullif(page, 0), layout, confidence, other::jsonb
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
              $8::text[], $9::text[], $10::text[], $11::integer[], $12::text[], $13::float8[], $14::text[])
       r (job_id, file_id, item, part_number, description, quantity, unit, material, parent, source, page,
          layout, confidence, other)
