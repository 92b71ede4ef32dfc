-- $1 job bigint[].  Failed jobs of which the finished part is stored.
UPDATE extraction_jobs SET partial = true WHERE id = ANY ($1::bigint[])
