-- $1 job bigint[].  Jobs whose results found others; their runs are locked FOR SHARE (rule 10), in order, before
-- any job is.  Rows: job, run, depth, priority, uri, may the run grow, does it ask for what is found, its types
-- (",pdf,dxf,", or empty: all), are files left out that earlier runs did.
WITH r AS MATERIALIZED (
    SELECT * FROM runs WHERE id IN (SELECT run_id FROM extraction_jobs WHERE id = ANY ($1::bigint[]))
     ORDER BY id FOR SHARE
)
SELECT j.id, j.run_id, coalesce(j.depth, 0)::integer, j.priority, c.uri,
       r.status IN ('active', 'paused') AND r.gate <> 'cancelled',
       coalesce(r.options ->> 'follow-references' = 'on', false),
       CASE WHEN cardinality(r.types) > 0 THEN ',' || array_to_string(r.types, ',') || ',' ELSE '' END,
       cardinality(r.previous_runs) > 0 AND NOT r.again
  FROM extraction_jobs j JOIN r ON r.id = j.run_id JOIN cloud_files c ON c.id = j.file_id
 WHERE j.id = ANY ($1::bigint[])
 ORDER BY j.id
