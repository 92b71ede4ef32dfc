-- $1 run bigint, $2 added bigint, $3 refused bigint.  Jobs that others found; stage_change counts them as open.
UPDATE run_stages SET found = found + $2::bigint, found_refused = found_refused + $3::bigint
 WHERE run_id = $1::bigint AND stage = 'extract'
