-- A run ends under its row's lock, so that nobody reopens one of its stages meanwhile. As in 0010, but for that
-- lock: who brings jobs back (retry_hold.sql) has it, shared, from the begin until COMMIT. Without it both could
-- look, see nothing of the other, and leave open jobs in a run that is over.
CREATE OR REPLACE FUNCTION run_stage_closed() RETURNS trigger LANGUAGE plpgsql AS $$
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
    PERFORM 1 FROM runs WHERE id = NEW.run_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM run_stages WHERE run_id = NEW.run_id AND open > 0) THEN -- a statement of its own: it sees
        RETURN NULL;                                  -- who had the lock before. Who closes that ends the run
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
