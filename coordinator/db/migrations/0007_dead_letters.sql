-- Suspects and convictions (rule 7), what dead letters have in common, learned time budgets.

-- NULL on almost every job, so they cost no bytes.
ALTER TABLE extraction_jobs
    ADD COLUMN suspects integer, -- how often an agent died while it ran this job, since it was queued or retried
    ADD COLUMN alone boolean;    -- its next lease runs with nothing beside it

-- The time budget of a lease that ended without a completed result.
ALTER TABLE job_events ADD COLUMN budget_ms bigint;

-- The message without what differs from file to file (coordinator/db/pattern.c); '' before this migration.
ALTER TABLE dead_letters ADD COLUMN pattern text NOT NULL DEFAULT '';
CREATE INDEX dead_letters_failed ON dead_letters (failed_at);

-- How long jobs of a type and size take, from all coordinators: counts per bucket (coordinator/engine/budget.h).
CREATE TABLE job_budgets (
    job_type   text NOT NULL,
    size_class smallint NOT NULL,
    samples    bigint NOT NULL DEFAULT 0, -- sum of the buckets; halved now and then, so that old jobs fade
    seen       bigint NOT NULL DEFAULT 0, -- jobs ever counted
    buckets    bigint[] NOT NULL,
    budget_ms  bigint, -- NULL: too few samples, the default holds
    p99_ms     bigint,
    changed_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_type, size_class)
) WITH (fillfactor = 50);
