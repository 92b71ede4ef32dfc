-- $1 name, $2 source text, $3 types text[], $4 options text (JSON), $5 priority integer, $6 canonical form text,
-- $7 again boolean, $8 manual boolean, $9 upload boolean, $10 weight float8, $11 halt_at float8 (null: never),
-- $12 start at ms bigint, $13 delay ms bigint (0: none; the later of both counts).
-- One row when the run is new: id.  None when a run of this hash is active.
WITH r AS (
    INSERT INTO runs (name, source, types, options, priority, config_hash, again, manual, upload,
                      previous_runs, halt_at, start_at)
    SELECT $1::text, $2::text, $3::text[], $4::text::jsonb, $5::integer, h.hash, $7::boolean, $8::boolean,
           $9::boolean,
           ARRAY(SELECT id FROM runs WHERE config_hash = h.hash ORDER BY id), $11::float8,
           greatest(CASE WHEN $12::bigint > 0 THEN to_timestamp($12::bigint / 1000.0) END,
                    CASE WHEN $13::bigint > 0 THEN now() + $13::bigint * interval '1 millisecond' END)
      FROM (SELECT encode(sha256(convert_to($6::text, 'UTF8')), 'hex') AS hash) h
    ON CONFLICT (config_hash) WHERE status IN ('active', 'paused') DO NOTHING
    RETURNING id
), s AS (
    INSERT INTO run_stages (run_id, stage, open) SELECT id, 'extract', 1 FROM r
), w AS (
    INSERT INTO run_shares (run_id, weight) SELECT id, $10::float8 FROM r
), e AS (
    INSERT INTO job_events (event, run_id) SELECT 'run.created', id FROM r
)
SELECT id FROM r
