-- $1 lease bigint[], $2 job bigint[] (sorted), $3 session bigint, $4 infrastructure losses to add integer,
-- $5 checkpoint bytea or null, $6 event text, $7 detail text, $8 not before so many ms from now bigint.
-- Leases end without a result (rules 10, 14): the job goes where stop_requested says, the element is gone.
-- The caller holds the session's exclusive lock.  Rows: run, new status, how many, job type,
-- were places under limits given back.
WITH r AS (
    SELECT lease_id, job_id, $3::bigint AS session_pk
      FROM unnest($1::bigint[], $2::bigint[]) r (lease_id, job_id)
), j AS (
    UPDATE extraction_jobs j
       SET status = CASE j.stop_requested WHEN 'cancel' THEN 'cancelled' WHEN 'pause' THEN 'paused'
                                          ELSE 'pending' END,
           completed_at = CASE WHEN j.stop_requested = 'cancel' THEN now() END,
           claimed_by = NULL, claimed_at = NULL, heartbeat = NULL, stop_requested = NULL,
           infra_losses = j.infra_losses + $4::integer,
           checkpoint = coalesce($5::bytea, j.checkpoint)
      FROM r JOIN lease_batches b ON b.first_lease_id = r.lease_id - (r.lease_id - 1) % 256
     WHERE j.id = r.job_id
       AND b.session_pk = r.session_pk
       AND b.job_ids[(r.lease_id - 1) % 256 + 1] = r.job_id
       AND NOT ((r.lease_id - 1) % 256)::smallint = ANY (b.gone)
       AND j.status IN ('pending', 'processing')
       AND j.settled_lease_id IS DISTINCT FROM r.lease_id
    RETURNING r.lease_id, j.id, j.run_id, j.queue_id, j.priority, j.status, j.job_type
), d AS (
    INSERT INTO ready (job_id, queue_id, rank)
    SELECT id, queue_id, -priority FROM j WHERE status = 'pending' AND $8::bigint = 0
), w AS (
    INSERT INTO delayed (job_id, run_at, queue_id, rank)
    SELECT id, now() + $8::bigint * interval '1 millisecond', queue_id, -priority
      FROM j WHERE status = 'pending' AND $8::bigint > 0
), m AS (
    UPDATE cad_models m SET status = j.status, completed_at = CASE j.status WHEN 'cancelled' THEN now() END
      FROM j WHERE m.job_id = j.id AND m.status <> j.status
), g AS (
    UPDATE lease_batches b SET gone = b.gone || e.gone
      FROM (SELECT lease_id - (lease_id - 1) % 256 AS first,
                   array_agg(((lease_id - 1) % 256)::smallint) AS gone
              FROM j GROUP BY 1) e
     WHERE b.first_lease_id = e.first
), h AS (
    DELETE FROM limit_holds h USING j WHERE h.lease_id = j.lease_id RETURNING h.lease_id
), e AS (
    INSERT INTO job_events (event, run_id, session_pk, job_id, lease_id, detail)
    SELECT CASE status WHEN 'pending' THEN $6::text ELSE status END, run_id, $3::bigint, id, lease_id,
           CASE status WHEN 'pending' THEN $7::text END
      FROM j
)
SELECT run_id, status, count(*), job_type, EXISTS (SELECT FROM h) FROM j GROUP BY 1, 2, 4
