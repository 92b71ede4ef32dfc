-- $1 run bigint, $2 epoch integer.  The run in one row: counts by type, status, class and reason; durations; groups.
WITH j AS MATERIALIZED (
    SELECT job_type, status, error_class, empty_reason, partial, duration_ms
      FROM extraction_jobs WHERE run_id = $1::bigint
), t AS (
    SELECT job_type, count(*) AS total, count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE status NOT IN ('completed', 'failed', 'cancelled')) AS open,
           count(*) FILTER (WHERE status = 'completed' AND empty_reason IS NOT NULL) AS empty,
           count(*) FILTER (WHERE status = 'completed' AND partial) AS partial,
           coalesce(sum(duration_ms), 0) AS work_ms,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms) AS p50_ms,
           percentile_disc(0.99) WITHIN GROUP (ORDER BY duration_ms) AS p99_ms
      FROM j GROUP BY job_type
), c AS (
    SELECT job_type, jsonb_object_agg(error_class, n) AS classes
      FROM (SELECT job_type, coalesce(error_class, 'unknown') AS error_class, count(*) AS n
              FROM j WHERE status = 'failed' GROUP BY 1, 2) x GROUP BY 1
), e AS (
    SELECT job_type, jsonb_object_agg(empty_reason, n) AS reasons
      FROM (SELECT job_type, empty_reason, count(*) AS n
              FROM j WHERE status = 'completed' AND empty_reason IS NOT NULL GROUP BY 1, 2) x GROUP BY 1
)
INSERT INTO run_reports AS r (run_id, epoch, report)
SELECT $1::bigint, $2::integer, jsonb_build_object(
           'types', coalesce((SELECT jsonb_object_agg(t.job_type, jsonb_strip_nulls(to_jsonb(t) - 'job_type'
                                       || jsonb_build_object('failed_by_class', c.classes, 'empty_by_reason', e.reasons)))
                                FROM t LEFT JOIN c USING (job_type) LEFT JOIN e USING (job_type)), '{}'),
           'elapsed_ms', (SELECT (extract(epoch FROM now() - created_at) * 1000)::bigint FROM runs WHERE id = $1::bigint),
           'groups', (SELECT count(*) FROM document_groups WHERE run_id = $1::bigint),
           'groups_to_review', (SELECT count(*) FROM document_groups WHERE run_id = $1::bigint AND needs_review))
    ON CONFLICT (run_id) DO UPDATE
   SET epoch = excluded.epoch, report = excluded.report, created_at = now() WHERE r.epoch <= excluded.epoch
