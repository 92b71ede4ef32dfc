-- $1 worker text ('' for all), $2 mode text, $3 who asks text or null.  An order to all replaces those to single ones.
-- Rows: the bridges it is for.
WITH d AS (
    DELETE FROM cad_orders WHERE $1::text = '' AND worker_id <> ''
), o AS (
    INSERT INTO cad_orders (worker_id, mode, by_whom) VALUES ($1::text, $2::text, $3::text)
    ON CONFLICT (worker_id) DO UPDATE SET mode = excluded.mode, by_whom = excluded.by_whom, at = now()
)
SELECT worker_id FROM cad_bridges
 WHERE ($1::text = '' OR worker_id = $1::text) AND reported_at > now() - interval '1 hour' ORDER BY 1
