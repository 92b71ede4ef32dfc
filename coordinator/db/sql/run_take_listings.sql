-- $1 coordinator bigint, $2 its roots text[].  Runs to list that nobody living lists: id, source, priority,
-- types. One below a root that this coordinator lacks is left to others, if there are any.
UPDATE runs r SET lister = $1::bigint
 WHERE r.adding AND NOT r.manual AND r.status IN ('active', 'paused')
   AND (r.lister IS NULL OR r.lister = $1::bigint
        OR NOT EXISTS (SELECT FROM coordinators c WHERE c.id = r.lister AND c.stopped_at IS NULL))
   AND (split_part(r.source, '/', 3) = ANY ($2::text[]) -- root://NAME/path
        OR NOT EXISTS (SELECT FROM coordinators c WHERE c.stopped_at IS NULL AND c.id <> $1::bigint))
RETURNING r.id, r.source, r.priority, array_to_string(r.types, ',')
