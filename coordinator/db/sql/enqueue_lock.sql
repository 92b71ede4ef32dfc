-- $1 run bigint.  The run, locked FOR SHARE (rule 10): what is read behind it in a statement of its own stays true.
SELECT FROM runs WHERE id = $1::bigint FOR SHARE
