-- $1 limit integer[].  Rows: the limits that this transaction has now. One that another coordinator's claim is
-- busy with is left out: a claim never waits for a limit.
SELECT id FROM limits WHERE id = ANY ($1::integer[]) ORDER BY id FOR UPDATE SKIP LOCKED
