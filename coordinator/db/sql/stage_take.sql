-- $1 coordinator bigint.  Leases one stage job: a pending one, or one whose coordinator is over (rule 6 decides
-- that), or one of this coordinator's own that it does not work on (it works on one at a time).
-- One row or none: id, run, stage, lease.
UPDATE stage_jobs s
   SET status = 'processing', coordinator_id = $1::bigint, lease_id = nextval('lease_ids'),
       attempts = attempts + 1, started_at = clock_timestamp()
 WHERE s.id = (SELECT j.id FROM stage_jobs j JOIN runs r ON r.id = j.run_id
                WHERE r.gate <> 'paused'
                  AND ((j.status = 'pending' AND j.run_at <= clock_timestamp())
                       OR (j.status = 'processing'
                           AND (j.coordinator_id = $1::bigint
                                OR NOT EXISTS (SELECT FROM coordinators c
                                                WHERE c.id = j.coordinator_id AND c.stopped_at IS NULL))))
                ORDER BY j.id LIMIT 1 FOR UPDATE OF j SKIP LOCKED)
RETURNING s.id, s.run_id, s.stage, s.lease_id
