-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).
INSERT INTO extracted_dimensions
    (job_id, file_id, kind, value, raw_value, computed_value, upper_tol, lower_tol, confidence, quantity, page,
     text, unit, fit, source, handle, scale_factor, secondary_value, angle, disagrees, reference, basic, layout,
     prefix, suffix, points, box)
SELECT job_id, file_id, kind, value, raw_value, computed_value, upper_tol, lower_tol, confidence,
       nullif(quantity, 0), nullif(page, 0), text, unit, fit, source, handle, scale_factor, secondary_value,
       angle, disagrees, reference, basic, layout, prefix, suffix, points::float8[],
       CASE WHEN box_x0 IS NOT NULL THEN ARRAY[box_x0, box_y0, box_x1, box_y1] END
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
              $8::float8[], $9::float8[], $10::integer[], $11::integer[], $12::text[], $13::text[], $14::text[],
              $15::text[], $16::text[], $17::float8[], $18::float8[], $19::float8[], $20::float8[],
              $21::float8[], $22::float8[], $23::float8[], $24::boolean[], $25::boolean[], $26::boolean[],
              $27::text[], $28::text[], $29::text[], $30::text[])
       r (job_id, file_id, kind, value, raw_value, computed_value, upper_tol, lower_tol, confidence, quantity,
          page, text, unit, fit, source, handle, box_x0, box_y0, box_x1, box_y1, scale_factor, secondary_value,
          angle, disagrees, reference, basic, layout, prefix, suffix, points)
