-- As in 0004, but a lock of the session outlives its transaction: what fails behind it has to give it back, or
-- every call on another connection waits until this one is closed.
CREATE OR REPLACE FUNCTION enqueue_ids(n bigint, OUT first_file bigint, OUT first_job bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock(5854424951437868360);
    BEGIN
        first_file := nextval('cloud_files_id_seq');
        first_job := nextval('extraction_jobs_id_seq');
        PERFORM setval('cloud_files_id_seq', first_file + n - 1);
        PERFORM setval('extraction_jobs_id_seq', first_job + n - 1);
    EXCEPTION WHEN query_canceled OR assert_failure OR OTHERS THEN
        PERFORM pg_advisory_unlock(5854424951437868360);
        RAISE;
    END;
    PERFORM pg_advisory_unlock(5854424951437868360);
END $$;
