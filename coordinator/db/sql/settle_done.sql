-- $1 lease bigint[], $2 job bigint[] (sorted), $3 duration_ms integer[].
-- Completions whose batch element was checked (settle_batches), with nothing beside them; the rest of the
-- fence of rule 1 is here.  Rows: ord (from 1), run, file, job type,
-- whether parts of it are kept.
UPDATE extraction_jobs j
   SET status = 'completed', completed_at = now(), settled_lease_id = r.lease_id,
       duration_ms = r.duration_ms, partial = false, empty_reason = NULL, parameters = NULL, bom = NULL,
       claimed_by = NULL, heartbeat = NULL, last_error = NULL, error_class = NULL,
       stop_requested = NULL, checkpoint = NULL, checkpoint_number = NULL,
       suspects = NULL, alone = NULL
  FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) WITH ORDINALITY r (lease_id, job_id, duration_ms, ord)
 WHERE j.id = r.job_id
   AND j.status IN ('pending', 'processing')
   AND j.settled_lease_id IS DISTINCT FROM r.lease_id
RETURNING r.ord, j.run_id, j.file_id, j.job_type, j.part_bytes IS NOT NULL
