-- The number of the session's newest Hello: one that was read late, by a coordinator that had stalled,
-- must not take the session from the stream that came after it.
ALTER TABLE sessions ADD COLUMN stream_number bigint NOT NULL DEFAULT 0;
