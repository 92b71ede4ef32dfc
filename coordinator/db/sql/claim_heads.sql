-- $1 types text[], $2 roots text[] (with ''), $3 queue integer[], $4 rank smallint[], $5 job bigint[] (floors),
-- $6 limits that let nothing through just now integer[].
-- One row a queue that may run and has work: the head of its order (rule 8). Runs are locked FOR SHARE, so
-- their gate stays open until this transaction ends (rule 10). A floor spares the walk over index entries
-- of rows that were claimed before: below it only rows that came back are looked at; `until`, not null: the
-- head is one of those, and those before this job may be taken with it.
SELECT q.id, q.run_id, q.job_type, q.root, h.rank, h.job_id, s.pass, s.weight,
       CASE WHEN r.options <> '{}' THEN r.options::text END, r.boost, h.until,
       array_to_string(q.limits, ' ')
  FROM run_queues q
  JOIN runs r ON r.id = q.run_id
  JOIN run_shares s ON s.run_id = q.run_id
  LEFT JOIN unnest($3::integer[], $4::smallint[], $5::bigint[]) f (queue_id, rank, job_id) ON f.queue_id = q.id
 CROSS JOIN LATERAL (
        SELECT rank, job_id, until FROM (
            (SELECT rank, job_id, NULL::bigint AS until FROM ready
              WHERE queue_id = q.id
                AND (rank, job_id) >= (coalesce(f.rank, '-32768'::smallint), coalesce(f.job_id, 0))
              ORDER BY rank, job_id LIMIT 1)
             UNION ALL
            (SELECT rank, job_id, CASE WHEN rank = f.rank THEN f.job_id ELSE 9223372036854775807 END FROM ready
              WHERE again = q.id AND (rank, job_id) < (f.rank, f.job_id)
              ORDER BY rank, job_id LIMIT 1)) e
         ORDER BY rank, job_id LIMIT 1) h
 WHERE q.live AND q.job_type = ANY ($1::text[]) AND q.root = ANY ($2::text[])
   AND (q.limits IS NULL OR NOT q.limits && $6::integer[])
   AND r.status = 'active' AND r.gate = 'open'
   FOR SHARE OF r
