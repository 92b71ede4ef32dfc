-- $1 session bigint[], $2 first lease id bigint[].  Batches whose last element this transaction ended.
-- One look-up a batch, whatever is believed of the table: vacuum often finds it empty, and a plan made then
-- would walk over all of it for each settle.
DELETE FROM live_batches WHERE ctid = ANY (ARRAY(
    SELECT l.ctid
      FROM unnest($1::bigint[], $2::bigint[]) u (session_pk, first_lease_id)
     CROSS JOIN LATERAL (SELECT v.ctid FROM live_batches v
                          WHERE v.session_pk = u.session_pk AND v.first_lease_id = u.first_lease_id LIMIT 1) l))
