-- $1 job bigint[] (locked, not leased).  Closed with their run; one row of the audit trail for up to 512.
-- Rows: run, status before, how many.
WITH o AS (
    SELECT id, status AS was FROM extraction_jobs WHERE id = ANY ($1::bigint[])
), j AS (
    UPDATE extraction_jobs j
       SET status = 'cancelled', completed_at = now(), stop_requested = NULL,
           claimed_by = NULL, claimed_at = NULL, heartbeat = NULL
      FROM o WHERE j.id = o.id
    RETURNING j.id, j.run_id, o.was
), m AS (
    UPDATE cad_models m SET status = 'cancelled', completed_at = now() FROM j WHERE m.job_id = j.id
), e AS (
    INSERT INTO job_events (event, run_id, detail, job_ids)
    SELECT 'cancelled', run_id, 'its run was cancelled', array_agg(id ORDER BY id)
      FROM (SELECT id, run_id, (row_number() OVER (PARTITION BY run_id ORDER BY id) - 1) / 512 AS part FROM j) k
     GROUP BY run_id, part
)
SELECT run_id, was, count(*) FROM j GROUP BY 1, 2
