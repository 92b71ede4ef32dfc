-- $1 job bigint.  One row when it exists.
SELECT 1 FROM extraction_jobs WHERE id = $1::bigint
