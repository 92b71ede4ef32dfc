-- $1 session pk bigint[], $2 from integer[], $3 to integer[] (slices of $4, from 1), $4 job ids bigint[].
-- One row a batch: first lease id, its first job.
WITH b AS (
    INSERT INTO lease_batches (first_lease_id, session_pk, claimed_by, job_ids)
    SELECT nextval('lease_ids'), u.session_pk, u.session_pk, ($4::bigint[])[u.lo:u.hi]
      FROM unnest($1::bigint[], $2::integer[], $3::integer[]) u (session_pk, lo, hi)
    RETURNING first_lease_id, session_pk, job_ids[1] AS first_job
), l AS (
    INSERT INTO live_batches (session_pk, first_lease_id) SELECT session_pk, first_lease_id FROM b
)
SELECT first_lease_id, first_job FROM b
