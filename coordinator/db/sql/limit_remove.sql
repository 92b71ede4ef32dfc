-- $1 limit integer.  It, its places, and what queues know of it.
WITH d AS (
    DELETE FROM limits WHERE id = $1::integer RETURNING id
), h AS (
    DELETE FROM limit_holds WHERE limit_id = $1::integer
)
UPDATE run_queues q SET limits = nullif(array_remove(q.limits, $1::integer), '{}')
 WHERE q.limits @> ARRAY[$1::integer]
