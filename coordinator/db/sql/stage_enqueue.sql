-- $1 run bigint, $2 new jobs bigint.  One row; none when the stage was closed meanwhile.
UPDATE run_stages SET open = open + $2::bigint, total = total + $2::bigint
 WHERE run_id = $1::bigint AND stage = 'extract' AND NOT closed
RETURNING open
