-- CAD bridges: what each says of itself, which of its switches are known, what operators ordered.
CREATE TABLE cad_bridges (
    worker_id   text PRIMARY KEY,
    process     text NOT NULL,    -- one life of it
    coordinator text,             -- that heard it last
    service     text,             -- what answers; null: nothing has yet
    mode        text NOT NULL,    -- in force: auto, grpc, json
    breaker     text NOT NULL,    -- closed, open, half-open
    since       timestamptz,      -- in this state
    calls       integer NOT NULL, -- in the window
    faults      integer NOT NULL,
    by_grpc     bigint NOT NULL,  -- jobs, since the process began
    by_json     bigint NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT now(),
    state       bytea NOT NULL    -- BridgeState (bridge.proto), whole
) WITH (fillfactor = 50);

CREATE TABLE cad_switches (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    worker_id    text NOT NULL,
    process      text NOT NULL,
    number       bigint NOT NULL,
    at           timestamptz NOT NULL, -- by the bridge's clock
    what         text NOT NULL,        -- breaker, mode
    before_state text NOT NULL,
    after_state  text NOT NULL,
    why          text,
    calls        integer,
    faults       integer,
    cooldown_ms  bigint,
    UNIQUE (worker_id, process, number)
);
CREATE INDEX cad_switches_at ON cad_switches (at);

-- The mode that is ordered; worker '' is every bridge that has no row of its own.
CREATE TABLE cad_orders (
    worker_id text PRIMARY KEY,
    mode      text NOT NULL CHECK (mode IN ('auto', 'grpc', 'json')),
    by_whom   text,
    at        timestamptz NOT NULL DEFAULT now()
);
