-- $1 file bigint[] (sorted: in this order the rows are locked), $2 extraction_status text[] (JSON), $3 sha256 bytea[],
-- $4 media_type text[].
UPDATE cloud_files f
   SET extraction_status = r.status::jsonb, sha256 = coalesce(r.sha256, f.sha256),
       media_type = coalesce(r.media_type, f.media_type)
  FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[]) r (file_id, status, sha256, media_type)
 WHERE f.id = r.file_id
