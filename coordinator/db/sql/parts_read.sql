-- $1 job bigint, $2 from byte bigint, $3 at most integer.
-- Bytes of a job's parts, one behind the other: up to the end of the part that holds the first of them.
SELECT substring(p.data FROM ($2::bigint - p.begin_at + 1)::integer FOR $3::integer)
  FROM job_parts p
 WHERE p.job_id = $1::bigint AND p.begin_at <= $2::bigint
   AND p.begin_at + octet_length(p.data) > $2::bigint
 ORDER BY p.number DESC LIMIT 1
