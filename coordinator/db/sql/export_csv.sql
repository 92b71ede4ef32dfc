-- $1 run bigint.  A cursor over the run's files as CSV lines (RFC 4180), by job id.
DECLARE export NO SCROLL CURSOR FOR
SELECT concat_ws(',', j.id, '"' || replace(f.uri, '"', '""') || '"', '"' || replace(j.job_type, '"', '""') || '"', f.bytes::text, '"' || replace(coalesce(encode(f.sha256, 'hex'), ''), '"', '""') || '"',
                 '"' || replace(j.status, '"', '""') || '"', '"' || replace(coalesce(j.error_class, ''), '"', '""') || '"', '"' || replace(coalesce(j.last_error, ''), '"', '""') || '"',
                 coalesce(m.pages::text, ''), coalesce(m.chars::text, ''), j.partial::text,
                 '"' || replace(coalesce(j.empty_reason, ''), '"', '""') || '"', coalesce(j.duration_ms::text, ''))
  FROM extraction_jobs j
  JOIN cloud_files f ON f.id = j.file_id
  LEFT JOIN extracted_metadata m ON m.job_id = j.id
 WHERE j.run_id = $1::bigint
 ORDER BY j.id
