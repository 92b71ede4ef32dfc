-- Their places in the order of work, by copy.h.
COPY ready (job_id, queue_id, rank, bytes, modified_ms, uri) FROM STDIN (FORMAT binary)
