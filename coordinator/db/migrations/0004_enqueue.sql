-- Bulk enqueue: ids in ranges; a start in the future; keys of which one job at a time may be open.

-- A range of n ids of both kinds, so that rows can be made outside and copied in. One at a time, by a lock
-- of the session that lasts for this call: ranges never overlap, and no transaction waits for another's end.
CREATE FUNCTION enqueue_ids(n bigint, OUT first_file bigint, OUT first_job bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock(5854424951437868360);
    first_file := nextval('cloud_files_id_seq');
    first_job := nextval('extraction_jobs_id_seq');
    PERFORM setval('cloud_files_id_seq', first_file + n - 1);
    PERFORM setval('extraction_jobs_id_seq', first_job + n - 1);
    PERFORM pg_advisory_unlock(5854424951437868360);
END $$;

ALTER TABLE runs ADD COLUMN start_at timestamptz; -- its jobs are not claimed before
ALTER TABLE extraction_jobs ADD COLUMN dedupe text; -- as given; job_keys says who has it now

-- The job that has a key now. It may have ended: then the next one takes the key over.
CREATE TABLE job_keys (
    run_id bigint NOT NULL,
    key    text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 200),
    job_id bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, key)
) WITH (fillfactor = 70);
