-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).
INSERT INTO extracted_metadata
    (job_id, file_id, run_id, bytes, chars, peak_memory_bytes, completeness, pages, duration_ms, encrypted,
     partial, media_type, extractor, extractor_version, encoding, source, empty_reason, sha256, metadata, notes,
     title_block, entities, paper_entities, layers, blocks, links, spans, cad, details)
SELECT job_id, file_id, run_id, bytes, chars, nullif(peak_memory_bytes, 0), completeness, pages, duration_ms,
       encrypted, partial, media_type, extractor, extractor_version, encoding, source, empty_reason, sha256,
       coalesce(metadata, '{}')::jsonb, notes::jsonb, title_block::jsonb, entities::jsonb,
       paper_entities::jsonb, layers::jsonb, blocks::jsonb, links::jsonb, spans::jsonb, cad::jsonb,
       details::jsonb
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::float8[],
              $8::integer[], $9::integer[], $10::boolean[], $11::boolean[], $12::text[], $13::text[],
              $14::text[], $15::text[], $16::text[], $17::text[], $18::bytea[], $19::text[], $20::text[],
              $21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[], $27::text[],
              $28::text[], $29::text[])
       r (job_id, file_id, run_id, bytes, chars, peak_memory_bytes, completeness, pages, duration_ms, encrypted,
          partial, media_type, extractor, extractor_version, encoding, source, empty_reason, sha256, metadata,
          notes, title_block, entities, paper_entities, layers, blocks, links, spans, cad, details)
