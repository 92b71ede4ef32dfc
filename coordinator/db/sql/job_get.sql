-- $1 job bigint.  One row of job_list's columns and its key; who holds it is looked up among the live batches.
SELECT j.id, j.run_id, f.uri, j.job_type, j.status, j.priority, j.retry_count, j.infra_losses,
       coalesce(j.error_class, ''),
       coalesce(j.last_error, CASE WHEN j.status IN ('pending', 'processing', 'paused') AND j.error_class IS NOT NULL
           THEN (SELECT e.detail FROM job_events e WHERE e.job_id = j.id AND e.event = 'retry'
                  ORDER BY e.id DESC LIMIT 1) END, ''),
       coalesce(j.claimed_by, l.worker_id, ''), coalesce(l.lease_id, j.settled_lease_id, 0),
       (extract(epoch FROM j.created_at) * 1000)::bigint,
       coalesce((extract(epoch FROM coalesce(l.created_at, b.created_at, j.claimed_at)) * 1000)::bigint, 0),
       coalesce((extract(epoch FROM j.completed_at) * 1000)::bigint, 0),
       coalesce(j.duration_ms, 0), f.bytes, coalesce(j.empty_reason, ''), j.partial,
       coalesce((extract(epoch FROM d.run_at) * 1000)::bigint, 0), coalesce(j.suspects, 0),
       coalesce(j.alone, false),
       coalesce(j.stop_requested, '') AS stop_requested,
       CASE WHEN j.status = 'processing' THEN coalesce(j.progress_permille, 0)::integer ELSE 0 END
           AS progress_permille,
       CASE WHEN j.status = 'processing' THEN coalesce(j.progress_done, 0) ELSE 0 END AS progress_done,
       CASE WHEN j.status = 'processing' THEN coalesce(j.progress_total, 0) ELSE 0 END AS progress_total,
       coalesce(j.part_bytes, 0) AS kept_bytes, coalesce(j.dedupe, '') AS dedupe,
       coalesce(j.parent_job_id, 0) AS parent_id, coalesce(j.depth, 0)::integer AS depth,
       (SELECT count(*) FROM extraction_jobs k WHERE k.parent_job_id = j.id) AS children
  FROM extraction_jobs j
  JOIN cloud_files f ON f.id = j.file_id
  LEFT JOIN delayed d ON d.job_id = j.id
  LEFT JOIN lease_batches b ON b.first_lease_id = j.settled_lease_id - (j.settled_lease_id - 1) % 256
  LEFT JOIN LATERAL (
        SELECT s.worker_id, b.created_at, b.first_lease_id + o.ord - 1 AS lease_id
          FROM live_batches v
          JOIN lease_batches b ON b.first_lease_id = v.first_lease_id
          JOIN sessions s ON s.pk = b.session_pk
         CROSS JOIN LATERAL unnest(b.job_ids) WITH ORDINALITY o (job_id, ord)
         WHERE b.job_ids @> ARRAY[j.id] AND o.job_id = j.id AND NOT (o.ord - 1)::smallint = ANY (b.gone)
           AND j.settled_lease_id IS DISTINCT FROM b.first_lease_id + o.ord - 1
         LIMIT 1) l ON j.status IN ('pending', 'processing')
 WHERE j.id = $1::bigint
