-- The hot path: a claim is one DELETE, a settle looks at its batch rows once.

-- What an offer says about a job that was never handed out: the claim then reads no other table. Rows that
-- come back (retries, returned leases) leave it NULL; the claim looks those up (sql/claim_offer.sql).
ALTER TABLE ready
    ADD COLUMN bytes       bigint,
    ADD COLUMN modified_ms bigint,
    ADD COLUMN uri         text;

-- Batches are found by session and by lease within it; a second index would cost as much as the row.
DROP INDEX live_batches_lease;

-- A result makes a file's row half as long again (sha256, media_type, extraction_status): room for that on
-- the row's own page, or every result costs an entry in each index.
ALTER TABLE cloud_files SET (fillfactor = 40);
