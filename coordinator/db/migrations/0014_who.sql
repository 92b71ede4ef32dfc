-- Who asked for a pause, a resume or a cancel, as their own machine names them ("anna@ws1"); null: not said.
ALTER TABLE runs ADD COLUMN gate_by text;
ALTER TABLE job_events ADD COLUMN by_whom text;
