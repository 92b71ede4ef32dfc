-- $1 worker text, $2 session bytea, $3 start counter bigint, $4 coordinator bigint, $5 host, $6 os, $7 arch,
-- $8 version text, $9 labels text (JSON), $10 types text[], $11 roots text[], $12 slots integer,
-- $13 stream number bigint.
-- One row: pk, attach.
INSERT INTO sessions (worker_id, session, start_counter, coordinator_id, host, os, arch, version, labels,
                      types, roots, slots, stream_number)
VALUES ($1::text, $2::bytea, $3::bigint, $4::bigint, $5::text, $6::text, $7::text, $8::text,
        $9::text::jsonb, $10::text[], $11::text[], $12::integer, $13::bigint)
RETURNING pk, attach
