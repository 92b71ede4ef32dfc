-- Quarry's schema. docs/database.md says why each table is as it is.
--
-- Hot tables carry no foreign keys: each check would cost as much as the row. What belongs together is
-- written in one transaction instead, and `quarry verify` looks for strays.

-- ------------------------------------------------------------------ the database itself

CREATE TABLE cluster (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch      bytea NOT NULL DEFAULT decode(replace(gen_random_uuid()::text, '-', ''), 'hex'),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO cluster DEFAULT VALUES;

CREATE TABLE coordinators (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the owner epoch of its sessions
    instance   text NOT NULL,
    host       text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    renewed_at timestamptz NOT NULL DEFAULT now(),
    renewals   bigint NOT NULL DEFAULT 0, -- peers watch this, never the time
    stopped_at timestamptz
) WITH (fillfactor = 50);

CREATE TABLE sessions (
    pk             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    worker_id      varchar(100) NOT NULL,
    session        bytea NOT NULL CHECK (octet_length(session) = 16),
    start_counter  bigint NOT NULL,
    coordinator_id bigint NOT NULL,
    attach         bigint NOT NULL DEFAULT 1,
    host           text NOT NULL DEFAULT '',
    os             text NOT NULL DEFAULT '',
    arch           text NOT NULL DEFAULT '',
    version        text NOT NULL DEFAULT '',
    labels         jsonb NOT NULL DEFAULT '{}',
    types          text[] NOT NULL DEFAULT '{}',
    roots          text[] NOT NULL DEFAULT '{}',
    slots          integer NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL DEFAULT now(),
    attached_at    timestamptz NOT NULL DEFAULT now(),
    ended_at       timestamptz,
    end_reason     text, -- replaced, goodbye, silent
    replaced_by    bigint,
    UNIQUE (worker_id, session)
) WITH (fillfactor = 70);
CREATE INDEX sessions_worker ON sessions (worker_id, start_counter DESC);
CREATE INDEX sessions_live ON sessions (coordinator_id) WHERE ended_at IS NULL;

-- ------------------------------------------------------------------ files

CREATE TABLE cloud_files (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uri               text COLLATE "C" NOT NULL,
    root              text NOT NULL DEFAULT '',
    name              text NOT NULL DEFAULT '',
    bytes             bigint NOT NULL DEFAULT 0,
    modified_at       timestamptz,
    version           integer NOT NULL DEFAULT 1, -- one more each time it was seen changed
    media_type        text,
    sha256            bytea,
    extraction_status jsonb,
    created_at        timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 60);
-- Unique by uri; a long one by its head and hash, since a btree entry holds 2704 bytes at most.
CREATE UNIQUE INDEX cloud_files_uri ON cloud_files
    ((CASE WHEN octet_length(uri) <= 1000 THEN uri ELSE left(uri, 200) || md5(uri) END));

-- ------------------------------------------------------------------ runs

CREATE TABLE runs (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text NOT NULL,
    source         text NOT NULL,
    types          text[] NOT NULL DEFAULT '{}',
    options        jsonb NOT NULL DEFAULT '{}',
    priority       integer NOT NULL DEFAULT 0 CHECK (priority BETWEEN -100 AND 100),
    config_hash    text NOT NULL,
    manual         boolean NOT NULL DEFAULT false,
    again          boolean NOT NULL DEFAULT false,
    upload         boolean NOT NULL DEFAULT false, -- a person waits: one retry more
    previous_runs  bigint[] NOT NULL DEFAULT '{}', -- finished ones of this hash: their files are not new
    status         text NOT NULL DEFAULT 'active'
                   CHECK (status IN ('active', 'paused', 'completed', 'cancelled', 'failed')),
    gate           text NOT NULL DEFAULT 'open' CHECK (gate IN ('open', 'paused', 'cancelled')),
    adding         boolean NOT NULL DEFAULT true,  -- discover, or a person, still adds: holds one token of `open`
    lister         bigint,                         -- coordinator that lists
    discover_error text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX runs_active_hash ON runs (config_hash) WHERE status IN ('active', 'paused');
CREATE INDEX runs_hash ON runs (config_hash);
CREATE INDEX runs_listing ON runs (id) WHERE adding AND NOT manual;

-- One row a stage. open = jobs that have not ended, plus one token while jobs may still be added.
CREATE TABLE run_stages (
    run_id       bigint NOT NULL,
    stage        text NOT NULL,
    epoch        integer NOT NULL DEFAULT 1,
    open         bigint NOT NULL DEFAULT 0 CHECK (open >= 0),
    closed       boolean NOT NULL DEFAULT false,
    total        bigint NOT NULL DEFAULT 0,
    completed    bigint NOT NULL DEFAULT 0,
    failed       bigint NOT NULL DEFAULT 0,
    paused       bigint NOT NULL DEFAULT 0,
    cancelled    bigint NOT NULL DEFAULT 0,
    empty        bigint NOT NULL DEFAULT 0,
    partial      bigint NOT NULL DEFAULT 0,
    retries      bigint NOT NULL DEFAULT 0,
    infra_losses bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, stage)
) WITH (fillfactor = 20);

-- A run's place in the fair order; apart from the run, whose row claims hold FOR SHARE.
CREATE TABLE run_shares (
    run_id bigint PRIMARY KEY,
    pass   double precision NOT NULL DEFAULT 0,
    weight double precision NOT NULL DEFAULT 1 CHECK (weight > 0)
) WITH (fillfactor = 20);

-- What a claim chooses between: the jobs of one run, one type and one root.
CREATE TABLE run_queues (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id   bigint NOT NULL,
    job_type text NOT NULL,
    root     text NOT NULL DEFAULT '', -- '': any worker can reach it
    live     boolean NOT NULL DEFAULT true,
    UNIQUE (run_id, job_type, root)
);
CREATE INDEX run_queues_live ON run_queues (job_type) WHERE live;

-- ------------------------------------------------------------------ jobs

CREATE TABLE extraction_jobs (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id            bigint NOT NULL,
    file_id           bigint NOT NULL,
    settled_lease_id  bigint, -- the lease whose result made the state what it is
    created_at        timestamptz NOT NULL DEFAULT now(),
    completed_at      timestamptz,
    claimed_at        timestamptz,
    heartbeat         timestamptz,
    queue_id          integer NOT NULL,
    priority          integer NOT NULL DEFAULT 0,
    file_version      integer NOT NULL DEFAULT 1,
    retry_count       integer NOT NULL DEFAULT 0,
    infra_losses      integer NOT NULL DEFAULT 0,
    duration_ms       integer,
    checkpoint_number integer,
    partial           boolean NOT NULL DEFAULT false,
    job_type          text NOT NULL,
    status            text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'processing', 'paused', 'completed', 'failed', 'cancelled')),
    claimed_by        varchar(100),
    last_error        text,
    error_class       text,
    stop_requested    text CHECK (stop_requested IN ('pause', 'cancel')),
    empty_reason      text,
    parameters        jsonb,
    bom               jsonb,
    checkpoint        bytea
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.2);
-- No index here may name a column that an ordinary settle changes: its updates stay heap-only (HOT).
CREATE UNIQUE INDEX extraction_jobs_run_file ON extraction_jobs (run_id, file_id);
-- Long leases alone; the same one that operators' scripts create.
CREATE INDEX idx_jobs_claimed ON extraction_jobs (claimed_by) WHERE claimed_by IS NOT NULL;

-- The rule of coordinator/db/states.h once more. An AFTER trigger, because it does not lock the row a
-- second time; its function runs only for what is illegal.
CREATE FUNCTION extraction_jobs_illegal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'job %: illegal transition % -> %', OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER extraction_jobs_transition AFTER UPDATE OF status ON extraction_jobs FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND NOT (
           (OLD.status = 'pending'    AND NEW.status IN ('processing', 'completed', 'failed', 'paused', 'cancelled'))
        OR (OLD.status = 'processing' AND NEW.status IN ('pending', 'completed', 'failed', 'paused', 'cancelled'))
        OR (OLD.status = 'paused'     AND NEW.status IN ('pending', 'cancelled'))
        OR (OLD.status IN ('failed', 'cancelled') AND NEW.status = 'pending')))
    EXECUTE FUNCTION extraction_jobs_illegal();

-- Jobs that may be claimed now: a row comes and goes, and nothing else points at it.
CREATE TABLE ready (
    job_id   bigint NOT NULL,
    queue_id integer NOT NULL,
    rank     smallint NOT NULL, -- minus the priority, so that one ascending index is the order of work
    PRIMARY KEY (queue_id, rank, job_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_insert_scale_factor = 0.5, autovacuum_vacuum_cost_delay = 0);

-- Jobs that wait for their next attempt.
CREATE TABLE delayed (
    job_id   bigint PRIMARY KEY,
    run_at   timestamptz NOT NULL,
    queue_id integer NOT NULL,
    rank     smallint NOT NULL
);
CREATE INDEX delayed_run_at ON delayed (run_at);

-- Lease ids: job i of a batch (from 0) has first_lease_id + i, so that a lease names its batch.
CREATE SEQUENCE lease_ids INCREMENT BY 256 START WITH 1;

-- One row a claimed batch, kept: the record of the hand-over.
CREATE TABLE lease_batches (
    first_lease_id  bigint PRIMARY KEY,
    session_pk      bigint NOT NULL, -- moves when a new process of the worker brings the spool
    claimed_by      bigint NOT NULL, -- session of the claim, for good
    created_at      timestamptz NOT NULL DEFAULT now(),
    gone            smallint[] NOT NULL DEFAULT '{}', -- elements whose lease ended without a completed result
    job_ids         bigint[] NOT NULL CHECK (cardinality(job_ids) BETWEEN 1 AND 256)
) WITH (fillfactor = 90);
ALTER TABLE lease_batches ALTER COLUMN job_ids SET STORAGE PLAIN;
ALTER TABLE lease_batches ALTER COLUMN gone SET STORAGE PLAIN;

-- Batches in which something may still be leased.
CREATE TABLE live_batches (
    session_pk     bigint NOT NULL,
    first_lease_id bigint NOT NULL,
    PRIMARY KEY (session_pk, first_lease_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX live_batches_lease ON live_batches (first_lease_id);

-- The audit trail. One row covers a batch (job_ids) where that is the usual case, one job (job_id)
-- where it is rare: failed, retry, returned, what people ask for.
CREATE TABLE job_events (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    run_id     bigint,
    session_pk bigint,
    job_id     bigint,
    lease_id   bigint,
    event      text NOT NULL,
    detail     text,
    job_ids    bigint[]
);
ALTER TABLE job_events ALTER COLUMN job_ids SET STORAGE PLAIN;
CREATE INDEX job_events_job ON job_events (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX job_events_batch ON job_events (at) WHERE job_ids IS NOT NULL;
CREATE INDEX job_events_run ON job_events (run_id, id) WHERE job_id IS NULL AND job_ids IS NULL;

CREATE TABLE dead_letters (
    job_id      bigint PRIMARY KEY,
    run_id      bigint NOT NULL,
    error_class text NOT NULL,
    message     text NOT NULL,
    job_type    text NOT NULL,
    retry_count integer NOT NULL,
    lease_id    bigint,
    failed_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dead_letters_run ON dead_letters (run_id, error_class, job_id);

-- ------------------------------------------------------------------ what extraction found

CREATE TABLE extracted_metadata (
    job_id            bigint PRIMARY KEY,
    file_id           bigint NOT NULL,
    run_id            bigint NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    bytes             bigint,
    chars             bigint NOT NULL DEFAULT 0,
    peak_memory_bytes bigint,
    completeness      double precision,
    pages             integer NOT NULL DEFAULT 0,
    duration_ms       integer,
    encrypted         boolean NOT NULL DEFAULT false,
    partial           boolean NOT NULL DEFAULT false,
    media_type        text,
    extractor         text,
    extractor_version text,
    encoding          text,
    source            text NOT NULL DEFAULT 'actual',
    empty_reason      text,
    sha256            bytea,
    metadata          jsonb NOT NULL DEFAULT '{}',
    notes             jsonb,
    title_block       jsonb,
    entities          jsonb,
    paper_entities    jsonb,
    layers            jsonb,
    blocks            jsonb,
    links             jsonb,
    spans             jsonb,
    cad               jsonb
);
CREATE INDEX extracted_metadata_file ON extracted_metadata (file_id);

-- Text, a row a page; page 0 is the whole of a file without pages.
CREATE TABLE extracted_pages (
    job_id      bigint NOT NULL,
    page        integer NOT NULL,
    chars       integer NOT NULL DEFAULT 0,
    width_pt    double precision,
    height_pt   double precision,
    rotation    integer NOT NULL DEFAULT 0,
    undecodable integer NOT NULL DEFAULT 0,
    image_only  boolean NOT NULL DEFAULT false,
    label       text,
    error_class text,
    error       text,
    text        text NOT NULL DEFAULT '',
    PRIMARY KEY (job_id, page)
);

CREATE TABLE extracted_dimensions (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id         bigint NOT NULL,
    file_id        bigint NOT NULL,
    kind           text NOT NULL DEFAULT '',
    value          double precision,
    raw_value      double precision,
    computed_value double precision,
    upper_tol      double precision,
    lower_tol      double precision,
    confidence     double precision,
    quantity       integer,
    page           integer,
    text           text,
    unit           text,
    fit            text,
    source         text,
    handle         text,
    box            double precision[]
);
CREATE INDEX extracted_dimensions_job ON extracted_dimensions (job_id);

CREATE TABLE extracted_parameters (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id     bigint NOT NULL,
    file_id    bigint NOT NULL,
    name       text NOT NULL DEFAULT '',
    value      text NOT NULL DEFAULT '',
    value_type text,
    unit       text,
    set_name   text,
    owner      text,
    source     text
);
CREATE INDEX extracted_parameters_job ON extracted_parameters (job_id);

CREATE TABLE extracted_materials (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id     bigint NOT NULL,
    file_id    bigint NOT NULL,
    name       text NOT NULL DEFAULT '',
    standard   text,
    density    double precision, -- kg/m³
    owner      text,
    source     text,
    confidence double precision
);
CREATE INDEX extracted_materials_job ON extracted_materials (job_id);

CREATE TABLE extracted_bom_items (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id      bigint NOT NULL,
    file_id     bigint NOT NULL,
    item        text,
    part_number text,
    description text,
    quantity    text,
    unit        text,
    material    text,
    parent      text,
    source      text,
    page        integer
);
CREATE INDEX extracted_bom_items_job ON extracted_bom_items (job_id);

-- ------------------------------------------------------------------ CAD models

CREATE TABLE cad_models (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id         bigint NOT NULL,
    job_id          bigint NOT NULL UNIQUE,
    run_id          bigint NOT NULL,
    status          text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'processing', 'paused', 'completed', 'failed', 'cancelled')),
    extraction_mode text, -- grpc, json
    source          text,
    brep_genome     jsonb,
    point_cloud     bytea,  -- float32 little endian, xyz
    deepsdf_latent  real[],
    face_count      integer,
    edge_count      integer,
    bbox            double precision[],
    created_at      timestamptz NOT NULL DEFAULT now(),
    completed_at    timestamptz
) WITH (fillfactor = 70);
CREATE INDEX cad_models_file ON cad_models (file_id);

CREATE TABLE cad_model_embeddings (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cad_model_id   bigint NOT NULL REFERENCES cad_models (id) ON DELETE CASCADE,
    embedding_type text NOT NULL,
    model          text,
    embedding      real[] NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (cad_model_id, embedding_type)
);

CREATE TABLE cad_assembly_relations (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_model_id bigint NOT NULL REFERENCES cad_models (id) ON DELETE CASCADE,
    child_model_id  bigint REFERENCES cad_models (id) ON DELETE SET NULL,
    child_name      text NOT NULL,
    quantity        integer,
    transform       double precision[]
);
CREATE INDEX cad_assembly_relations_parent ON cad_assembly_relations (parent_model_id);

CREATE TABLE cad_manufacturing_features (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cad_model_id bigint NOT NULL REFERENCES cad_models (id) ON DELETE CASCADE,
    feature_type text NOT NULL,
    name         text,
    parameters   jsonb
);
CREATE INDEX cad_manufacturing_features_model ON cad_manufacturing_features (cad_model_id);

CREATE TABLE cad_rendered_views (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cad_model_id bigint NOT NULL REFERENCES cad_models (id) ON DELETE CASCADE,
    view         text NOT NULL,
    width        integer,
    height       integer,
    media_type   text,
    image        bytea,
    UNIQUE (cad_model_id, view)
);

-- ------------------------------------------------------------------ documents that belong together

CREATE TABLE document_groups (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    kind         text,
    confidence   double precision,
    needs_review boolean NOT NULL DEFAULT false,
    reason       text,
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE document_group_members (
    group_id bigint NOT NULL REFERENCES document_groups (id) ON DELETE CASCADE,
    file_id  bigint NOT NULL,
    role     text,
    PRIMARY KEY (group_id, file_id)
);
CREATE INDEX document_group_members_file ON document_group_members (file_id);
