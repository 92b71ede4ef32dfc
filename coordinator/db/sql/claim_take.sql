-- $1 queue integer[], $2 rank smallint[], $3 how many integer[], $4 from job bigint[] (the head), $5 until job
-- bigint[] (claim_heads; null: the head is no row that came back).
-- Rows, roughly by job: what was taken out of ready, with what an offer says about it: queue, job, uri,
-- bytes, modified_ms; uri NULL: it came back before, claim_offer says the rest.
DELETE FROM ready WHERE ctid = ANY (ARRAY(
    SELECT h.ctid
      FROM unnest($1::integer[], $2::smallint[], $3::integer[], $4::bigint[], $5::bigint[])
           u (queue_id, rank, n, head, until)
     CROSS JOIN LATERAL (SELECT r.ctid FROM ready r
                          WHERE r.queue_id = u.queue_id AND r.rank = u.rank AND r.job_id >= u.head
                          ORDER BY r.job_id LIMIT u.n FOR UPDATE SKIP LOCKED) h
     WHERE u.until IS NULL) || ARRAY(
    SELECT h.ctid
      FROM unnest($1::integer[], $2::smallint[], $3::integer[], $4::bigint[], $5::bigint[])
           u (queue_id, rank, n, head, until)
     CROSS JOIN LATERAL (SELECT r.ctid FROM ready r
                          WHERE r.again = u.queue_id AND r.rank = u.rank
                            AND r.job_id >= u.head AND r.job_id < u.until
                          ORDER BY r.job_id LIMIT u.n FOR UPDATE SKIP LOCKED) h
     WHERE u.until IS NOT NULL))
RETURNING queue_id, job_id, uri, bytes, modified_ms
