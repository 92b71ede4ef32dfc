-- $1 scope text, $2 name text; null: all.  Limits, by scope and name.
SELECT l.scope, l.name, coalesce(l.running, 0), coalesce(l.rate, 0), CASE WHEN l.rate IS NULL THEN 0 ELSE l.burst END,
       (SELECT count(*) FROM limit_holds h WHERE h.limit_id = l.id),
       CASE WHEN l.rate IS NULL THEN 0
            ELSE least(l.burst, l.tokens + l.rate * greatest(0, extract(epoch FROM clock_timestamp() - l.filled_at)::float8))
       END,
       (extract(epoch FROM l.created_at) * 1000)::bigint, l.id
  FROM limits l
 WHERE ($1::text IS NULL OR l.scope = $1::text) AND ($2::text IS NULL OR l.name = $2::text)
 ORDER BY CASE l.scope WHEN 'type' THEN 0 WHEN 'run' THEN 1 ELSE 2 END, length(l.name), l.name
