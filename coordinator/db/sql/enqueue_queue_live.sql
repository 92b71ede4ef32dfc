-- $1 run bigint, $2 type text, $3 root text, $4 source text.  The queue, if it is there and in claims. It is not
-- locked, so that calls for one run do not wait for each other: while its stage is open, none goes.
SELECT id FROM run_queues
 WHERE run_id = $1::bigint AND job_type = $2::text AND root = $3::text AND source = $4::text AND live
