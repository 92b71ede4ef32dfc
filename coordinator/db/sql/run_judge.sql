-- $1 run bigint.  A person looked after it: what has failed so far is not held against the run again.
UPDATE run_stages SET judged_from = completed + failed, faults_from = faults
 WHERE run_id = $1::bigint AND stage = 'extract'
