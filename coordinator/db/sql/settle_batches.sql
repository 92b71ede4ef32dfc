-- $1 first lease id bigint[].  The batch rows that results name, read under their sessions' locks: what ends
-- a lease otherwise waits for those, so the fence (rule 1) may be checked outside of the database.
-- Rows: first lease id, session, gone smallint[], job ids bigint[], may hold places under limits.
SELECT first_lease_id, session_pk, gone, job_ids, limited FROM lease_batches WHERE first_lease_id = ANY ($1::bigint[])
