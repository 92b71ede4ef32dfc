-- No parameters.  Coordinators that are not stopped: instance, host, started ms, renewed ms ago, workers, slots,
-- workers that drain.
SELECT c.instance, c.host, (extract(epoch FROM c.started_at) * 1000)::bigint,
       greatest(0, (extract(epoch FROM clock_timestamp() - c.renewed_at) * 1000)::bigint), s.workers, s.slots, s.draining
  FROM coordinators c
 CROSS JOIN LATERAL (SELECT count(*) AS workers, coalesce(sum(s.slots), 0)::bigint AS slots,
                            count(*) FILTER (WHERE s.drain_grace_ms IS NOT NULL) AS draining
                       FROM sessions s WHERE s.coordinator_id = c.id AND s.ended_at IS NULL) s
 WHERE c.stopped_at IS NULL
 ORDER BY c.id
