-- $1 stage job bigint, $2 lease bigint.  The fence, and what is to be done; locked until the transaction ends.
-- None: the lease is over.  One row: cancelled, superseded, epoch of its own stage, partial.
SELECT r.gate = 'cancelled',
       NOT j.partial AND j.input_epoch < (SELECT p.epoch FROM run_stages p
                                           WHERE p.run_id = j.run_id
                                             AND p.stage = CASE j.stage WHEN 'link' THEN 'extract'
                                                                        WHEN 'index' THEN 'link'
                                                                        ELSE 'index' END),
       coalesce((SELECT o.epoch FROM run_stages o WHERE o.run_id = j.run_id AND o.stage = j.stage), 0),
       j.partial
  FROM (SELECT * FROM stage_jobs
         WHERE id = $1::bigint AND lease_id = $2::bigint AND status = 'processing' FOR UPDATE) j
  JOIN runs r ON r.id = j.run_id
