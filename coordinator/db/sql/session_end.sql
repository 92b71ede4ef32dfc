-- $1 pk bigint, $2 attach bigint, $3 coordinator bigint, $4 reason text.
-- Nothing changes where the session still holds a lease: whoever ends it has to take that back.
UPDATE sessions SET ended_at = now(), end_reason = $4::text
 WHERE pk = $1::bigint AND attach = $2::bigint AND coordinator_id = $3::bigint AND ended_at IS NULL
   AND NOT EXISTS (SELECT FROM live_batches l
                     JOIN lease_batches b ON b.first_lease_id = l.first_lease_id
                    CROSS JOIN LATERAL unnest(b.job_ids) WITH ORDINALITY o (job_id, ord)
                     JOIN extraction_jobs j ON j.id = o.job_id
                    WHERE l.session_pk = $1::bigint
                      AND NOT (o.ord - 1)::smallint = ANY (b.gone)
                      AND j.status IN ('pending', 'processing')
                      AND j.settled_lease_id IS DISTINCT FROM b.first_lease_id + o.ord - 1)
