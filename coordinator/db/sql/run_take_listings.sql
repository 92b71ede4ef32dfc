-- $1 coordinator bigint.  Runs to list that nobody living lists: id, source, priority, types.
UPDATE runs r SET lister = $1::bigint
 WHERE r.adding AND NOT r.manual AND r.status IN ('active', 'paused')
   AND (r.lister IS NULL OR r.lister = $1::bigint
        OR NOT EXISTS (SELECT FROM coordinators c WHERE c.id = r.lister AND c.stopped_at IS NULL))
RETURNING r.id, r.source, r.priority, array_to_string(r.types, ',')
