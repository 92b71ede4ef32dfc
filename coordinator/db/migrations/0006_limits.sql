-- Limits, shares and the halt of a run that fails too often.

-- Where a queue's files come from: a root's name, or the host of the address. A limited source then holds up
-- nothing but its own queues. `limits` names the limits that apply; null, as usual: none, and a claim asks no more.
ALTER TABLE run_queues
    ADD COLUMN source text NOT NULL DEFAULT '',
    ADD COLUMN limits integer[],
    DROP CONSTRAINT run_queues_run_id_job_type_root_key;
UPDATE run_queues SET source = root;
ALTER TABLE run_queues ADD CONSTRAINT run_queues_key UNIQUE (run_id, job_type, root, source);

-- How many of its jobs may run at a time, how many may start a second; over all coordinators.
CREATE TABLE limits (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope      text NOT NULL CHECK (scope IN ('type', 'run', 'source')),
    name       text COLLATE "C" NOT NULL CHECK (name <> ''),
    running    integer CHECK (running > 0),
    rate       double precision CHECK (rate > 0),                     -- starts a second
    burst      double precision NOT NULL DEFAULT 1 CHECK (burst >= 1), -- tokens that an idle time saves
    tokens     double precision NOT NULL DEFAULT 0,                   -- as of filled_at, by this server's clock
    filled_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (scope, name),
    CHECK (running IS NOT NULL OR rate IS NOT NULL)
) WITH (fillfactor = 20);

-- The places that leases hold under limits with `running`. Made by the claim, deleted by lease id in whatever
-- transaction ends the lease, so that none is given back twice.
CREATE TABLE limit_holds (
    lease_id bigint NOT NULL,
    limit_id integer NOT NULL,
    PRIMARY KEY (lease_id, limit_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX limit_holds_limit ON limit_holds (limit_id);
-- Leases of this batch may hold places.
ALTER TABLE lease_batches ADD COLUMN limited boolean NOT NULL DEFAULT false;

-- The share of failures, not the files' own fault, at which a run pauses itself; null: never.
ALTER TABLE runs
    ADD COLUMN halt_at     double precision DEFAULT 0.2 CHECK (halt_at > 0 AND halt_at < 1),
    -- Added to the priority of its jobs, those in `ready` included, which then need not be rewritten.
    ADD COLUMN boost       integer NOT NULL DEFAULT 0 CHECK (priority + boost BETWEEN -100 AND 100);
ALTER TABLE run_stages
    ADD COLUMN faults      bigint NOT NULL DEFAULT 0, -- of the failed: not the file's own fault
    ADD COLUMN judged_from bigint NOT NULL DEFAULT 0, -- ended, and faults, when a person last said resume or retry:
    ADD COLUMN faults_from bigint NOT NULL DEFAULT 0; -- what was before is not held against the run again
