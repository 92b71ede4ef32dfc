-- $1 after session bigint, $2 after lease id bigint, $3 how many batches to look at integer, $4 age seconds
-- integer.  Batches in which nothing is leased any more leave live_batches (a settle removes those that it
-- ends by itself).  One row: last session and lease id seen, closed, looked at.
WITH c AS MATERIALIZED (
    SELECT l.session_pk, l.first_lease_id, b.job_ids, b.gone
      FROM live_batches l JOIN lease_batches b ON b.first_lease_id = l.first_lease_id
     WHERE (l.session_pk, l.first_lease_id) > ($1::bigint, $2::bigint)
       AND b.created_at < now() - $4::integer * interval '1 second'
     ORDER BY l.session_pk, l.first_lease_id LIMIT $3::integer
), d AS (
    DELETE FROM live_batches l USING c
     WHERE l.session_pk = c.session_pk AND l.first_lease_id = c.first_lease_id
       AND NOT EXISTS (
            SELECT FROM unnest(c.job_ids) WITH ORDINALITY o (job_id, ord)
              JOIN extraction_jobs j ON j.id = o.job_id
             WHERE j.status IN ('pending', 'processing')
               AND NOT (o.ord - 1)::smallint = ANY (c.gone))
    RETURNING 1
), last AS (
    SELECT session_pk, first_lease_id FROM c ORDER BY 1 DESC, 2 DESC LIMIT 1
)
SELECT coalesce((SELECT session_pk FROM last), 0), coalesce((SELECT first_lease_id FROM last), 0),
       (SELECT count(*) FROM d), (SELECT count(*) FROM c)
