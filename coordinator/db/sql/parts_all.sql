-- $1 job bigint.  All parts of a job in order: bytes before it, data.
SELECT begin_at, data FROM job_parts WHERE job_id = $1::bigint ORDER BY number
