-- $1 lease bigint, $2 job bigint, $3 session bigint, $4 number integer, $5 data bytea, $6 part bytea,
-- $7 begun anew boolean, $8 most bytes of parts bigint.
-- The fence of rule 1; only the next number is taken, or a larger one when the work was begun anew, which voids
-- the parts before it.  The caller holds the session's shared lock.  One row: bytes of all parts; none: not taken.
WITH j AS (
    UPDATE extraction_jobs j
       SET checkpoint = $5::bytea, checkpoint_number = $4::integer,
           part_bytes = CASE WHEN $7::boolean THEN 0 ELSE coalesce(j.part_bytes, 0) END
                        + octet_length($6::bytea)
      FROM (SELECT $1::bigint AS lease_id, $2::bigint AS job_id, $3::bigint AS session_pk) r
      JOIN lease_batches b ON b.first_lease_id = r.lease_id - (r.lease_id - 1) % 256
     WHERE j.id = r.job_id
       AND CASE WHEN $7::boolean THEN coalesce(j.checkpoint_number, 0) < $4::integer
                ELSE coalesce(j.checkpoint_number, 0) = $4::integer - 1 END
       AND CASE WHEN $7::boolean THEN 0 ELSE coalesce(j.part_bytes, 0) END
           + octet_length($6::bytea) <= $8::bigint
       AND b.session_pk = r.session_pk
       AND b.job_ids[(r.lease_id - 1) % 256 + 1] = r.job_id
       AND NOT ((r.lease_id - 1) % 256)::smallint = ANY (b.gone)
       AND j.status IN ('pending', 'processing')
       AND j.settled_lease_id IS DISTINCT FROM r.lease_id
    RETURNING j.id, j.part_bytes
), d AS (
    DELETE FROM job_parts p USING j WHERE p.job_id = j.id AND $7::boolean
), i AS (
    INSERT INTO job_parts (job_id, number, lease_id, begin_at, data)
    SELECT id, $4::integer, $1::bigint, part_bytes - octet_length($6::bytea), $6::bytea
      FROM j WHERE octet_length($6::bytea) > 0
)
SELECT part_bytes FROM j
