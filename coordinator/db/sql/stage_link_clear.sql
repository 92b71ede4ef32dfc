-- $1 run bigint.  Groups of an earlier epoch; their members go with them.
DELETE FROM document_groups WHERE run_id = $1::bigint
