-- $1 queues whose floor is known integer[].
-- Queues that claims look at and that have nothing: queue, type, root, rank and id that new jobs most likely have
-- at least.  An enqueue that took ids before and commits later announces itself, as does one with another rank.
SELECT q.id, q.job_type, q.root, greatest(least(-r.priority, 32767), -32768)::smallint, i.last_value
  FROM run_queues q
  JOIN runs r ON r.id = q.run_id
 CROSS JOIN extraction_jobs_id_seq i
 WHERE q.live AND r.status = 'active'
   AND q.id <> ALL ($1::integer[])
   AND NOT EXISTS (SELECT FROM ready e WHERE e.queue_id = q.id)
 LIMIT 256
