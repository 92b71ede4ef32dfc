-- The hot path: a claim is one DELETE, a settle looks at its batch rows once.

-- What an offer says about a job that was never handed out: the claim then reads no other table. Rows that
-- come back (retries, returned leases) leave it NULL; the claim looks those up (sql/claim_offer.sql).
ALTER TABLE ready
    ADD COLUMN bytes       bigint,
    ADD COLUMN modified_ms bigint,
    ADD COLUMN uri         text,
    -- The queue again, where a row came back: claims find those below their floor by an index that has nothing
    -- else in it, however many dead entries the primary key has (a transaction held open keeps them all).
    ADD COLUMN again       integer GENERATED ALWAYS AS (CASE WHEN uri IS NULL THEN queue_id END) STORED;
CREATE INDEX ready_again ON ready (again, rank, job_id) WHERE again IS NOT NULL;

-- Batches are found by session and by lease within it; a second index would cost as much as the row.
DROP INDEX live_batches_lease;

-- A result makes a file's row half as long again (sha256, media_type, extraction_status): room for that on
-- the row's own page, or every result costs an entry in each index.
ALTER TABLE cloud_files SET (fillfactor = 40);
