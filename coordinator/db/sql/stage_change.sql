-- $1 run bigint, $2 stage text, $3 open, $4 total, $5 completed, $6 failed, $7 paused, $8 cancelled, $9 empty,
-- $10 partial, $11 retries, $12 infra_losses: changes, bigint.
-- The counters of one run's stage, last in its transaction. Who brings `open` to zero closes the stage; a trigger
-- (migration 0010) then makes the next stage's job, or ends the run.  One row: open.
UPDATE run_stages
   SET open = open + $3::bigint, epoch = epoch + (closed AND $3::bigint > 0)::integer,
       closed = open + $3::bigint = 0,
       total = total + $4::bigint,
       completed = completed + $5::bigint, failed = failed + $6::bigint,
       paused = paused + $7::bigint, cancelled = cancelled + $8::bigint,
       empty = empty + $9::bigint, partial = partial + $10::bigint,
       retries = retries + $11::bigint, infra_losses = infra_losses + $12::bigint
 WHERE run_id = $1::bigint AND stage = $2::text
RETURNING open
