-- $1 queue integer, $2 rank integer, $3 from job bigint (the head), $4 session pk bigint[]: whose each job is, in
-- the order of the jobs.
-- As claim_take and claim_lease, for a few jobs of one queue, with COMMIT behind it. What came back before (uri null)
-- stays: there is more to say of it.  A row a job: job, uri, bytes, modified_ms, lease, session pk.
WITH t AS (
    DELETE FROM ready WHERE ctid = ANY (ARRAY(
        SELECT h.ctid FROM (SELECT r.ctid, r.uri FROM ready r
                             WHERE r.queue_id = $1::integer AND r.rank = $2::integer::smallint AND r.job_id >= $3::bigint
                             ORDER BY r.job_id LIMIT cardinality($4::bigint[]) FOR UPDATE SKIP LOCKED) h
         WHERE h.uri IS NOT NULL))
    RETURNING job_id, uri, bytes, modified_ms
), o AS MATERIALIZED (
    SELECT t.*, ($4::bigint[])[row_number() OVER (ORDER BY t.job_id)] AS session_pk FROM t
), b AS (
    INSERT INTO lease_batches (first_lease_id, session_pk, claimed_by, job_ids)
    SELECT nextval('lease_ids'), session_pk, session_pk, array_agg(job_id ORDER BY job_id) FROM o GROUP BY session_pk
    RETURNING first_lease_id, session_pk, job_ids
), l AS (
    INSERT INTO live_batches (session_pk, first_lease_id) SELECT session_pk, first_lease_id FROM b
)
SELECT o.job_id, o.uri, o.bytes, o.modified_ms, b.first_lease_id + array_position(b.job_ids, o.job_id) - 1,
       o.session_pk
  FROM o JOIN b ON b.session_pk = o.session_pk
