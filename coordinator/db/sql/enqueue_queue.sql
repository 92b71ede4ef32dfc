-- $1 run bigint, $2 type text, $3 root text.  One row: the queue, made when it is the first of its kind.
WITH i AS (
    INSERT INTO run_queues (run_id, job_type, root) VALUES ($1::bigint, $2::text, $3::text)
    ON CONFLICT (run_id, job_type, root) DO UPDATE SET live = true
    RETURNING id
), s AS (
    INSERT INTO run_shares (run_id, pass)
    SELECT $1::bigint, coalesce((SELECT min(s.pass) FROM run_shares s
                                  WHERE EXISTS (SELECT FROM run_queues q WHERE q.run_id = s.run_id AND q.live)), 0)
    ON CONFLICT (run_id) DO NOTHING
)
SELECT id FROM i
