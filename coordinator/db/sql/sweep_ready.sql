-- $1 run bigint, $2 how many integer, $3 queue integer, $4 rank integer, $5 job bigint (behind these).
-- Its next jobs that could be claimed: queue, rank, job.
SELECT q.id, r.rank, r.job_id
  FROM run_queues q
 CROSS JOIN LATERAL (SELECT rank, job_id FROM ready
                      WHERE queue_id = q.id
                        AND (rank, job_id) > (CASE WHEN q.id = $3::integer THEN $4::integer ELSE -32768 END,
                                              CASE WHEN q.id = $3::integer THEN $5::bigint ELSE 0 END)
                      ORDER BY rank, job_id LIMIT $2::integer) r
 WHERE q.run_id = $1::bigint AND q.id >= $3::integer
 ORDER BY q.id, r.rank, r.job_id LIMIT $2::integer
