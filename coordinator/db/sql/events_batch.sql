-- $1 event text, $2 run bigint[], $3 from integer[], $4 to integer[] (slices of $5, from 1), $5 job ids bigint[].
-- One row of the audit trail for up to 512 jobs.
INSERT INTO job_events (event, run_id, job_ids)
SELECT $1::text, u.run_id, ($5::bigint[])[u.lo:u.hi]
  FROM unnest($2::bigint[], $3::integer[], $4::integer[]) u (run_id, lo, hi)
