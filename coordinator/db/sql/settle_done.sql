-- $1 lease bigint[], $2 job bigint[] (sorted), $3 session bigint[], $4 duration_ms integer[],
-- $5 partial boolean[], $6 empty_reason text[], $7 parameters text[], $8 bom text[] (JSON).
-- The fence of rule 1 and the completion in one statement.  Rows: ord (from 1), run, file, job type.
UPDATE extraction_jobs j
   SET status = 'completed', completed_at = now(), settled_lease_id = r.lease_id,
       duration_ms = r.duration_ms, partial = r.partial, empty_reason = r.empty_reason,
       parameters = r.parameters::jsonb, bom = r.bom::jsonb,
       claimed_by = NULL, heartbeat = NULL, last_error = NULL, error_class = NULL,
       stop_requested = NULL, checkpoint = NULL, checkpoint_number = NULL,
       suspects = NULL, alone = NULL
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::boolean[], $6::text[],
              $7::text[], $8::text[]) WITH ORDINALITY
       r (lease_id, job_id, session_pk, duration_ms, partial, empty_reason, parameters, bom, ord)
  JOIN lease_batches b ON b.first_lease_id = r.lease_id - (r.lease_id - 1) % 256
 WHERE j.id = r.job_id
   AND b.session_pk = r.session_pk
   AND b.job_ids[(r.lease_id - 1) % 256 + 1] = r.job_id
   AND NOT ((r.lease_id - 1) % 256)::smallint = ANY (b.gone)
   AND j.status IN ('pending', 'processing')
   AND j.settled_lease_id IS DISTINCT FROM r.lease_id
RETURNING r.ord, j.run_id, j.file_id, j.job_type
