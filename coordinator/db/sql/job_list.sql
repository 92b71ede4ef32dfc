-- $1 run bigint (0: all), $2 status text (''), $3 type text (''), $4 after id bigint, $5 limit integer.
-- Rows of struct job's columns (job.c), by id.
SELECT j.id, j.run_id, f.uri, j.job_type, j.status, j.priority, j.retry_count, j.infra_losses,
       coalesce(j.error_class, ''),
       coalesce(j.last_error, CASE WHEN j.status IN ('pending', 'processing', 'paused') AND j.error_class IS NOT NULL
           THEN (SELECT e.detail FROM job_events e WHERE e.job_id = j.id AND e.event = 'retry'
                  ORDER BY e.id DESC LIMIT 1) END, ''),
       coalesce(j.claimed_by, ''), coalesce(j.settled_lease_id, 0),
       (extract(epoch FROM j.created_at) * 1000)::bigint,
       coalesce((extract(epoch FROM coalesce(j.claimed_at)) * 1000)::bigint, 0),
       coalesce((extract(epoch FROM j.completed_at) * 1000)::bigint, 0),
       coalesce(j.duration_ms, 0), f.bytes, coalesce(j.empty_reason, ''), j.partial,
       coalesce((extract(epoch FROM d.run_at) * 1000)::bigint, 0), coalesce(j.suspects, 0),
       coalesce(j.alone, false),
       coalesce(j.stop_requested, '') AS stop_requested,
       CASE WHEN j.status = 'processing' THEN coalesce(j.progress_permille, 0)::integer ELSE 0 END
           AS progress_permille,
       CASE WHEN j.status = 'processing' THEN coalesce(j.progress_done, 0) ELSE 0 END AS progress_done,
       CASE WHEN j.status = 'processing' THEN coalesce(j.progress_total, 0) ELSE 0 END AS progress_total,
       coalesce(j.part_bytes, 0) AS kept_bytes,
       coalesce(j.parent_job_id, 0) AS parent_id, coalesce(j.depth, 0)::integer AS depth
  FROM extraction_jobs j
  JOIN cloud_files f ON f.id = j.file_id
  LEFT JOIN delayed d ON d.job_id = j.id
 WHERE ($1::bigint = 0 OR j.run_id = $1::bigint) AND ($2::text = '' OR j.status = $2::text)
   AND ($3::text = '' OR j.job_type = $3::text) AND j.id > $4::bigint
 ORDER BY j.id LIMIT $5::integer
