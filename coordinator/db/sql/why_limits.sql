-- $1 queue integer.  Limits of a queue: scope, name, running (0: not limited), held, rate (0), tokens.
SELECT l.scope, l.name, coalesce(l.running, 0), (SELECT count(*) FROM limit_holds h WHERE h.limit_id = l.id),
       coalesce(l.rate, 0),
       CASE WHEN l.rate IS NULL THEN 0
            ELSE least(l.burst, l.tokens + l.rate * greatest(0, extract(epoch FROM clock_timestamp() - l.filled_at)::float8)) END
  FROM run_queues q JOIN limits l ON l.id = ANY (q.limits)
 WHERE q.id = $1::integer
 ORDER BY l.id
