-- $1 run bigint, $2 how many integer.  Its jobs that wait for their time: job.
SELECT d.job_id FROM run_queues q JOIN delayed d ON d.queue_id = q.id WHERE q.run_id = $1::bigint LIMIT $2::integer
