-- $1 session bigint[], $2 first lease id bigint[].  Batches whose last element this transaction ended.
DELETE FROM live_batches l USING unnest($1::bigint[], $2::bigint[]) u (session_pk, first_lease_id)
 WHERE l.session_pk = u.session_pk AND l.first_lease_id = u.first_lease_id
