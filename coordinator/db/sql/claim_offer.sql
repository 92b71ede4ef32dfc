-- $1 job bigint[].  What an offer says of jobs whose ready row did not: ord (from 1), uri, bytes, modified_ms,
-- retry_count, checkpoint, whether it runs alone, number of the checkpoint, bytes of its parts.
SELECT r.ord, f.uri, f.bytes, (extract(epoch FROM f.modified_at) * 1000)::bigint, j.retry_count, j.checkpoint,
       coalesce(j.alone, false), coalesce(j.checkpoint_number, 0), coalesce(j.part_bytes, 0)
  FROM unnest($1::bigint[]) WITH ORDINALITY r (job_id, ord)
  JOIN extraction_jobs j ON j.id = r.job_id
  JOIN cloud_files f ON f.id = j.file_id
 ORDER BY r.ord
