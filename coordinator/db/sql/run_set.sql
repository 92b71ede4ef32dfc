-- $1 run bigint, $2 weight float8, $3 priority integer, $4 halt_at float8 (negative: never), $5 what changes text;
-- null leaves a thing as it is.  One row when the run exists and is not over: id.
WITH r AS (
    UPDATE runs
       SET boost = coalesce($3::integer - priority, boost),
           halt_at = CASE WHEN $4::float8 < 0 THEN NULL ELSE coalesce($4::float8, halt_at) END
     WHERE id = $1::bigint AND status IN ('active', 'paused')
    RETURNING id
), s AS (
    INSERT INTO run_shares (run_id, weight) SELECT id, $2::float8 FROM r WHERE $2::float8 IS NOT NULL
    ON CONFLICT (run_id) DO UPDATE SET weight = excluded.weight
), e AS (
    INSERT INTO job_events (event, run_id, detail) SELECT 'run.set', id, $5::text FROM r
)
SELECT id FROM r
