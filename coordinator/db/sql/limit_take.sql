-- $1 limit integer[], $2 tokens taken integer[].
UPDATE limits l
   SET tokens = CASE WHEN l.filled_at > clock_timestamp() THEN l.burst
                     ELSE least(l.burst, l.tokens + l.rate * extract(epoch FROM clock_timestamp() - l.filled_at)::float8)
                END - u.n,
       filled_at = clock_timestamp()
  FROM unnest($1::integer[], $2::integer[]) u (id, n)
 WHERE l.id = u.id AND l.rate IS NOT NULL
