-- Those that start later, by copy.h.
COPY delayed (job_id, queue_id, rank, run_at) FROM STDIN (FORMAT binary)
