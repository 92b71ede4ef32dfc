-- $1 run bigint, $2 stage text.  A run of which too many jobs fail pauses itself, once: the gate is moved by who finds
-- it open.  Behind the lock of its gate.  One row when it did: why.
WITH r AS (
    UPDATE runs r
       SET gate = 'paused', status = 'paused', gate_at = now(), gate_by = NULL,
           gate_reason = format('paused itself: %s of %s files failed by no fault of their own (halt-at %s %%); '
                                || 'see quarry dlq analyze --run %s, then quarry run resume %s',
                                s.faults, s.ended, round((r.halt_at * 100)::numeric, 1), r.id, r.id)
      FROM (SELECT run_id, completed + failed - judged_from AS ended, faults - faults_from AS faults
              FROM run_stages WHERE run_id = $1::bigint AND stage = $2::text) s
     WHERE r.id = s.run_id AND r.gate = 'open' AND r.status = 'active'
       AND s.ended >= 100 AND s.faults > r.halt_at * s.ended
    RETURNING r.id, r.gate_reason
), e AS (
    INSERT INTO job_events (event, run_id, detail) SELECT 'run.halted', id, gate_reason FROM r
)
SELECT gate_reason, pg_notify('quarry_control', '') FROM r
