-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).
INSERT INTO extracted_pages
    (job_id, page, chars, width_pt, height_pt, rotation, undecodable, image_only, label,
     error_class, error, text)
SELECT job_id, page, chars, width_pt, height_pt, rotation, undecodable, image_only, label,
       error_class, error, text
  FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::float8[], $5::float8[], $6::integer[],
              $7::integer[], $8::boolean[], $9::text[], $10::text[], $11::text[], $12::text[])
       r (job_id, page, chars, width_pt, height_pt, rotation, undecodable, image_only, label,
          error_class, error, text)
