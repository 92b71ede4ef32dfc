-- $1 queue integer[], $2 rank smallint[], $3 how many integer[], $4 from job bigint[] (the head).
-- Rows, by queue and job: what was taken out of ready, with what an offer says about it; last, whether it runs alone.
WITH taken AS (
    DELETE FROM ready WHERE ctid = ANY (ARRAY(
        SELECT h.ctid
          FROM unnest($1::integer[], $2::smallint[], $3::integer[], $4::bigint[])
               u (queue_id, rank, n, head)
         CROSS JOIN LATERAL (SELECT r.ctid FROM ready r
                              WHERE r.queue_id = u.queue_id AND r.rank = u.rank AND r.job_id >= u.head
                              ORDER BY r.job_id LIMIT u.n FOR UPDATE SKIP LOCKED) h))
    RETURNING queue_id, job_id
)
SELECT t.queue_id, t.job_id, j.retry_count, f.uri, f.bytes,
       (extract(epoch FROM f.modified_at) * 1000)::bigint, j.checkpoint,
       coalesce(j.alone, false)
  FROM taken t
  JOIN extraction_jobs j ON j.id = t.job_id
  JOIN cloud_files f ON f.id = j.file_id
 ORDER BY t.queue_id, t.job_id
