-- $1 run bigint, $2 class text ('': any), $3 after id bigint, $4 limit integer.  Dead letters: job.
SELECT job_id FROM dead_letters
 WHERE run_id = $1::bigint AND ($2::text = '' OR error_class = $2::text) AND job_id > $3::bigint
 ORDER BY job_id LIMIT $4::integer
