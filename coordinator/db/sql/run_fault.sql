-- $1 run bigint, $2 stage text, $3 how many bigint.  Failures that are not the file's own fault, behind their
-- counters.  One row when their share has passed halt_at: run_halt.sql is due, in a transaction of its own, since
-- who brings jobs holds the run and waits for its counter.
WITH s AS (
    UPDATE run_stages SET faults = faults + $3::bigint
     WHERE run_id = $1::bigint AND stage = $2::text
    RETURNING run_id, completed + failed - judged_from AS ended, faults - faults_from AS faults
)
SELECT r.id FROM s JOIN runs r ON r.id = s.run_id
 WHERE r.gate = 'open' AND r.status = 'active' AND s.ended >= 100 AND s.faults > r.halt_at * s.ended
