-- $1 own id bigint.  Other coordinators that are not stopped: id, renewals.
SELECT id, renewals FROM coordinators WHERE stopped_at IS NULL AND id <> $1::bigint ORDER BY id
