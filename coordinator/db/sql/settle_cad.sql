-- $1 job bigint[], $2 status text[].  Models follow their job.
UPDATE cad_models m
   SET status = r.status,
       completed_at = CASE WHEN r.status IN ('completed', 'failed', 'cancelled') THEN now() END
  FROM unnest($1::bigint[], $2::text[]) r (job_id, status)
 WHERE m.job_id = r.job_id
