-- $1 canonical form text.  One row: id of the active run of this hash, whether it is being
-- cancelled.
SELECT id, gate = 'cancelled' FROM runs WHERE config_hash = encode(sha256(convert_to($1::text, 'UTF8')), 'hex')
   AND status IN ('active', 'paused')
