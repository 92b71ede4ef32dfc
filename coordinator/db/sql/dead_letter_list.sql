-- $1 run bigint (0: all), $2 class text (''), $3 after id bigint, $4 limit integer,
-- $5 pattern integer (0).  job_list's columns, by id.
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
       0 AS progress_permille, 0 AS progress_done, 0 AS progress_total,
       coalesce(j.part_bytes, 0) AS kept_bytes,
       coalesce(j.parent_job_id, 0) AS parent_id, coalesce(j.depth, 0)::integer AS depth
  FROM dead_letters x
  JOIN extraction_jobs j ON j.id = x.job_id
  JOIN cloud_files f ON f.id = j.file_id
  LEFT JOIN delayed d ON d.job_id = j.id
 WHERE ($1::bigint = 0 OR x.run_id = $1::bigint) AND ($2::text = '' OR x.error_class = $2::text)
   AND ($5::integer = 0 OR (hashtext(x.error_class || ' ' || x.pattern) | 1) = $5::integer)
   AND x.job_id > $3::bigint
 ORDER BY x.job_id LIMIT $4::integer
