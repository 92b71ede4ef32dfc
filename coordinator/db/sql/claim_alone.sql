-- $1 session pk bigint[], $2 run bigint[], $3 job bigint[], $4 lease bigint[].
-- Leases that run alone (rule 7): only what died on such a lease is convicted.
INSERT INTO job_events (event, session_pk, run_id, job_id, lease_id)
SELECT 'alone', u.* FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) u
