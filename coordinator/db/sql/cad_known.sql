-- $1 worker text.  Has it ever reported as a bridge?
SELECT FROM cad_bridges WHERE worker_id = $1::text
