-- $1 run bigint[] (sorted), $2 floor float8[], $3 added float8[].
-- Passes grow by what was taken; what another coordinator took meanwhile adds up (rule 8). Sent together with
-- COMMIT, so that nobody waits for these rows longer than for a commit.
UPDATE run_shares s SET pass = greatest(s.pass, u.floor) + u.added
  FROM (SELECT k.run_id FROM run_shares k WHERE k.run_id = ANY ($1::bigint[]) ORDER BY k.run_id FOR UPDATE) k
  JOIN unnest($1::bigint[], $2::float8[], $3::float8[]) u (run_id, floor, added) ON u.run_id = k.run_id
 WHERE s.run_id = k.run_id
