-- Finished work of jobs that have not ended (docs/database.md, "Checkpoints"): parts of a job's record, one
-- behind the other; and how far running jobs have come, mirrored with their heartbeat.

CREATE TABLE job_parts (
    job_id     bigint NOT NULL,
    number     integer NOT NULL,        -- of the checkpoint it leads to
    lease_id   bigint NOT NULL,         -- which brought it
    begin_at   bigint NOT NULL,         -- bytes of all parts before it
    created_at timestamptz NOT NULL DEFAULT now(),
    data       bytea NOT NULL,
    PRIMARY KEY (job_id, number)
);
-- Read in slices, and of no use soon: not worth compressing.
ALTER TABLE job_parts ALTER COLUMN data SET STORAGE EXTERNAL;

ALTER TABLE extraction_jobs
    ADD COLUMN part_bytes         bigint,   -- of all parts that stand behind the checkpoint
    ADD COLUMN progress_permille  smallint,
    ADD COLUMN progress_done      integer,  -- pages
    ADD COLUMN progress_total     integer;
