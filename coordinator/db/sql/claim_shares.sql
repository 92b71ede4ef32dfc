-- $1 run bigint[], $2 pass float8[].  A share another coordinator works on is left alone.
UPDATE run_shares s SET pass = u.pass
  FROM unnest($1::bigint[], $2::float8[]) u (run_id, pass)
  JOIN (SELECT run_id FROM run_shares WHERE run_id = ANY ($1::bigint[]) FOR UPDATE SKIP LOCKED) k
    ON k.run_id = u.run_id
 WHERE s.run_id = u.run_id
