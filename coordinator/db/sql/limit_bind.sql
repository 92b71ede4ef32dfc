-- $1 limit integer.  Queues that it applies to get to know it; leases that live under it get their places.
WITH l AS (
    SELECT * FROM limits WHERE id = $1::integer
), q AS (
    UPDATE run_queues q SET limits = coalesce(q.limits, '{}') || l.id
      FROM l
     WHERE CASE l.scope WHEN 'type' THEN q.job_type WHEN 'run' THEN q.run_id::text ELSE q.source END = l.name
       AND NOT coalesce(q.limits @> ARRAY[l.id], false)
), d AS (
    DELETE FROM limit_holds h USING l WHERE h.limit_id = l.id AND l.running IS NULL
), h AS (
    INSERT INTO limit_holds (lease_id, limit_id)
    SELECT b.first_lease_id + o.ord - 1, l.id
      FROM l
     CROSS JOIN live_batches v
      JOIN lease_batches b ON b.first_lease_id = v.first_lease_id
     CROSS JOIN LATERAL unnest(b.job_ids) WITH ORDINALITY o (job_id, ord)
      JOIN extraction_jobs j ON j.id = o.job_id
      JOIN run_queues q ON q.id = j.queue_id
     WHERE l.running IS NOT NULL
       AND NOT (o.ord - 1)::smallint = ANY (b.gone)
       AND j.status IN ('pending', 'processing')
       AND j.settled_lease_id IS DISTINCT FROM b.first_lease_id + o.ord - 1
       AND CASE l.scope WHEN 'type' THEN q.job_type WHEN 'run' THEN q.run_id::text ELSE q.source END = l.name
    ON CONFLICT DO NOTHING
    RETURNING lease_id
)
UPDATE lease_batches SET limited = true
 WHERE first_lease_id IN (SELECT lease_id - (lease_id - 1) % 256 FROM h)
