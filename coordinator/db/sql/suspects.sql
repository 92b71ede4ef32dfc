-- $1 lease bigint[], $2 job bigint[], $3 worker text, $4 session pk bigint.
-- Rule 7: an earlier life of this worker had started these leases and not finished them. Each job that has not
-- ended is marked once per lease; marked twice it runs alone from then on. It is convicted where the lease that
-- died ran alone and nobody holds the job now: whoever holds it tries it once more, alone.
-- In the Hello's transaction, after the leases went back.  Rows: job, run, marks, alone, convicted.
WITH s AS MATERIALIZED (
    SELECT DISTINCT ON (r.job_id) r.job_id, r.lease_id,
           EXISTS (SELECT FROM job_events a WHERE a.job_id = r.job_id AND a.lease_id = r.lease_id
                      AND a.event = 'alone') AS was_alone
      FROM unnest($1::bigint[], $2::bigint[]) r (lease_id, job_id)
      JOIN lease_batches b ON b.first_lease_id = r.lease_id - (r.lease_id - 1) % 256
      JOIN sessions w ON w.pk = b.claimed_by
     WHERE b.job_ids[(r.lease_id - 1) % 256 + 1] = r.job_id AND w.worker_id = $3::text
       AND NOT EXISTS (SELECT FROM job_events e WHERE e.job_id = r.job_id AND e.lease_id = r.lease_id
                          AND e.event IN ('suspect', 'convicted')) -- a Hello that comes again
     ORDER BY r.job_id, r.lease_id DESC
), o AS MATERIALIZED (
    SELECT j.id, j.run_id, j.file_id, j.queue_id, j.priority, j.job_type, j.retry_count,
           coalesce(j.suspects, 0) + 1 AS marks, s.lease_id, s.was_alone
      FROM extraction_jobs j JOIN s ON s.job_id = j.id
     WHERE j.status IN ('pending', 'processing', 'paused')
       AND j.settled_lease_id IS DISTINCT FROM s.lease_id
     ORDER BY j.id FOR UPDATE OF j
), r AS (
    DELETE FROM ready r USING o
     WHERE o.was_alone AND r.queue_id = o.queue_id AND r.rank = -o.priority AND r.job_id = o.id
    RETURNING r.job_id
), d AS (
    DELETE FROM delayed d USING o WHERE o.was_alone AND d.job_id = o.id RETURNING d.job_id
), f AS (
    SELECT o.*, k.job_id IS NOT NULL AS convicted,
           CASE WHEN k.job_id IS NOT NULL
                THEN 'the worker process died while it ran this file alone, on ' || $3::text
                ELSE 'the worker process died while it ran this job' END AS message
      FROM o LEFT JOIN (SELECT job_id FROM r UNION SELECT job_id FROM d) k ON k.job_id = o.id
), j AS (
    UPDATE extraction_jobs j
       SET suspects = f.marks, alone = CASE WHEN f.marks >= 2 THEN true ELSE j.alone END,
           status = CASE WHEN f.convicted THEN 'failed' ELSE j.status END,
           settled_lease_id = CASE WHEN f.convicted THEN f.lease_id ELSE j.settled_lease_id END,
           error_class = CASE WHEN f.convicted THEN 'crash' ELSE j.error_class END,
           last_error = CASE WHEN f.convicted THEN f.message ELSE j.last_error END,
           completed_at = CASE WHEN f.convicted THEN now() ELSE j.completed_at END
      FROM f WHERE j.id = f.id
    RETURNING j.id, j.run_id, j.file_id, j.job_type, j.retry_count, f.marks, j.alone, f.convicted, f.lease_id,
              f.message
), l AS (
    INSERT INTO dead_letters (job_id, run_id, error_class, message, pattern, job_type, retry_count, lease_id)
    SELECT id, run_id, 'crash', message, 'the worker process died while it ran this file alone', job_type,
           retry_count, lease_id
      FROM j WHERE convicted
    ON CONFLICT (job_id) DO UPDATE
       SET error_class = excluded.error_class, message = excluded.message, pattern = excluded.pattern,
           failed_at = now(), retry_count = excluded.retry_count, lease_id = excluded.lease_id
), c AS (
    UPDATE cloud_files c
       SET extraction_status = jsonb_build_object('status', 'failed', 'run_id', j.run_id, 'job_id', j.id,
                                                  'error_class', 'crash')
      FROM j WHERE j.convicted AND c.id = j.file_id
), m AS (
    UPDATE cad_models m SET status = 'failed', completed_at = now() FROM j WHERE j.convicted AND m.job_id = j.id
), e AS (
    INSERT INTO job_events (event, run_id, session_pk, job_id, lease_id, detail)
    SELECT CASE WHEN convicted THEN 'convicted' ELSE 'suspect' END, run_id, $4::bigint, id, lease_id,
           CASE WHEN convicted THEN 'crash: ' || message
                WHEN coalesce(alone, false) THEN message || ', for the ' || marks || '. time: it runs alone from now on'
                ELSE message END
      FROM j
)
SELECT id, run_id, marks, coalesce(alone, false), convicted FROM j
