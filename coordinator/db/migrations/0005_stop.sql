-- What people stop (rule 10): runs behind a gate, jobs that are asked, workers that are drained.

ALTER TABLE runs
    ADD COLUMN gate_reason text,       -- as the person gave it, while it is not open
    ADD COLUMN gate_at     timestamptz; -- when it last moved
-- Runs that claims pass by, and those still being closed: what a poll and the sweep look at.
CREATE INDEX runs_gate ON runs (id) WHERE gate <> 'open' AND status IN ('active', 'paused');

-- Leased jobs that were asked to stop. The column stop_requested counts; a row here only says where to look, so
-- that a poll costs what is stopped and not what runs. Removed once the column is clear again.
CREATE TABLE control (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT now(),
    job_id bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

-- The sweep of a cancelled run finds its delayed jobs.
CREATE INDEX delayed_queue ON delayed (queue_id);

-- A worker that is to finish, whichever coordinator has it; null: not asked.
ALTER TABLE sessions ADD COLUMN drain_grace_ms integer CHECK (drain_grace_ms >= 0);
CREATE INDEX sessions_drain ON sessions (pk) WHERE drain_grace_ms IS NOT NULL AND ended_at IS NULL;
