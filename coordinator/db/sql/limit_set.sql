-- $1 scope text, $2 name text, $3 running integer, $4 rate float8, $5 burst float8; null: not limited, or as usual.
-- The limit, made or replaced; a new bucket is full.  The caller has locked run_queues.  One row: id, is it new.
INSERT INTO limits AS l (scope, name, running, rate, burst, tokens)
SELECT $1::text, $2::text, $3::integer, $4::float8, b.burst, b.burst
  FROM (SELECT coalesce($5::float8, greatest(1, $4::float8 / 10), 1) AS burst) b
ON CONFLICT (scope, name) DO UPDATE
   SET running = excluded.running, rate = excluded.rate, burst = excluded.burst,
       tokens = CASE WHEN l.rate IS NULL THEN excluded.burst ELSE least(l.tokens, excluded.burst) END,
       filled_at = CASE WHEN l.rate IS NULL THEN clock_timestamp() ELSE l.filled_at END
RETURNING l.id, l.xmax = 0
