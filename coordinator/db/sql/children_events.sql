-- $1 event text[], $2 run bigint[], $3 job bigint[], $4 lease bigint[], $5 detail text[].
-- What a result found, in the history of its job.
INSERT INTO job_events (event, run_id, job_id, lease_id, detail)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])
