-- Jobs that a worker finds while it works on another (docs/database.md "Jobs that others find").

-- NULL on every job that was listed or added, so they cost no bytes.
ALTER TABLE extraction_jobs
    ADD COLUMN parent_job_id bigint,
    ADD COLUMN depth smallint CHECK (depth BETWEEN 1 AND 16); -- steps from a listed file
CREATE INDEX extraction_jobs_parent ON extraction_jobs (parent_job_id) WHERE parent_job_id IS NOT NULL;

ALTER TABLE run_stages
    ADD COLUMN found         bigint NOT NULL DEFAULT 0, -- of the total
    ADD COLUMN found_refused bigint NOT NULL DEFAULT 0; -- not added; job_events says why
