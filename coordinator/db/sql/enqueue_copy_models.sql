-- The models of CAD jobs, by copy.h.
COPY cad_models (file_id, job_id, run_id) FROM STDIN (FORMAT binary)
