-- $1 limit integer[], locked by a statement before, so that what is counted here is the newest.
-- Rows: id, free places (null: not limited), rate (null), tokens.
SELECT l.id,
       l.running - (SELECT count(*) FROM (SELECT FROM limit_holds h WHERE h.limit_id = l.id LIMIT l.running) h),
       l.rate,
       CASE WHEN l.filled_at > clock_timestamp() THEN l.burst -- the clock was set back
            ELSE least(l.burst, l.tokens + l.rate * extract(epoch FROM clock_timestamp() - l.filled_at)::float8)
       END
  FROM limits l
 WHERE l.id = ANY ($1::integer[])
