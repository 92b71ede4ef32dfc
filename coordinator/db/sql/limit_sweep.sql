-- Places whose lease is over, or whose limit is gone.  Rows: one each.
DELETE FROM limit_holds h
 WHERE NOT EXISTS (SELECT FROM limits l WHERE l.id = h.limit_id)
    OR NOT EXISTS (
        SELECT FROM lease_batches b
          JOIN extraction_jobs j ON j.id = b.job_ids[(h.lease_id - 1) % 256 + 1]
         WHERE b.first_lease_id = h.lease_id - (h.lease_id - 1) % 256
           AND NOT ((h.lease_id - 1) % 256)::smallint = ANY (b.gone)
           AND j.status IN ('pending', 'processing')
           AND j.settled_lease_id IS DISTINCT FROM h.lease_id)
RETURNING h.lease_id
