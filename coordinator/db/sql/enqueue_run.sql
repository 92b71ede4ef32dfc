-- $1 run bigint, $2 how many ids bigint.  The run, locked FOR SHARE (rule 10): is it open, its priority, whether
-- earlier runs did some of its files, whether those that did not change are left out, first of the file ids and
-- of the job ids, now and the start of the run in µs since 2000.
SELECT r.status IN ('active', 'paused') AND r.gate <> 'cancelled' AND NOT s.closed, r.priority,
       cardinality(r.previous_runs) > 0, cardinality(r.previous_runs) > 0 AND NOT r.again,
       i.first_file, i.first_job,
       (extract(epoch FROM now() - timestamptz '2000-01-01 00:00:00+00') * 1000000)::bigint,
       coalesce((extract(epoch FROM r.start_at - timestamptz '2000-01-01 00:00:00+00') * 1000000)::bigint, 0)
  FROM (SELECT * FROM runs WHERE id = $1::bigint FOR SHARE) r
  JOIN run_stages s ON s.run_id = r.id AND s.stage = 'extract'
 CROSS JOIN enqueue_ids($2::bigint) i
