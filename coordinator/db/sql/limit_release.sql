-- $1 lease bigint[] that this transaction ends.  Their places are given back; twice is nothing.
-- Rows: scope and name of limits that were full, so that somebody may wait for the place.
WITH d AS (
    DELETE FROM limit_holds WHERE lease_id = ANY ($1::bigint[]) RETURNING limit_id
)
SELECT l.scope, l.name
  FROM (SELECT limit_id, count(*) AS n FROM d GROUP BY 1) f
  JOIN limits l ON l.id = f.limit_id
 WHERE (SELECT count(*) FROM (SELECT FROM limit_holds h WHERE h.limit_id = l.id LIMIT l.running) h) >= l.running
