-- Jobs of new files, by copy.h.
COPY extraction_jobs (id, run_id, file_id, queue_id, priority, job_type) FROM STDIN (FORMAT binary)
