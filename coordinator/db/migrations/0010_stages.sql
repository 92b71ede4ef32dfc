-- Stages of a run behind extract: link, index, report. docs/database.md "Stages".

-- The work of a stage, leased by a coordinator: who has it is `coordinator_id`, under lease_id.
CREATE TABLE stage_jobs (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id         bigint NOT NULL,
    stage          text NOT NULL CHECK (stage IN ('link', 'index', 'report')),
    input_epoch    integer NOT NULL, -- of the stage before it, when that closed
    partial        boolean NOT NULL DEFAULT false, -- begun early: beside the counters
    status         text NOT NULL DEFAULT 'pending'
                   CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    superseded     boolean NOT NULL DEFAULT false, -- closed without writing: a newer one covers it
    attempts       integer NOT NULL DEFAULT 0,
    coordinator_id bigint,
    lease_id       bigint,
    run_at         timestamptz NOT NULL DEFAULT now(),
    created_at     timestamptz NOT NULL DEFAULT now(),
    started_at     timestamptz,
    finished_at    timestamptz,
    written        bigint, -- rows: groups, pages
    last_error     text
);
CREATE INDEX stage_jobs_open ON stage_jobs (id) WHERE status IN ('pending', 'processing');
CREATE INDEX stage_jobs_run ON stage_jobs (run_id, id);

-- A stage has closed: in the same transaction its successor gets its job, reopened under its own next epoch
-- where it was closed; behind the last one, or when the run is cancelled, the run ends. `closed` goes from
-- false to true once an epoch, so this happens once an epoch. The gate is read as it is now.
CREATE FUNCTION run_stage_closed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    successor text := CASE NEW.stage WHEN 'extract' THEN 'link' WHEN 'link' THEN 'index'
                                     WHEN 'index' THEN 'report' END;
    ended text;
BEGIN
    IF successor IS NOT NULL AND (SELECT gate FROM runs WHERE id = NEW.run_id) <> 'cancelled' THEN
        INSERT INTO run_stages AS s (run_id, stage, open, total) VALUES (NEW.run_id, successor, 1, 1)
            ON CONFLICT (run_id, stage) DO UPDATE
               SET open = s.open + 1, total = s.total + 1, epoch = s.epoch + s.closed::integer, closed = false;
        INSERT INTO stage_jobs (run_id, stage, input_epoch) VALUES (NEW.run_id, successor, NEW.epoch);
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM run_stages WHERE run_id = NEW.run_id AND open > 0) THEN
        RETURN NULL; -- reopened meanwhile: who closes it goes through all of this again
    END IF;
    UPDATE runs SET status = CASE WHEN gate = 'cancelled' THEN 'cancelled'
                                  WHEN discover_error IS NOT NULL THEN 'failed' ELSE 'completed' END,
                    finished_at = now()
     WHERE id = NEW.run_id AND status IN ('active', 'paused')
    RETURNING status INTO ended;
    IF ended IS NOT NULL THEN
        UPDATE run_queues SET live = false WHERE run_id = NEW.run_id AND live;
        INSERT INTO job_events (event, run_id) VALUES ('run.' || ended, NEW.run_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER run_stages_closed AFTER UPDATE OF closed ON run_stages FOR EACH ROW
    WHEN (NEW.closed AND NOT OLD.closed) EXECUTE FUNCTION run_stage_closed();

-- link: groups belong to the run that found them, one a kind and key
ALTER TABLE document_groups ADD COLUMN run_id bigint, ADD COLUMN key text;
CREATE INDEX document_groups_run ON document_groups (run_id);

-- index: pages stored before they got their search vector with the row
CREATE INDEX extracted_pages_unsearched ON extracted_pages (job_id, page) WHERE search IS NULL AND text <> '';

-- report: the run in one row, as of its last epoch
CREATE TABLE run_reports (
    run_id     bigint PRIMARY KEY,
    epoch      integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    report     jsonb NOT NULL
);
