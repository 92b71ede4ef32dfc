-- $1 lease bigint[], $2 job bigint[] (sorted), $3 duration_ms integer[], $4 partial boolean[],
-- $5 empty_reason text[], $6 parameters text[], $7 bom text[] (JSON).
-- As settle_done, for completions with something to say.  Rows: ord (from 1), run, file, job type,
-- whether parts of it are kept.
UPDATE extraction_jobs j
   SET status = 'completed', completed_at = now(), settled_lease_id = r.lease_id,
       duration_ms = r.duration_ms, partial = r.partial, empty_reason = r.empty_reason,
       parameters = r.parameters::jsonb, bom = r.bom::jsonb,
       claimed_by = NULL, heartbeat = NULL, last_error = NULL, error_class = NULL,
       stop_requested = NULL, checkpoint = NULL, checkpoint_number = NULL,
       suspects = NULL, alone = NULL
  FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::boolean[], $5::text[], $6::text[], $7::text[])
       WITH ORDINALITY r (lease_id, job_id, duration_ms, partial, empty_reason, parameters, bom, ord)
 WHERE j.id = r.job_id
   AND j.status IN ('pending', 'processing')
   AND j.settled_lease_id IS DISTINCT FROM r.lease_id
RETURNING r.ord, j.run_id, j.file_id, j.job_type, j.part_bytes IS NOT NULL
