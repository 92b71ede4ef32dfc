-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).
INSERT INTO extracted_pages
    (job_id, page, chars, width_pt, height_pt, rotation, undecodable, image_only, text_as_paths, drawing,
     ocr_words, ocr_confidence, label, error_class, error, text, search)
SELECT job_id, page, chars, width_pt, height_pt, rotation, undecodable, image_only, text_as_paths, drawing,
       ocr_words, ocr_confidence, label, error_class, error, text, to_tsvector('simple', left(text, 100000))
  FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::float8[], $5::float8[], $6::integer[],
              $7::integer[], $8::boolean[], $9::boolean[], $10::boolean[], $11::integer[], $12::float8[],
              $13::text[], $14::text[], $15::text[], $16::text[])
       r (job_id, page, chars, width_pt, height_pt, rotation, undecodable, image_only, text_as_paths, drawing,
          ocr_words, ocr_confidence, label, error_class, error, text)
